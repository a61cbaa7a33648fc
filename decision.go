package plimsoll

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"plimsoll/purl"
)

// FindingKind says what a decision is about.
type FindingKind string

// The kinds of finding. Only vulnerabilities are decided about today.
const (
	FindingVulnerability FindingKind = "vulnerability"
	FindingSetting       FindingKind = "setting"
	FindingMalware       FindingKind = "malware"
	FindingSecret        FindingKind = "secret"
)

// DecisionStatus is what was said about a finding. The first four are those of VEX
// (CISA, "Minimum Requirements for Vulnerability Exploitability eXchange", 2023).
type DecisionStatus string

// The statuses.
const (
	StatusNotAffected        DecisionStatus = "not_affected"
	StatusAffected           DecisionStatus = "affected"
	StatusFixed              DecisionStatus = "fixed"
	StatusUnderInvestigation DecisionStatus = "under_investigation"
	StatusIgnored            DecisionStatus = "ignored"  // affected, no action planned
	StatusAccepted           DecisionStatus = "accepted" // the risk is accepted: on a white list
)

// DecisionStatuses lists every status.
func DecisionStatuses() []DecisionStatus {
	return []DecisionStatus{StatusNotAffected, StatusAffected, StatusFixed, StatusUnderInvestigation, StatusIgnored, StatusAccepted}
}

// Handled reports whether a finding with this status needs no more action.
func (s DecisionStatus) Handled() bool {
	switch s {
	case StatusNotAffected, StatusFixed, StatusIgnored, StatusAccepted:
		return true
	default:
		return false
	}
}

// Justification is why something is not affected, in the five words of OpenVEX and CSAF.
type Justification string

// The justifications.
const (
	JustifiedComponentNotPresent Justification = "component_not_present"
	JustifiedCodeNotPresent      Justification = "vulnerable_code_not_present"
	JustifiedNotInExecutePath    Justification = "vulnerable_code_not_in_execute_path"
	JustifiedNotControllable     Justification = "vulnerable_code_cannot_be_controlled_by_adversary"
	JustifiedMitigated           Justification = "inline_mitigations_already_exist"
)

// Justifications lists every justification.
func Justifications() []Justification {
	return []Justification{JustifiedComponentNotPresent, JustifiedCodeNotPresent, JustifiedNotInExecutePath, JustifiedNotControllable, JustifiedMitigated}
}

// DecisionScope limits where a decision applies. All fields that are set must match; an
// empty scope is the whole project.
type DecisionScope struct {
	RegistryID int64  `json:"registry_id,omitempty"`
	Repository string `json:"repository,omitempty"` // raw path in the registry
	Tag        string `json:"tag,omitempty"`        // with a repository: one image
	Digest     Digest `json:"digest,omitempty"`     // of an artifact, or of an index it is a member of

	// Package is a package URL, whose absent parts are not compared, or a name, or
	// name@version. Names of source packages count too.
	Package string `json:"package,omitempty"`

	// Packages limits to those of the operating system, or of languages.
	Packages SetKind `json:"packages,omitempty"`
}

// Decision is what a person or a VEX document said about a finding. It never changes: a
// newer decision ends it.
type Decision struct {
	ID     int64 `json:"id"`
	Tenant       // EnterpriseProject "" means every one of the project

	Kind FindingKind `json:"kind"`

	// Finding is the id of the finding. For a vulnerability it is its canonical id, an alias or an
	// advisory id.
	Finding string        `json:"finding"`
	Scope   DecisionScope `json:"scope"`

	Status        DecisionStatus `json:"status"`
	Justification Justification  `json:"justification,omitempty"`
	Reason        string         `json:"reason,omitempty"`
	Document      string         `json:"document,omitempty"` // id of the VEX document that says so; "" = a person
	Author        string         `json:"author"`

	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // zero = never
	EndedAt   time.Time `json:"ended_at,omitzero"`   // withdrawn or replaced
	EndedBy   string    `json:"ended_by,omitempty"`
}

