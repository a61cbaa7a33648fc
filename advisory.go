package plimsoll

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"plimsoll/purl"
)

// Advisory is one OSV record (https://ossf.github.io/osv-schema/), as far as judgement and lists need it.
type Advisory struct {
	ID        string     `json:"id"`
	Feed      string     `json:"feed,omitempty"`
	Since     Revision   `json:"-"` // since which the store holds this version of the record
	Modified  time.Time  `json:"modified,omitzero"`
	Published time.Time  `json:"published,omitzero"`
	Withdrawn time.Time  `json:"withdrawn,omitzero"`
	Aliases   []string   `json:"aliases,omitempty"`
	Upstream  []string   `json:"upstream,omitempty"`
	Related   []string   `json:"related,omitempty"`
	Summary   string     `json:"summary,omitempty"`
	Details   string     `json:"details,omitempty"`
	URL       string     `json:"url,omitempty"` // the first ADVISORY reference, else the first
	Ratings   []Rating   `json:"ratings,omitempty"`
	Affected  []Affected `json:"affected"`
}

// Rating is a severity statement of a record: a CVSS vector, or a vendor's word.
type Rating struct {
	Type  string `json:"type"` // CVSS_V4, CVSS_V3, CVSS_V2, Ubuntu, or "vendor"
	Value string `json:"value"`
}

// Affected is one affected package of an advisory.
type Affected struct {
	Ecosystem string   `json:"ecosystem"` // with suffix, as in the record
	Name      string   `json:"name"`
	Versions  []string `json:"versions,omitempty"`
	Ranges    []Range  `json:"ranges,omitempty"`
	Ratings   []Rating `json:"ratings,omitempty"`
}

// Range is a list of version events in the record's order.
type Range struct {
	Type   string  `json:"type"` // ECOSYSTEM, SEMVER; GIT ranges are dropped on import
	Events []Event `json:"events"`
}

// Event is a bound of a range; exactly one field is set.
type Event struct {
	Introduced   string `json:"introduced,omitempty"`
	Fixed        string `json:"fixed,omitempty"`
	LastAffected string `json:"last_affected,omitempty"`
	Limit        string `json:"limit,omitempty"`
}

// AdvisoryKey is what advisories are looked up by. NewAdvisoryKey makes it.
type AdvisoryKey struct {
	Ecosystem string // without release suffix: "Debian"
	Name      string // in the form in which the ecosystem compares names
}

// BaseEcosystem drops the release suffix of an OSV ecosystem.
func BaseEcosystem(ecosystem string) string {
	base, _, _ := strings.Cut(ecosystem, ":")
	return base
}

// Revision counts imports that changed something. 0 is the state before the first.
type Revision int64

// AdvisoryStatus sums up what the advisory store holds.
type AdvisoryStatus struct {
	Revision   Revision     `json:"revision"`
	AgeSeconds int64        `json:"age_seconds"` // since the oldest feed was last checked; 0 without feeds
	Feeds      []FeedStatus `json:"feeds"`

	// StaleAfterSeconds is the age from which advisories count as stale; Stale says that
	// they are. 0 means that no limit is set.
	StaleAfterSeconds int64 `json:"stale_after_seconds,omitempty"`
	Stale             bool  `json:"stale,omitempty"`
}

// Judge sets whether the advisories are stale. Without a feed they are not stale: nothing is
// judged then, which is a state of its own.
func (s *AdvisoryStatus) Judge(staleAfter time.Duration) {
	s.StaleAfterSeconds = int64(staleAfter / time.Second)
	s.Stale = staleAfter > 0 && len(s.Feeds) > 0 && s.AgeSeconds >= s.StaleAfterSeconds
}

// FeedStatus is the state of one feed.
type FeedStatus struct {
	Name      string    `json:"name"`
	Source    string    `json:"source"` // where it was read from
	Records   int       `json:"records"`
	Revision  Revision  `json:"revision"` // of its last change
	CheckedAt time.Time `json:"checked_at"`
	ChangedAt time.Time `json:"changed_at"`
	Newest    time.Time `json:"newest_modified,omitzero"`
	FailedAt  time.Time `json:"failed_at,omitzero"` // of the last attempt to read it online, unless that went well
	Failure   string    `json:"failure,omitempty"`
}

