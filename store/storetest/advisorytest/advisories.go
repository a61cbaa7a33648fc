package advisorytest

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/store/advisories"
	"plimsoll/store/storetest/must"
)

// Run tests what a store must do for feeds. Each case opens a database;
// the same path is the same database.
func Run(t *testing.T, open func(t *testing.T, path string) *advisories.Store) {
	for name, check := range map[string]func(*testing.T, func() *advisories.Store){
		"Empty":          checkNoAdvisories,
		"Import":         checkImport,
		"ImportAgain":    checkImportAgain,
		"Change":         checkChange,
		"Withdraw":       checkWithdraw,
		"Invisible":      checkInvisible,
		"DeadImport":     checkDeadImport,
		"OneImport":      checkOneImport,
		"IDInTwoFiles":   checkIDInTwoFiles,
		"FeedsApart":     checkFeedsApart,
		"WithdrawnField": checkWithdrawnField,
		"Ratings":        checkRatings,
		"Texts":          checkTexts,
		"LongTexts":      checkLongTexts,
		"ManyKeys":       checkManyKeys,
		"Changes":        checkChanges,
		"ManyChanges":    checkManyChanges,
		"Origins":        checkOrigins,
		"Missing":        checkMissing,
		"Threats":        checkThreats,
		"DeadThreats":    checkDeadThreats,
		"FeedState":      checkFeedState,
		"EachRecord":     checkEachRecord,
		"Malicious":      checkMalicious,
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir()
			check(t, func() *advisories.Store { return open(t, path) })
		})
	}
}

var firstDay = time.Date(2026, 3, 14, 9, 26, 53, 589e6, time.UTC)

// osvRecord is a record of one package with one range.
func osvRecord(id, ecosystem, name, fixed string, more ...func(*plimsoll.Advisory)) plimsoll.Advisory {
	a := plimsoll.Advisory{
		ID:       id,
		Modified: firstDay,
		Upstream: []string{"CVE-2026-0001"},
		Affected: []plimsoll.Affected{{
			Ecosystem: ecosystem, Name: name,
			Ranges: []plimsoll.Range{{Type: "ECOSYSTEM", Events: []plimsoll.Event{{Introduced: "0"}, {Fixed: fixed}}}},
		}},
	}
	for _, f := range more {
		f(&a)
	}
	return a
}

// feedDump is a feed's files; the hash of a file is that of its content here.
type feedDump map[string]plimsoll.Advisory

// stageFeed saves what differs and withdraws what is gone, without publishing.
func stageFeed(t *testing.T, s *advisories.Store, feed string, d feedDump) {
	t.Helper()
	known, err := s.BeginImport(t.Context(), feed, "/dumps/"+feed)
	must.NoError(t, err)
	var records []plimsoll.FeedRecord
	for file, a := range d {
		hash := sha256.Sum256(fmt.Appendf(nil, "%+v", a))
		old, replaces := known[file]
		delete(known, file)
		if !replaces || old != hash {
			records = append(records, plimsoll.FeedRecord{File: file, Hash: hash, Replaces: replaces, Advisory: a})
		}
	}
	must.NoError(t, s.SaveRecords(t.Context(), records))
	var gone []string
	for file := range known {
		gone = append(gone, file)
	}
	must.NoError(t, s.WithdrawRecords(t.Context(), gone))
}

func loadFeed(t *testing.T, s *advisories.Store, feed string, d feedDump) plimsoll.Revision {
	t.Helper()
	stageFeed(t, s, feed, d)
	r, err := s.PublishImport(t.Context())
	must.NoError(t, err)
	s.EndImport()
	return r
}

var opensslKey = plimsoll.AdvisoryKey{Ecosystem: "Debian", Name: "openssl"}

// evidenceIDs asks for evidence and returns "id ecosystem fixed" of every entry, sorted.
func evidenceIDs(t *testing.T, s *advisories.Store, keys ...plimsoll.AdvisoryKey) []string {
	t.Helper()
	e, err := s.Evidence(t.Context(), keys)
	must.NoError(t, err)
	out := []string{}
	for _, a := range e.Advisories {
		for _, f := range a.Affected {
			out = append(out, a.ID+" "+f.Ecosystem+" "+f.Ranges[0].Events[1].Fixed)
		}
	}
	slices.Sort(out)
	return out
}