// Active reports whether the decision applies at a time.
func (d Decision) Active(at time.Time) bool {
	return d.EndedAt.IsZero() && (d.ExpiresAt.IsZero() || at.Before(d.ExpiresAt))
}

// Bounds of the fields of a decision, in bytes.
const (
	maxFinding = 256
	maxScope   = 512
	maxReason  = 4096
	maxAuthor  = 512
)

// Validate checks values and bounds, and that required fields are set.
func (d Decision) Validate() error {
	s := d.Scope
	switch {
	case d.ProjectID == "":
		return Errorf(Invalid, "a decision needs a project")
	case d.Kind != FindingVulnerability:
		return Errorf(Invalid, "decisions are about vulnerabilities, not about %.40q", string(d.Kind))
	case d.Finding == "" || len(d.Finding) > maxFinding || strings.ContainsFunc(d.Finding, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return Errorf(Invalid, "a decision names a vulnerability by an id of 1 to %d bytes without spaces", maxFinding)
	case !slices.Contains(DecisionStatuses(), d.Status):
		return Errorf(Invalid, "status %.40q is not one of %s", string(d.Status), words(DecisionStatuses()))
	case d.Justification != "" && !slices.Contains(Justifications(), d.Justification):
		return Errorf(Invalid, "justification %.60q is not one of %s", string(d.Justification), words(Justifications()))
	case d.Justification != "" && d.Status != StatusNotAffected:
		return Errorf(Invalid, "only %s has a justification", StatusNotAffected)
	case d.Status == StatusNotAffected && d.Justification == "" && d.Reason == "":
		return Errorf(Invalid, "%s needs a justification or a reason", StatusNotAffected)
	case len(d.Reason) > maxReason:
		return Errorf(Invalid, "the reason is longer than %d bytes", maxReason)
	case len(d.Author) > maxAuthor || len(d.Document) > maxAuthor:
		return Errorf(Invalid, "author or document id is longer than %d bytes", maxAuthor)
	case s.RegistryID < 0 || len(s.Repository) > maxScope || len(s.Tag) > maxScope || len(s.Package) > maxScope:
		return Errorf(Invalid, "the scope is out of bounds")
	case s.Packages != "" && s.Packages != SetOS && s.Packages != SetLanguage:
		return Errorf(Invalid, "packages %.40q are neither %s nor %s", string(s.Packages), SetOS, SetLanguage)
	case s.Tag != "" && s.Repository == "":
		return Errorf(Invalid, "a tag needs its repository")
	case strings.HasPrefix(s.Package, "pkg:"):
		if _, err := purl.Parse(s.Package); err != nil {
			return Errorf(Invalid, "%w", err)
		}
		return nil
	}
	if s.Digest != "" {
		_, err := ParseDigest(string(s.Digest))
		return err
	}
	return nil
}

// FindingID is an id of a vulnerability as records write it: CVE ids are in capitals.
func FindingID(id string) string {
	if upper := strings.ToUpper(id); IsCVE(upper) {
		return upper
	}
	return id
}

func words[T ~string](list []T) string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = string(w)
	}
	return strings.Join(out, ", ")
}