// ImportOutcome counts what an import did.
type ImportOutcome struct {
	Feed      string         `json:"feed"`
	Revision  Revision       `json:"revision"`
	Records   int            `json:"records"`
	New       int            `json:"new"`
	Changed   int            `json:"changed"`
	Unchanged int            `json:"unchanged"`
	Withdrawn int            `json:"withdrawn"`
	Missing   int            `json:"missing,omitempty"` // files that a full dump lacked for the first time; withdrawn if the next lacks them too
	Skipped   map[string]int `json:"skipped,omitempty"` // by reason

	Feeds []ImportOutcome `json:"feeds,omitempty"` // of a bundle, which has several
}

// NewAdvisoryKey returns the key of a package. Names are compared as the ecosystem does:
// PyPI's are normalised (PEP 503), those of NuGet and Packagist are in lower case, all
// others exact. A release suffix of the ecosystem is dropped.
func NewAdvisoryKey(ecosystem, name string) AdvisoryKey {
	base := BaseEcosystem(ecosystem)
	switch base {
	case "PyPI":
		name = purl.PyPIName(name)
	case "NuGet", "Packagist":
		name = strings.ToLower(name)
	}
	return AdvisoryKey{Ecosystem: base, Name: name}
}

// errata are the id prefixes of Red Hat-family errata. Their records name CVEs in
// related, and the bug-fix ones among them may name none.
var errata = [...]string{
	"RHSA-", "RHBA-", "RHEA-", "ALSA-", "ALBA-", "ALEA-", "RLSA-", "RLBA-", "RLEA-", "RXSA-", "RXBA-", "RXEA-", "ELSA-", "ELBA-", "ELEA-",
}

// Erratum reports whether the record is a Red Hat-family erratum.
func (a Advisory) Erratum() bool {
	return slices.ContainsFunc(errata[:], func(p string) bool { return strings.HasPrefix(a.ID, p) })
}

// Malicious reports whether the record is about a package that is malware
// (https://github.com/ossf/malicious-packages).
func (a Advisory) Malicious() bool { return strings.HasPrefix(a.ID, "MAL-") }

// CVEs returns the CVE ids of the record, sorted: those among its id, aliases and upstream
// ids, and among the related ids of an erratum. Related ids of other records are only similar.
func (a Advisory) CVEs() []string {
	var out []string
	add := func(ids ...string) {
		for _, id := range ids {
			if IsCVE(id) {
				out = append(out, id)
			}
		}
	}
	add(a.ID)
	add(a.Aliases...)
	add(a.Upstream...)
	if a.Erratum() {
		add(a.Related...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// IsCVE reports whether id has the form CVE-YYYY-NNNN, with four or more digits at the end.
func IsCVE(id string) bool {
	rest, ok := strings.CutPrefix(id, "CVE-")
	year, number, _ := strings.Cut(rest, "-")
	return ok && len(year) == 4 && len(number) >= 4 && digits(year) && digits(number)
}

func digits(s string) bool {
	return strings.TrimLeft(s, "0123456789") == ""
}

// Evidence is what packages are compared with: advisories at one revision.
type Evidence struct {
	Revision Revision

	// Advisories are the records that name one of the keys asked for. Affected contains
	// only the entries of those keys; Details is empty.
	Advisories []Advisory

	// Ratings are the CVSS vectors of every stored record that names a CVE, by CVE.
	Ratings map[string][]Rating

	// Threats are what is known about attacks on those CVEs, by CVE.
	Threats map[string]Threat

	// Releases are the ecosystems, as records write them, that have any record. A
	// package of another release cannot be judged.
	Releases map[string]bool
}

// AdvisoryChanges is what imports changed between two revisions.
type AdvisoryChanges struct {
	Through Revision      // the newest revision included
	Keys    []AdvisoryKey // packages about which a record changed
	CVEs    []string      // CVEs whose stored CVSS vectors may have changed, and so the severity of findings
}

// FeedRecord is one file of a feed, parsed. Its identity is the feed and the file's
// name: an advisory id may occur in several files of a feed.
type FeedRecord struct {
	File     string            // name in the feed, never a path on disk
	Hash     [sha256.Size]byte // of the file's bytes
	Replaces bool              // an older version of the file is stored
	Advisory Advisory
}
