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
