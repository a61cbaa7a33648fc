package advisorytest

import (
	"fmt"
	"testing"

	"plimsoll"
	"plimsoll/store/advisories"
	"plimsoll/store/storetest/must"
)

// changed returns what changed; nil = not known.
func changed(t *testing.T, s *advisories.Store, since plimsoll.Revision) *plimsoll.AdvisoryChanges {
	t.Helper()
	c, known, err := s.ChangedSince(t.Context(), since)
	must.NoError(t, err)
	if !known {
		return nil
	}
	return &c
}

func checkChanges(t *testing.T, open func() *advisories.Store) {
	s := open()
	vector := func(a *plimsoll.Advisory) {
		a.Ratings = []plimsoll.Rating{{Type: "CVSS_V2", Value: "AV:N/AC:L/Au:N/C:P/I:P/A:P"}}
	}
	dump := feedDump{"a.json": osvRecord("A-1", "Debian:12", "openssl", "1"), "b.json": osvRecord("A-2", "PyPI", "ruamel.yaml", "1")}
	loadFeed(t, s, "one", dump) // 1: two releases are covered now
	dump["a.json"] = osvRecord("A-1", "Debian:12", "openssl", "2")
	loadFeed(t, s, "one", dump) // 2
	dump["b.json"] = osvRecord("A-2", "PyPI", "Ruamel_Yaml", "1", vector)
	loadFeed(t, s, "one", dump) // 3
	dump["c.json"] = osvRecord("A-3", "Debian:12", "zlib", "1", func(a *plimsoll.Advisory) { a.Upstream = nil })
	loadFeed(t, s, "two", feedDump{"x.json": osvRecord("X-1", "Debian:12", "curl", "1")}) // 4
	loadFeed(t, s, "one", dump)                                                           // 5

	key := func(ecosystem, name string) plimsoll.AdvisoryKey {
		return plimsoll.AdvisoryKey{Ecosystem: ecosystem, Name: name}
	}
	var unknown *plimsoll.AdvisoryChanges
	equal(t, "since ever", unknown, changed(t, s, 0))
	equal(t, "since a revision not reached", unknown, changed(t, s, 6))
	equal(t, "since the newest", &plimsoll.AdvisoryChanges{Through: 5}, changed(t, s, 5))
	equal(t, "since 4", &plimsoll.AdvisoryChanges{Through: 5, Keys: []plimsoll.AdvisoryKey{key("Debian", "zlib")}}, changed(t, s, 4))
	all := &plimsoll.AdvisoryChanges{Through: 5, CVEs: []string{"CVE-2026-0001"}, Keys: []plimsoll.AdvisoryKey{
		key("Debian", "curl"), key("Debian", "openssl"), key("Debian", "zlib"), key("PyPI", "ruamel-yaml")}}
	equal(t, "since 1", all, changed(t, s, 1))

	delete(dump, "b.json")
	loadFeed(t, s, "one", dump) // 6: no record is about PyPI now
	equal(t, "a release is not covered any more", unknown, changed(t, s, 5))
	dump["c.json"] = osvRecord("A-3", "Debian:12", "zlib", "1", func(a *plimsoll.Advisory) { a.Withdrawn = firstDay })
	loadFeed(t, s, "one", dump) // 7
	equal(t, "a withdrawn record", &plimsoll.AdvisoryChanges{Through: 7, Keys: []plimsoll.AdvisoryKey{key("Debian", "zlib")}}, changed(t, s, 6))
}

// checkManyChanges: an import of very much is not kept key by key, and long ago is forgotten.
func checkManyChanges(t *testing.T, open func() *advisories.Store) {
	s := open()
	loadFeed(t, s, "one", feedDump{"a.json": osvRecord("A-1", "Debian:12", "openssl", "1")})
	many := feedDump{}
	for i := range 5001 {
		many[fmt.Sprint(i, ".json")] = osvRecord(fmt.Sprint("B-", i), "Debian:12", "openssl", "1")
	}
	loadFeed(t, s, "two", many)
	if c := changed(t, s, 1); c != nil {
		t.Errorf("%+v", c)
	}
	var r plimsoll.Revision
	for i := range 70 {
		r = loadFeed(t, s, "one", feedDump{"a.json": osvRecord("A-1", "Debian:12", "openssl", fmt.Sprint(i+2))})
	}
	if changed(t, s, r-70) != nil || changed(t, s, r-60) == nil {
		t.Error("changes are kept too long or not long enough")
	}
}

// checkOrigins checks which advisories are in force, and which were before.
func checkOrigins(t *testing.T, open func() *advisories.Store) {
	s := open()
	dump := feedDump{"a.json": osvRecord("A-1", "Debian:12", "openssl", "1"), "b.json": osvRecord("A-2", "Debian:12", "zlib", "1"), "c.json": osvRecord("A-3", "Debian:12", "curl", "1")}
	loadFeed(t, s, "one", dump) // 1
	dump["a.json"] = osvRecord("A-1", "Debian:12", "openssl", "2")
	delete(dump, "b.json")
	dump["c.json"] = osvRecord("A-3", "Debian:12", "curl", "1", func(a *plimsoll.Advisory) { a.Withdrawn = firstDay })
	dump["d.json"] = osvRecord("A-4", "Debian:12", "bash", "1")
	loadFeed(t, s, "one", dump) // 2
	got, err := s.Origins(t.Context(), []string{"A-1", "A-2", "A-3", "A-4", "A-5"}, 1)
	must.NoError(t, err)
	equal(t, "after 1", map[string]plimsoll.AdvisoryOrigin{
		"A-1": {InForce: true, InForceBefore: true}, "A-2": {InForceBefore: true}, "A-3": {InForceBefore: true}, "A-4": {InForce: true},
	}, got)

	// An import that is not published yet changes no answer.
	dump["e.json"] = osvRecord("A-5", "Debian:12", "dash", "1")
	stageFeed(t, s, "one", dump)
	again, err := s.Origins(t.Context(), []string{"A-1", "A-2", "A-3", "A-4", "A-5"}, 1)
	must.NoError(t, err)
	equal(t, "beside an import", map[string]plimsoll.AdvisoryOrigin{
		"A-1": {InForce: true, InForceBefore: true}, "A-2": {InForceBefore: true}, "A-3": {InForceBefore: true}, "A-4": {InForce: true}, "A-5": {},
	}, again)
	none, err := s.Origins(t.Context(), nil, 1)
	must.NoError(t, err)
	equal(t, "nothing asked", map[string]plimsoll.AdvisoryOrigin{}, none)
}
