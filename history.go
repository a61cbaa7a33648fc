package plimsoll

import "time"

// ChangeReason says why a finding began, ended or changed.
type ChangeReason string

// The reasons. A rematch determines those about advisories, as far as the advisory database
// still knew its own past at that time.
const (
	ReasonNewAdvisory     ChangeReason = "new_advisory"
	ReasonChangedAdvisory ChangeReason = "changed_advisory" // a range, a list of versions, an id
	ReasonWithdrawn       ChangeReason = "withdrawn"        // the record says so, or its feed has it no more
	ReasonMatcher         ChangeReason = "matcher"          // another version of the matcher judged
	ReasonSeverity        ChangeReason = "severity"         // rated otherwise
	ReasonFixedVersion    ChangeReason = "fixed_version"    // another version, or one at last, is said to fix it
	ReasonFirstSeen       ChangeReason = "first_seen"       // the image was looked at for the first time
	ReasonMoved           ChangeReason = "moved"            // the tag points to another artifact
	ReasonScannedAgain    ChangeReason = "scanned_again"    // a scan found other packages in the same artifact
)

// EventKind is what happened to a finding.
type EventKind string

// The kinds of event.
const (
	EventAppeared EventKind = "appeared"
	EventResolved EventKind = "resolved"
	EventChanged  EventKind = "changed"
)

// HistoryEvent is something that happened to a vulnerability of an image: it appeared, was
// resolved, or changed. It is about all packages of one name together.
type HistoryEvent struct {
	At            time.Time      `json:"at"`
	Kind          EventKind      `json:"event"`
	Reason        ChangeReason   `json:"reason"`
	Vulnerability string         `json:"vulnerability"` // canonical id
	Ecosystem     string         `json:"ecosystem"`
	Package       string         `json:"package"`
	Revision      Revision       `json:"revision"` // of the advisories that judged; 0 = of a scan
	Digest        Digest         `json:"digest"`   // what the tag pointed to
	Now           []HistoryState `json:"now"`      // after the event; empty once resolved
	Was           []HistoryState `json:"was"`      // before it
}

// HistoryState is a finding as it was at some time.
type HistoryState struct {
	Vulnerability string     `json:"vulnerability"`
	Ecosystem     string     `json:"ecosystem"`
	Package       string     `json:"package"`
	Version       string     `json:"version"`
	Severity      Severity   `json:"severity"`
	Score         float64    `json:"score,omitempty"`
	FixedVersion  string     `json:"fixed_version,omitempty"`
	Advisories    []string   `json:"advisories"`
	Since         time.Time  `json:"since"`           // without a gap
	Until         *time.Time `json:"until,omitempty"` // nil = still
}

// HistoryFilter selects events of one image, or the findings of an instant.
type HistoryFilter struct {
	Vulnerability string    // canonical id or an alias of it, any case; "" = all
	At            time.Time // findings only: as of this instant; zero = now
	After         string    // the cursor of the page before; "" = the first
	Limit         int       // 1 to MaxLimit; 0 = MaxLimit
}

// HistoryPage is some events of an image, newest first.
type HistoryPage struct {
	Items []HistoryEvent `json:"items"`
	Next  string         `json:"next,omitempty"` // cursor of the next page; "" = there is none
}

// FindingsAt is what was wrong with an image at an instant.
type FindingsAt struct {
	At    time.Time      `json:"at"`
	Known bool           `json:"known"` // the image was in the inventory then and had been looked at
	Items []HistoryState `json:"items"`
	Next  string         `json:"next,omitempty"`
}
