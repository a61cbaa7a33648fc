package advisorytest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"plimsoll"
	"plimsoll/store/advisories"
	"plimsoll/store/storetest/must"
)

func checkMissing(t *testing.T, open func() *advisories.Store) {
	s := open()
	note := func(files ...string) {
		t.Helper()
		must.NoError(t, s.NoteMissing(t.Context(), "one", files))
	}
	missing := func(feed string) map[string]bool {
		t.Helper()
		m, err := s.MissingFiles(t.Context(), feed)
		must.NoError(t, err)
		return m
	}
	note("a", "b")
	note("b", "c")
	equal(t, "missing", map[string]bool{"b": true, "c": true}, missing("one"))
	equal(t, "another feed", map[string]bool{}, missing("two"))
	many := make([]string, 1200)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	note(many...)
	if n := len(missing("one")); n != len(many) {
		t.Errorf("%d files of %d", n, len(many))
	}
	note()
	equal(t, "none", map[string]bool{}, missing("one"))
}

// threatsOf asks for evidence of a record that names CVE-2026-0001.
func threatsOf(t *testing.T, s *advisories.Store) map[string]plimsoll.Threat {
	t.Helper()
	e, err := s.Evidence(t.Context(), []plimsoll.AdvisoryKey{opensslKey})
	must.NoError(t, err)
	return e.Threats
}

func stageThreats(t *testing.T, s *advisories.Store, feed string, list ...plimsoll.Threat) plimsoll.ImportOutcome {
	t.Helper()
	_, err := s.BeginImport(t.Context(), feed, "https://"+feed)
	must.NoError(t, err)
	var out plimsoll.ImportOutcome
	must.NoError(t, s.SaveThreats(t.Context(), list, &out))
	return out
}

func loadThreats(t *testing.T, s *advisories.Store, feed string, list ...plimsoll.Threat) plimsoll.ImportOutcome {
	t.Helper()
	out := stageThreats(t, s, feed, list...)
	var err error
	out.Revision, err = s.PublishImport(t.Context())
	must.NoError(t, err)
	s.EndImport()
	return out
}

func checkThreats(t *testing.T, open func() *advisories.Store) {
	s := open()
	loadFeed(t, s, "one", feedDump{"a.json": osvRecord("A-1", "Debian:12", "openssl", "3.0.1")})
	const cve = "CVE-2026-0001"
	exploited, likely := plimsoll.Threat{CVE: cve, Exploited: true}, plimsoll.Threat{CVE: cve, EPSS: 300}
	other := plimsoll.Threat{CVE: "CVE-2026-0002", EPSS: 5}
	equal(t, "first", plimsoll.ImportOutcome{Revision: 2, Records: 1, New: 1}, loadThreats(t, s, "kev", exploited))
	equal(t, "second", plimsoll.ImportOutcome{Revision: 3, Records: 2, New: 2}, loadThreats(t, s, "epss", likely, other))
	equal(t, "again", plimsoll.ImportOutcome{Revision: 3, Records: 2, Unchanged: 2}, loadThreats(t, s, "epss", other, likely))
	equal(t, "both feeds", map[string]plimsoll.Threat{cve: {CVE: cve, Exploited: true, EPSS: 300}}, threatsOf(t, s))

	likely.EPSS = 310
	equal(t, "a little more", plimsoll.ImportOutcome{Revision: 4, Records: 2, Changed: 1, Unchanged: 1}, loadThreats(t, s, "epss", likely, other))
	changes, known, err := s.ChangedSince(t.Context(), 3)
	must.NoError(t, err)
	if !known || len(changes.CVEs)+len(changes.Keys) > 0 {
		t.Errorf("a score within its band is judged again: %+v, %v", changes, known)
	}
	equal(t, "gone", plimsoll.ImportOutcome{Revision: 5, Withdrawn: 1}, loadThreats(t, s, "kev"))
	equal(t, "what is left", map[string]plimsoll.Threat{cve: {CVE: cve, EPSS: 310}}, threatsOf(t, s))
	changes, known, err = s.ChangedSince(t.Context(), 4)
	must.NoError(t, err)
	equal(t, "changed", []string{cve}, changes.CVEs)
	if !known {
		t.Error("what changed is not known")
	}
	feeds, err := s.ThreatFeeds(t.Context())
	must.NoError(t, err)
	equal(t, "feeds of threats", []string{"epss"}, feeds)
	status, err := s.Status(t.Context())
	must.NoError(t, err)
	equal(t, "records of the feed", 2, status.Feeds[0].Records)
}

