package sqlite_test

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"plimsoll"
	"plimsoll/store/advisories"
	"plimsoll/store/sqlite"
	"plimsoll/store/storetest/advisorytest"
)

func TestAdvisories(t *testing.T) {
	advisorytest.Run(t, func(t *testing.T, dir string) *advisories.Store {
		s, err := sqlite.Advisories(t.Context(), filepath.Join(dir, "advisories.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	})
}

// count reads one number of the database file.
func count(t *testing.T, path, query string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// publish imports one record about openssl as the whole feed.
func publish(t *testing.T, a *advisories.Store, fixed string) error {
	t.Helper()
	known, err := a.BeginImport(t.Context(), "one", "/dumps/one")
	if err != nil {
		t.Fatal(err)
	}
	defer a.EndImport()
	record := plimsoll.FeedRecord{File: "a.json", Hash: sha256.Sum256([]byte(fixed)), Replaces: len(known) > 0, Advisory: plimsoll.Advisory{
		ID: "A-1", Upstream: []string{"CVE-2026-0001"}, Ratings: []plimsoll.Rating{{Type: "CVSS_V2", Value: "AV:N/AC:L/Au:N/C:P/I:P/A:P"}},
		Affected: []plimsoll.Affected{{Ecosystem: "Debian:12", Name: "openssl", Ranges: []plimsoll.Range{{Type: "ECOSYSTEM", Events: []plimsoll.Event{{Introduced: "0"}, {Fixed: fixed}}}}}},
	}}
	if err := a.SaveRecords(t.Context(), []plimsoll.FeedRecord{record}); err != nil {
		t.Fatal(err)
	}
	_, err = a.PublishImport(t.Context())
	return err
}

func fixedIn(t *testing.T, a *advisories.Store) string {
	t.Helper()
	e, err := a.Evidence(t.Context(), []plimsoll.AdvisoryKey{{Ecosystem: "Debian", Name: "openssl"}})
	if err != nil || len(e.Advisories) != 1 {
		t.Fatalf("%+v, %v", e, err)
	}
	return e.Advisories[0].Affected[0].Ranges[0].Events[1].Fixed
}

// TestEndedRecordsAreDeleted: the file has the current rows and those that the last
// import ended, however many there were. A prune that was cut off ends with the next.
func TestEndedRecordsAreDeleted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "advisories.db")
	a, err := sqlite.Advisories(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	check := func(what string, want int) {
		t.Helper()
		// Each record is about a package and rates a CVE.
		for table, times := range map[string]int{"record": 1, "statement": 2, "lookup": 2} {
			if n := count(t, path, `SELECT COUNT(*) FROM `+table); n != times*want {
				t.Errorf("%s: %d rows of %s, want %d", what, n, table, times*want)
			}
		}
	}
	for i := range 5 {
		if err := publish(t, a, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	check("five imports", 2)

	count(t, path, `CREATE TRIGGER stuck BEFORE DELETE ON record BEGIN SELECT RAISE(ABORT, 'no'); END; SELECT 1`)
	for i := range 3 {
		if err := publish(t, a, fmt.Sprint(i+5)); err == nil {
			t.Error("a prune that failed is not reported")
		}
		if got := fixedIn(t, a); got != fmt.Sprint(i+5) {
			t.Errorf("the import is not in sight: fixed in %s", got)
		}
	}
	check("three imports that could not delete", 5)
	count(t, path, `DROP TRIGGER stuck; SELECT 1`)
	if err := publish(t, a, "9"); err != nil {
		t.Fatal(err)
	}
	check("the next", 2)
	if got := fixedIn(t, a); got != "9" {
		t.Errorf("fixed in %s", got)
	}
}