func equal[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func checkNoAdvisories(t *testing.T, open func() *advisories.Store) {
	s := open()
	status, err := s.Status(t.Context())
	must.NoError(t, err)
	equal(t, "status", plimsoll.AdvisoryStatus{Feeds: []plimsoll.FeedStatus{}}, status)
	e, err := s.Evidence(t.Context(), []plimsoll.AdvisoryKey{opensslKey})
	must.NoError(t, err)
	if e.Revision != 0 || len(e.Advisories)+len(e.Ratings)+len(e.Releases) != 0 {
		t.Errorf("evidence of nothing: %+v", e)
	}
}

func checkImport(t *testing.T, open func() *advisories.Store) {
	s := open()
	want := osvRecord("A-1", "Debian:12", "openssl", "3.0.1")
	if r := loadFeed(t, s, "one", feedDump{"a.json": want, "b.json": osvRecord("A-2", "Debian:13", "zlib", "2")}); r != 1 {
		t.Errorf("revision %d", r)
	}
	e, err := s.Evidence(t.Context(), []plimsoll.AdvisoryKey{opensslKey})
	must.NoError(t, err)
	want.Feed, want.Since = "one", 1
	equal(t, "evidence", plimsoll.Evidence{
		Revision: 1, Advisories: []plimsoll.Advisory{want}, Ratings: map[string][]plimsoll.Rating{}, Threats: map[string]plimsoll.Threat{},
		Releases: map[string]bool{"Debian:12": true, "Debian:13": true},
	}, e)
	status, err := s.Status(t.Context())
	must.NoError(t, err)
	f := status.Feeds[0]
	if f.Records != 2 || f.Revision != 1 || f.Name != "one" || f.Source != "/dumps/one" || !f.Newest.Equal(firstDay.Truncate(time.Millisecond)) || f.CheckedAt.IsZero() {
		t.Errorf("feed %+v", f)
	}
}

func checkImportAgain(t *testing.T, open func() *advisories.Store) {
	s := open()
	d := feedDump{"a.json": osvRecord("A-1", "Debian:12", "openssl", "3.0.1")}
	loadFeed(t, s, "one", d)
	before, err := s.Status(t.Context())
	must.NoError(t, err)
	if r := loadFeed(t, s, "one", d); r != 1 {
		t.Errorf("an identical import made revision %d", r)
	}
	after, err := s.Status(t.Context())
	must.NoError(t, err)
	after.Feeds[0].CheckedAt, after.AgeSeconds = before.Feeds[0].CheckedAt, before.AgeSeconds
	equal(t, "status", before, after)
}

func checkChange(t *testing.T, open func() *advisories.Store) {
	s := open()
	loadFeed(t, s, "one", feedDump{"a.json": osvRecord("A-1", "Debian:12", "openssl", "3.0.1"), "b.json": osvRecord("A-2", "Debian:12", "openssl", "4")})
	equal(t, "before", []string{"A-1 Debian:12 3.0.1", "A-2 Debian:12 4"}, evidenceIDs(t, s, opensslKey))
	r := loadFeed(t, s, "one", feedDump{"a.json": osvRecord("A-1", "Debian:12", "openssl", "3.0.2"), "b.json": osvRecord("A-2", "Debian:12", "openssl", "4")})
	if r != 2 {
		t.Errorf("revision %d", r)
	}
	equal(t, "after", []string{"A-1 Debian:12 3.0.2", "A-2 Debian:12 4"}, evidenceIDs(t, s, opensslKey))
}

func checkWithdraw(t *testing.T, open func() *advisories.Store) {
	s := open()
	loadFeed(t, s, "one", feedDump{"a.json": osvRecord("A-1", "Debian:12", "openssl", "1"), "b.json": osvRecord("A-2", "Debian:11", "openssl", "2")})
	if r := loadFeed(t, s, "one", feedDump{"a.json": osvRecord("A-1", "Debian:12", "openssl", "1")}); r != 2 {
		t.Errorf("revision %d", r)
	}
	equal(t, "evidence", []string{"A-1 Debian:12 1"}, evidenceIDs(t, s, opensslKey))
	e, err := s.Evidence(t.Context(), []plimsoll.AdvisoryKey{opensslKey})
	must.NoError(t, err)
	equal(t, "releases", map[string]bool{"Debian:12": true}, e.Releases)
	equal(t, "back again", plimsoll.Revision(3), loadFeed(t, s, "one", feedDump{
		"a.json": osvRecord("A-1", "Debian:12", "openssl", "1"), "b.json": osvRecord("A-2", "Debian:11", "openssl", "2")}))
	equal(t, "evidence again", []string{"A-1 Debian:12 1", "A-2 Debian:11 2"}, evidenceIDs(t, s, opensslKey))
}

// checkInvisible reads beside an import that has saved and not yet published.
func checkInvisible(t *testing.T, open func() *advisories.Store) {
	s := open()
	loadFeed(t, s, "one", feedDump{"a.json": osvRecord("A-1", "Debian:12", "openssl", "1"), "b.json": osvRecord("A-2", "Debian:12", "openssl", "1")})
	stageFeed(t, s, "one", feedDump{"a.json": osvRecord("A-1", "Debian:12", "openssl", "9"), "c.json": osvRecord("A-3", "Debian:12", "openssl", "9")})
	old := []string{"A-1 Debian:12 1", "A-2 Debian:12 1"}
	equal(t, "before publishing", old, evidenceIDs(t, s, opensslKey))
	if r, err := s.PublishImport(t.Context()); r != 2 || err != nil {
		t.Fatal(r, err)
	}
	s.EndImport()
	equal(t, "after publishing", []string{"A-1 Debian:12 9", "A-3 Debian:12 9"}, evidenceIDs(t, s, opensslKey))
}

// checkDeadImport closes the database under an import and opens it again.
func checkDeadImport(t *testing.T, open func() *advisories.Store) {
	s := open()
	first := feedDump{"a.json": osvRecord("A-1", "Debian:12", "openssl", "1"), "b.json": osvRecord("A-2", "Debian:12", "openssl", "1")}
	loadFeed(t, s, "one", first)
	stageFeed(t, s, "one", feedDump{"a.json": osvRecord("A-1", "Debian:12", "openssl", "9"), "c.json": osvRecord("A-3", "Debian:13", "openssl", "9")})
	must.NoError(t, s.Close())

	s = open()
	old := []string{"A-1 Debian:12 1", "A-2 Debian:12 1"}
	equal(t, "after the crash", old, evidenceIDs(t, s, opensslKey))
	equal(t, "an import of another feed", 2, loadFeed(t, s, "two", feedDump{"x.json": osvRecord("X-1", "Debian:12", "openssl", "7")}))
	equal(t, "nothing of the dead import came with it", append(old, "X-1 Debian:12 7"), evidenceIDs(t, s, opensslKey))
	equal(t, "the first dump again changes nothing", 2, loadFeed(t, s, "one", first))
	equal(t, "the second dump", 3, loadFeed(t, s, "one", feedDump{"a.json": osvRecord("A-1", "Debian:12", "openssl", "9"), "c.json": osvRecord("A-3", "Debian:13", "openssl", "9")}))
	equal(t, "in the end", []string{"A-1 Debian:12 9", "A-3 Debian:13 9", "X-1 Debian:12 7"}, evidenceIDs(t, s, opensslKey))
}

func checkOneImport(t *testing.T, open func() *advisories.Store) {
	s := open()
	if _, err := s.BeginImport(t.Context(), "one", "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.BeginImport(t.Context(), "two", "x"); plimsoll.ErrorCode(err) != plimsoll.Conflict {
		t.Errorf("a second import beside the first: %v", err)
	}
	s.EndImport()
	if err := s.SaveRecords(t.Context(), nil); err == nil {
		t.Error("records were saved without an import")
	}
	if _, err := s.BeginImport(t.Context(), "two", "x"); err != nil {
		t.Error(err)
	}
	s.EndImport()
}

func checkIDInTwoFiles(t *testing.T, open func() *advisories.Store) {
	s := open()
	loadFeed(t, s, "one", feedDump{"8/A-1.json": osvRecord("A-1", "Debian:8", "openssl", "1"), "9/A-1.json": osvRecord("A-1", "Debian:9", "openssl", "2")})
	equal(t, "evidence", []string{"A-1 Debian:8 1", "A-1 Debian:9 2"}, evidenceIDs(t, s, opensslKey))
}

func checkFeedsApart(t *testing.T, open func() *advisories.Store) {
	s := open()
	loadFeed(t, s, "one", feedDump{"a.json": osvRecord("A-1", "Debian:12", "openssl", "1")})
	loadFeed(t, s, "two", feedDump{"a.json": osvRecord("A-1", "Debian:12", "openssl", "2")})
	equal(t, "both", []string{"A-1 Debian:12 1", "A-1 Debian:12 2"}, evidenceIDs(t, s, opensslKey))
	loadFeed(t, s, "two", feedDump{"z.json": osvRecord("Z-1", "Alpine:v3.20", "zlib", "2")})
	equal(t, "the other feed's record stays", []string{"A-1 Debian:12 1"}, evidenceIDs(t, s, opensslKey))
}

func checkWithdrawnField(t *testing.T, open func() *advisories.Store) {
	s := open()
	loadFeed(t, s, "one", feedDump{"a.json": osvRecord("A-1", "Debian:12", "openssl", "1", func(a *plimsoll.Advisory) { a.Withdrawn = firstDay })})
	equal(t, "evidence", []string{}, evidenceIDs(t, s, opensslKey))
}

func checkRatings(t *testing.T, open func() *advisories.Store) {
	s := open()
	vector := plimsoll.Rating{Type: "CVSS_V3", Value: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}
	loadFeed(t, s, "one", feedDump{"a.json": osvRecord("A-1", "Debian:12", "openssl", "1")})
	loadFeed(t, s, "two", feedDump{
		"b.json": osvRecord("B-1", "PyPI", "other", "1", func(a *plimsoll.Advisory) {
			a.Upstream, a.Aliases = nil, []string{"CVE-2026-0001", "GHSA-1"}
			a.Ratings = []plimsoll.Rating{{Type: "vendor", Value: "High"}, vector}
		}),
		"c.json": osvRecord("C-1", "PyPI", "other", "1", func(a *plimsoll.Advisory) {
			a.Upstream, a.Related = nil, []string{"CVE-2026-0001"}
			a.Ratings = []plimsoll.Rating{{Type: "CVSS_V2", Value: "AV:N/AC:L/Au:N/C:P/I:P/A:P"}}
		}),
	})
	e, err := s.Evidence(t.Context(), []plimsoll.AdvisoryKey{opensslKey})
	must.NoError(t, err)
	equal(t, "ratings", map[string][]plimsoll.Rating{"CVE-2026-0001": {vector}}, e.Ratings)
	equal(t, "releases of what was asked only", map[string]bool{"Debian:12": true}, e.Releases)
}

func checkTexts(t *testing.T, open func() *advisories.Store) {
	s := open()
	loadFeed(t, s, "one", feedDump{"a.json": osvRecord("A-1", "Debian:12", "openssl", "1", func(a *plimsoll.Advisory) {
		a.Summary, a.Details, a.URL = "short", "long", "https://example.test/A-1"
	})})
	got, err := s.Advisory(t.Context(), []string{"A-1", "A-2"})
	must.NoError(t, err)
	if len(got) != 1 || got[0].Summary != "short" || got[0].Details != "long" || got[0].URL != "https://example.test/A-1" || got[0].Feed != "one" {
		t.Errorf("%+v", got)
	}
}

// checkLongTexts saves what is stored compressed.
func checkLongTexts(t *testing.T, open func() *advisories.Store) {
	s := open()
	want := osvRecord("A-1", "Debian:12", "openssl", "1", func(a *plimsoll.Advisory) {
		for i := range 2000 {
			a.Details += fmt.Sprintf("line %d\n", i)
			a.Aliases = append(a.Aliases, fmt.Sprintf("GHSA-%d", i))
			a.Affected[0].Versions = append(a.Affected[0].Versions, fmt.Sprintf("1.%d", i))
		}
	})
	loadFeed(t, s, "one", feedDump{"a.json": want})
	texts, err := s.Advisory(t.Context(), []string{"A-1"})
	must.NoError(t, err)
	equal(t, "details", want.Details, texts[0].Details)
	e, err := s.Evidence(t.Context(), []plimsoll.AdvisoryKey{opensslKey})
	must.NoError(t, err)
	want.Feed, want.Since, want.Details = "one", 1, ""
	equal(t, "advisory", []plimsoll.Advisory{want}, e.Advisories)
}

// checkManyKeys asks for more keys than one statement takes, twice.
func checkManyKeys(t *testing.T, open func() *advisories.Store) {
	s := open()
	d, keys := feedDump{}, []plimsoll.AdvisoryKey{}
	for i := range 1700 {
		name := fmt.Sprintf("p%d", i)
		keys = append(keys, plimsoll.AdvisoryKey{Ecosystem: "Debian", Name: name})
		if i%2 == 0 {
			d[name+".json"] = osvRecord("A-"+name, "Debian:12", name, "1")
		}
	}
	loadFeed(t, s, "one", d)
	for range 2 {
		if got := evidenceIDs(t, s, keys...); len(got) != 850 {
			t.Errorf("%d entries", len(got))
		}
	}
}