// Fingerprint is what a decision is about and where, and which document says so: of two
// active decisions of a tenant with one fingerprint the newer replaces the older. It is
// hex SHA-256 over those fields, each preceded by its length.
func (d Decision) Fingerprint() string {
	h := sha256.New()
	var size [binary.MaxVarintLen64]byte
	for _, field := range [...]string{
		string(d.Kind), d.Finding,
		strconv.FormatInt(d.Scope.RegistryID, 10), d.Scope.Repository, d.Scope.Tag, string(d.Scope.Digest), d.Scope.Package, string(d.Scope.Packages), d.Document,
	} {
		h.Write(size[:binary.PutUvarint(size[:], uint64(len(field)))])
		h.Write([]byte(field))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// SaysAs reports whether both decisions are equal except for ids and times of creation.
func (d Decision) SaysAs(e Decision) bool {
	return d.Fingerprint() == e.Fingerprint() && d.Status == e.Status && d.Justification == e.Justification &&
		d.Reason == e.Reason && d.Author == e.Author && d.ExpiresAt.Equal(e.ExpiresAt)
}

// FindingPlace is where a finding is, as far as scopes compare it.
type FindingPlace struct {
	EnterpriseProject string
	RegistryID        int64
	Repository        string
	Tag               string
	Digests           []Digest // of the image, and of the member that has it if the image is an index
	Package           Package
	Set               SetKind // of the set that holds the package
}

// Covers reports whether the scope contains the place.
func (s DecisionScope) Covers(at FindingPlace) bool {
	return (s.RegistryID == 0 || s.RegistryID == at.RegistryID) &&
		(s.Repository == "" || s.Repository == at.Repository) &&
		(s.Tag == "" || s.Tag == at.Tag) &&
		(s.Digest == "" || slices.Contains(at.Digests, s.Digest)) &&
		(s.Packages == "" || s.Packages == at.Set) &&
		(s.Package == "" || at.Package.MatchesScope(s.Package))
}

// rank orders scopes: the narrower, the higher.
func (s DecisionScope) rank() int {
	n := 0
	switch {
	case s.Digest != "" || s.Tag != "":
		n = 6
	case s.Repository != "":
		n = 4
	case s.RegistryID != 0:
		n = 2
	}
	if s.Package != "" {
		n++
	}
	return n
}

// Deciding returns the decision that applies to a finding, of the active decisions about it, or nil.
// A person's decision precedes a document's, then the narrower scope (artifact or image,
// repository, registry, project; with a package before without), then the newer one.
func Deciding(about []*Decision, at FindingPlace) *Decision {
	var best *Decision
	for _, d := range about {
		if (d.EnterpriseProject == "" || d.EnterpriseProject == at.EnterpriseProject) && d.Scope.Covers(at) &&
			(best == nil || d.before(best)) {
			best = d
		}
	}
	return best
}

func (d *Decision) before(e *Decision) bool {
	if (d.Document == "") != (e.Document == "") {
		return d.Document == ""
	}
	if a, b := d.Scope.rank(), e.Scope.rank(); a != b {
		return a > b
	}
	if !d.CreatedAt.Equal(e.CreatedAt) {
		return d.CreatedAt.After(e.CreatedAt)
	}
	return d.ID > e.ID
}

// DecisionFilter selects decisions, newest first. Zero fields do not filter.
type DecisionFilter struct {
	ProjectID          string   // required
	EnterpriseProjects []string // nil = every one; those of the whole project are shown to all

	Finding  string
	Status   DecisionStatus
	Document string
	Ended    bool // also those that ended or expired

	Before int64 // only ids below; 0 = from the newest
	Limit  int   // 0 = MaxLimit
}

// DocumentImport is what the import of a VEX document did.
type DocumentImport struct {
	Document   string `json:"document"`
	Author     string `json:"author"`
	Format     string `json:"format"`
	Statements int    `json:"statements"`
	Added      int    `json:"added"`     // decisions
	Unchanged  int    `json:"unchanged"` // decisions
	Ended      int    `json:"ended"`     // decisions that an older version of the document held

	// Unknown are products that match nothing in the project, and statements that could not be read.
	Unknown []UnknownProduct `json:"unknown"`
}

// UnknownProduct is a product of a statement that became no decision, and why.
type UnknownProduct struct {
	Vulnerability string `json:"vulnerability,omitempty"`
	Product       string `json:"product"`
	Reason        string `json:"reason"`
}

// VEXDocument is the head of an imported document.
type VEXDocument struct {
	ID      string
	Author  string
	Version string    // as the document has it
	Time    time.Time // of its last update

	ImportedBy string
}

// KnownProducts are the things of a tenant that VEX documents may name.
type KnownProducts struct {
	Digests      map[Digest]bool // of those that were asked for
	Repositories []KnownRepository
}

// KnownRepository is a repository that has images.
type KnownRepository struct {
	RegistryID int64
	URL        string // of the registry
	Path       string
}

// KnownImage is an artifact of a repository.
type KnownImage struct {
	KnownRepository
	Digest Digest
}
