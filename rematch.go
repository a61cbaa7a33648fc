package plimsoll

import "time"

// Rematch is one pass over stored packages that judges them against newer advisories, or with
// another version of the matcher. Later rematches have higher ids. Stored judgements carry the
// ids of the rematches that began and ended them.
type Rematch struct {
	ID        int64
	Matcher   string   // version of the matcher
	Revision  Revision // of the advisories
	StartedAt time.Time

	// Since is the revision of the last finished rematch, 0 if there was none. OtherMatcher
	// means that it ran with another version of the matcher.
	Since        Revision
	OtherMatcher bool
}

// RematchState is how current the stored judgement is.
type RematchState struct {
	// Through is the revision of the last finished rematch: all package sets, except Behind, are
	// judged by at least this revision. 0 means that the last rematch ran with another version of the
	// matcher, or that there was none.
	Through Revision
	// Behind are the sets that a scan stored with a judgement older than the newest rematch, and
	// that no rematch has judged since.
	Behind []int64
}

// RematchScope selects the stored packages to judge: all of them, or those that match Changes
// together with those of Sets.
type RematchScope struct {
	All     bool
	Changes AdvisoryChanges
	Sets    []int64 // package sets, by row id
}

// StoredPackage is a package with its row id.
type StoredPackage struct {
	ID int64
	Package
}

// PackageJudgement is the result of judging a stored package. It does not depend on the sets
// that contain the package.
type PackageJudgement struct {
	PackageID       int64
	Vulnerabilities []Vulnerability
	Malicious       []string // ids of advisories that report the package as malware
	NotJudged       string   // why the package could not be judged by every advisory; "" = it could
}

// PackageChanges are the differences between judgements of packages and what is stored about the
// sets that contain them.
type PackageChanges struct {
	Findings  []FindingChange
	NotJudged map[int64]string // new reason by package; "" = it is judged now
	Rows      int              // estimate of the rows to write
}

// FindingChange is a finding about a package that begins or ends, in every set that contains the package.
type FindingChange struct {
	PackageID     int64
	VerdictID     int64
	Vulnerability string   // canonical id
	Advisories    []string // its evidence
	Ends          bool
	Reason        ChangeReason
}

// AdvisoryOrigin is what the advisory database still knows about the past of an advisory id.
type AdvisoryOrigin struct {
	InForce       bool // a record of it, not withdrawn, is in force at the newest revision
	InForceBefore bool // a record of it was in force at the earlier revision of the query
}
