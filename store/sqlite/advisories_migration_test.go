package sqlite_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/pressly/goose/v3"

	"plimsoll"
	"plimsoll/store/sqlite"
)

// TestFeedsMigration: what an older program stored is found by this one.
func TestFeedsMigration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "advisories.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	old, err := goose.NewProvider(goose.DialectSQLite3, db, os.DirFS("advisories"), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.UpTo(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`
INSERT INTO revision (id, feed, created_at) VALUES (1, 'one', 1);
INSERT INTO feed (name, source, records, revision) VALUES ('one', '/x', 1, 1);
INSERT INTO feed_release VALUES ('one', 'Debian:12');
INSERT INTO record VALUES (1, 'one', 'a.json', 'A-1', x'00', 0, 'Debian:12', 1, NULL, '{"id":"A-1","upstream":["CVE-2026-0001"]}', '');
INSERT INTO affected VALUES ('Debian', 'openssl', 1, '[{"ecosystem":"Debian:12","name":"openssl","versions":["1"]}]');
INSERT INTO rating VALUES ('CVE-2026-0001', 1, '[{"type":"CVSS_V2","value":"x"}]');`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	a, err := sqlite.Advisories(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	e, err := a.Evidence(t.Context(), []plimsoll.AdvisoryKey{{Ecosystem: "Debian", Name: "openssl"}})
	if err != nil || len(e.Advisories) != 1 || len(e.Advisories[0].Affected) != 1 || len(e.Ratings["CVE-2026-0001"]) != 1 {
		t.Errorf("%+v, %v", e, err)
	}
}
