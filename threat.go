package plimsoll

import "time"

// Threat is what a feed says about attacks on a CVE.
type Threat struct {
	CVE        string `json:"cve"`
	Exploited  bool   `json:"exploited,omitempty"`  // listed as exploited in the wild
	Ransomware bool   `json:"ransomware,omitempty"` // by campaigns of ransomware
	EPSS       int    `json:"epss,omitempty"`       // probability of exploitation within 30 days, in thousandths, 0 to 1000
}

// Join adds what another feed says about the same CVE.
func (t Threat) Join(o Threat) Threat {
	t.Exploited = t.Exploited || o.Exploited
	t.Ransomware = t.Ransomware || o.Ransomware
	t.EPSS = max(t.EPSS, o.EPSS)
	return t
}

// Urgency is how soon a vulnerability should be repaired.
type Urgency string

// The urgencies, most urgent first.
const (
	UrgencyNow   Urgency = "now"
	UrgencySoon  Urgency = "soon"
	UrgencyLater Urgency = "later"
)

// Thresholds of EPSS in thousandths, see docs/severity.md. Scores move every day; only a
// change across a threshold changes a judgement.
const (
	epssLikely     = 100
	epssVeryLikely = 500
)

// Urgency follows docs/severity.md: the severity says where to begin, exploitation in the
// wild makes it now, and a likely exploitation raises it.
func (t Threat) Urgency(s Severity) Urgency {
	switch {
	case t.Exploited, t.EPSS >= epssVeryLikely, s.AtLeast(SeverityHigh):
		return UrgencyNow
	case s == SeverityLow && t.EPSS < epssLikely:
		return UrgencyLater
	case s != SeverityLow && t.EPSS >= epssLikely:
		return UrgencyNow
	default:
		return UrgencySoon
	}
}

// SameJudgement reports whether both threats lead to the same judgements.
func (t Threat) SameJudgement(o Threat) bool {
	band := func(epss int) int {
		switch {
		case epss >= epssVeryLikely:
			return 2
		case epss >= epssLikely:
			return 1
		default:
			return 0
		}
	}
	return t.Exploited == o.Exploited && band(t.EPSS) == band(o.EPSS)
}

// FeedState is how far an online feed was read.
type FeedState struct {
	Feed         string
	Upstream     string    // that answered last
	ETag         string    // of its full dump
	LastModified string    // as the upstream wrote it
	ReadThrough  time.Time // the newest time of the index that was read
	FullAt       time.Time // when the full dump was read
	FailedAt     time.Time // zero if the last attempt went well
	Failure      string
}

// MaliciousPackage is a package that is malware itself, by an advisory of that kind. It is
// no vulnerability: no version repairs it.
type MaliciousPackage struct {
	Package    Package  `json:"package"`
	Advisories []string `json:"advisories"`
	Summary    string   `json:"summary,omitempty"`
}