// checkDeadThreats: what was not published is out of sight, and gone with the next import.
func checkDeadThreats(t *testing.T, open func() *advisories.Store) {
	s := open()
	loadFeed(t, s, "one", feedDump{"a.json": osvRecord("A-1", "Debian:12", "openssl", "3.0.1")})
	loadThreats(t, s, "kev", plimsoll.Threat{CVE: "CVE-2026-0001", EPSS: 1})
	stageThreats(t, s, "kev", plimsoll.Threat{CVE: "CVE-2026-0001", Exploited: true})
	want := map[string]plimsoll.Threat{"CVE-2026-0001": {CVE: "CVE-2026-0001", EPSS: 1}}
	equal(t, "while it runs", want, threatsOf(t, s))
	must.NoError(t, s.Close())
	s = open()
	equal(t, "after it died", want, threatsOf(t, s))
	loadFeed(t, s, "two", feedDump{"a.json": osvRecord("B-1", "Debian:12", "zlib", "1")})
	equal(t, "after another import", want, threatsOf(t, s))
	equal(t, "the same again", plimsoll.ImportOutcome{Revision: 3, Records: 1, Unchanged: 1}, loadThreats(t, s, "kev", want["CVE-2026-0001"]))
}

func checkFeedState(t *testing.T, open func() *advisories.Store) {
	s := open()
	state := func() plimsoll.FeedState {
		t.Helper()
		st, err := s.FeedState(t.Context(), "one")
		must.NoError(t, err)
		return st
	}
	equal(t, "before", plimsoll.FeedState{Feed: "one"}, state())
	at := firstDay.Truncate(time.Millisecond)
	want := plimsoll.FeedState{Feed: "one", FailedAt: at, Failure: "no answer"}
	must.NoError(t, s.SaveFeedState(t.Context(), want))
	equal(t, "failed", want, state())
	status, err := s.Status(t.Context())
	must.NoError(t, err)
	if len(status.Feeds) != 1 || status.Feeds[0].Failure != "no answer" || !status.Feeds[0].CheckedAt.IsZero() || status.AgeSeconds != 0 {
		t.Errorf("a feed that was never read: %+v", status)
	}
	want = plimsoll.FeedState{Feed: "one", Upstream: "https://a.test", ETag: `"x"`, LastModified: "y", ReadThrough: at, FullAt: at.Add(time.Hour)}
	must.NoError(t, s.SaveFeedState(t.Context(), want))
	equal(t, "read", want, state())
	if status, err = s.Status(t.Context()); err != nil || status.Feeds[0].CheckedAt.IsZero() || status.Feeds[0].Failure != "" {
		t.Errorf("%+v, %v", status, err)
	}
	must.NoError(t, s.NoteCheck(t.Context(), "one", at))
	if status, err = s.Status(t.Context()); err != nil || !status.Feeds[0].CheckedAt.Equal(at) {
		t.Errorf("%+v, %v", status, err)
	}
}

func checkEachRecord(t *testing.T, open func() *advisories.Store) {
	s := open()
	want := feedDump{}
	for i := range 1100 { // more than are read at a time
		a := osvRecord(fmt.Sprintf("A-%d", i), "Debian:12", "openssl", "3.0.1", func(a *plimsoll.Advisory) {
			a.Details, a.Summary = strings.Repeat("text ", 300), "short"
			a.Affected = append(a.Affected, plimsoll.Affected{Ecosystem: "Debian:13", Name: "zlib", Versions: []string{"1"}})
		})
		want[a.ID+".json"] = a
	}
	loadFeed(t, s, "one", want)
	loadFeed(t, s, "two", feedDump{"x.json": osvRecord("X-1", "Debian:12", "openssl", "1")})
	got := feedDump{}
	must.NoError(t, s.EachRecord(t.Context(), "one", func(r plimsoll.FeedRecord) error {
		got[r.File] = r.Advisory
		return nil
	}))
	equal(t, "records", want, got)
	stop := errors.New("stop")
	if err := s.EachRecord(t.Context(), "one", func(plimsoll.FeedRecord) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("a reader that stops: %v", err)
	}
}

// checkMalicious: a feed of malicious packages is evidence, but no vulnerability is judged by it.
func checkMalicious(t *testing.T, open func() *advisories.Store) {
	s := open()
	loadFeed(t, s, "malicious", feedDump{"a.json": osvRecord("MAL-2026-1", "npm", "x", "1")})
	e, err := s.Evidence(t.Context(), []plimsoll.AdvisoryKey{{Ecosystem: "npm", Name: "x"}})
	must.NoError(t, err)
	if len(e.Advisories) != 1 || len(e.Releases) != 0 {
		t.Errorf("%+v", e)
	}
	loadFeed(t, s, "npm", feedDump{"a.json": osvRecord("A-1", "npm", "y", "1")})
	e, err = s.Evidence(t.Context(), []plimsoll.AdvisoryKey{{Ecosystem: "npm", Name: "x"}})
	must.NoError(t, err)
	equal(t, "releases", map[string]bool{"npm": true}, e.Releases)
}
