package plimsoll

import "time"

// Rematch is one walk that judges stored package sets anew. Their numbers grow; what a
// set's judgement was, and is, is told by them.
type Rematch struct {
	ID        int64
	Matcher   string   // version of the matcher
	Revision  Revision // of the advisories
	StartedAt time.Time

	// Since is what the sets were judged by before: the revision of the last rematch that
	// finished, and whether another version of the matcher made it.
	Since        Revision
	OtherMatcher bool
}

// StoredPackage is a package with its row id.
type StoredPackage struct {
	ID int64
	Package
}

// PackageJudgement is what is wrong with a stored package. It does not depend on the set
// that holds the package.
type PackageJudgement struct {
	PackageID       int64
	Vulnerabilities []Vulnerability
	Malicious       []string // advisories that call the package malware
	NotJudged       string   // why it could not be judged, or not by every advisory; "" = it was
}

// PackageChanges is how judgements of packages differ from what is stored about the sets
// that hold them.
type PackageChanges struct {
	Findings  []FindingChange
	NotJudged map[int64]string // by package; "" = it is judged now
	Rows      int              // about so many rows are to be written
}

// FindingChange is a finding about a package that begins, or ends, to be true.
type FindingChange struct {
	PackageID     int64
	VerdictID     int64
	Vulnerability string   // canonical id
	Advisories    []string // its evidence
	Ends          bool
	Reason        ChangeReason
}

// AdvisoryOrigin tells about an advisory id what the database still knows of its past.
type AdvisoryOrigin struct {
	Stands bool // some record of it, not withdrawn, is in force
	Before bool // some record of it was in force at the revision that was asked about
}
