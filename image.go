package plimsoll

import "time"

// Origin groups images by how the project came to have them.
type Origin string

// The origins.
const (
	OriginPrivate  Origin = "private"  // the project's own registries
	OriginShared   Origin = "shared"   // another account shared it
	OriginInstance Origin = "instance" // an enterprise instance of the cloud registry
	OriginLocal    Origin = "local"    // reported by a client about its host
)

// ScanState is how far the inspection of an image has come.
type ScanState string

// The scan states, least finished first.
const (
	ScanPending     ScanState = "pending"     // asked for, not begun
	ScanRunning     ScanState = "running"     // begun
	ScanNone        ScanState = "none"        // never asked for
	ScanUnreachable ScanState = "unreachable" // the bytes could not be had
	ScanOversized   ScanState = "oversized"   // a size budget was met
	ScanFailed      ScanState = "failed"      // some requested part could not be done
	ScanDone        ScanState = "done"        // looked everywhere
)

// ScanStates lists every scan state, least finished first.
func ScanStates() []ScanState {
	return []ScanState{ScanPending, ScanRunning, ScanNone, ScanUnreachable, ScanOversized, ScanFailed, ScanDone}
}

// LeastFinished returns the argument that is first in ScanStates; ScanNone without arguments.
func LeastFinished(states ...ScanState) ScanState {
	for _, s := range ScanStates() {
		for _, got := range states {
			if got == s {
				return s
			}
		}
	}
	return ScanNone
}

// Counts sums up what is wrong with an artifact. Distinct things, not rows:
// canonical vulnerability ids, failed check rules, visible malicious paths.
type Counts struct {
	Vulnerabilities int `json:"vulnerabilities"`
	Settings        int `json:"settings"`
	Malware         int `json:"malware"`
}

// Image is one row of the inventory: project, registry, repository and tag.
type Image struct {
	ID int64 `json:"id"`
	Tenant
	RegistryID int64  `json:"registry_id"`
	Origin     Origin `json:"origin"`

	Repository string `json:"repository"` // raw path in the registry
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
	Tag        string `json:"tag"`
	Digest     Digest `json:"digest"`
	Size       int64  `json:"size"` // bytes, compressed

	UpdatedAt time.Time `json:"updated_at"`
	FirstSeen time.Time `json:"first_seen"`
	Latest    bool      `json:"latest"` // the newest UpdatedAt of its repository

	Unscannable string `json:"unscannable,omitempty"`

	State     ScanState   `json:"scan_state"`
	Failure   FailureCode `json:"failure,omitempty"`
	Detail    string      `json:"failure_detail,omitempty"` // for people; never holds a secret
	ScannedAt time.Time   `json:"scanned_at,omitzero"`      // last inspection of bytes

	// Counts are the shown ones, nil if the image was never judged.
	Counts *Counts `json:"counts,omitempty"`

	Source ImageSource `json:"source"`

	// Platforms are the members of an index, in its order; empty for a plain image.
	Platforms []ImagePlatform `json:"platforms,omitempty"`
}

// ImageSource is what an image inherits from its registry.
type ImageSource struct {
	Registry     string       `json:"registry"`
	Kind         RegistryKind `json:"kind"`
	InstanceID   string       `json:"instance_id,omitempty"`
	InstanceName string       `json:"instance_name,omitempty"`
	InstanceURL  string       `json:"instance_url,omitempty"`
	Owner        string       `json:"owner,omitempty"`
	ShareExpires time.Time    `json:"share_expires,omitzero"`
}

// ImagePlatform is one member of an index with its own scan state.
type ImagePlatform struct {
	Digest      Digest    `json:"digest"`
	Platform    Platform  `json:"platform"`
	Unscannable string    `json:"unscannable,omitempty"`
	State       ScanState `json:"scan_state"`
}

// Page bounds of lists.
const (
	MaxLimit  = 200
	MaxOffset = 2_000_000
)

// Page is one page of a list with the number of all matches.
type Page[T any] struct {
	Total int    `json:"total"`
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // cursor of the next page, of lists that have one; "" = this is the last page
}

// ImageFilter selects images. Zero fields do not filter; all given fields must match.
type ImageFilter struct {
	ProjectID string // required

	// EnterpriseProjects limits to these; nil means every one in the project.
	EnterpriseProjects []string

	IDs        []int64
	Origins    []Origin
	RegistryID int64
	Repository string
	Namespace  string
	Name       string
	Tag        string
	Digest     Digest
	LatestOnly bool
	States     []ScanState

	InstanceID   string
	InstanceName string
	RegistryKind RegistryKind // "" = any

	Size int64 // bytes, equality; 0 = any

	// Time bounds are inclusive; zero = none.
	UpdatedFrom, UpdatedTo time.Time
	ScannedFrom, ScannedTo time.Time

	// nil = any; false = judged and zero.
	HasMalware       *bool
	HasSetting       *bool
	HasVulnerability *bool

	Setting *SettingFilter // nil = any

	After  string // the cursor of the page before, instead of an offset; "" = the first page
	Offset int
	Limit  int // 0 = MaxLimit
}

// Validate checks bounds and ranges.
func (f ImageFilter) Validate() error {
	switch {
	case f.ProjectID == "":
		return Errorf(Invalid, "an image list needs a project")
	case f.Offset < 0 || f.Offset > MaxOffset:
		return Errorf(Invalid, "offset %d is outside 0 to %d", f.Offset, MaxOffset)
	case f.After != "" && f.Offset != 0:
		return Errorf(Invalid, "a page of images begins after a cursor or at an offset, not both")
	case f.Limit < 0 || f.Limit > MaxLimit:
		return Errorf(Invalid, "limit %d is outside 1 to %d", f.Limit, MaxLimit)
	case f.Size < 0:
		return Errorf(Invalid, "image size %d is negative", f.Size)
	case !f.UpdatedTo.IsZero() && f.UpdatedFrom.After(f.UpdatedTo):
		return Errorf(Invalid, "the update time range starts after its end")
	case !f.ScannedTo.IsZero() && f.ScannedFrom.After(f.ScannedTo):
		return Errorf(Invalid, "the scan time range starts after its end")
	}
	return nil
}

// ImageLookup names one image in one of the ways clients do. Everything that is
// given must match; of several hits the newest is meant.
type ImageLookup struct {
	ProjectID          string
	EnterpriseProjects []string // nil = every one
	ID                 string   // record id, or the hex of the manifest digest; "" = not given
	Ref                ImageRef // empty fields = not given
	Origins            []Origin // nil = any
}
