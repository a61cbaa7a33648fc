package advisorytest

import (
	"testing"

	"plimsoll"
	"plimsoll/store/advisories"
	"plimsoll/store/storetest/must"
)

// checkOrigins: what is valid, and what was valid before.
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
		"A-1": {Stands: true, Before: true}, "A-2": {Before: true}, "A-3": {Before: true}, "A-4": {Stands: true},
	}, got)

	// An import that is not published yet changes no answer.
	dump["e.json"] = osvRecord("A-5", "Debian:12", "dash", "1")
	stageFeed(t, s, "one", dump)
	again, err := s.Origins(t.Context(), []string{"A-1", "A-2", "A-3", "A-4", "A-5"}, 1)
	must.NoError(t, err)
	equal(t, "beside an import", map[string]plimsoll.AdvisoryOrigin{
		"A-1": {Stands: true, Before: true}, "A-2": {Before: true}, "A-3": {Before: true}, "A-4": {Stands: true}, "A-5": {},
	}, again)
	none, err := s.Origins(t.Context(), nil, 1)
	must.NoError(t, err)
	equal(t, "nothing asked", map[string]plimsoll.AdvisoryOrigin{}, none)
}
