package sqlite

import (
	"database/sql"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/pressly/goose/v3"
)

// TestFormerSettingsSurvive brings a database with results of the first rules up to date.
func TestFormerSettingsSurvive(t *testing.T) {
	path, db := formerInventory(t, 4)
	for artifact := 1; artifact <= 2; artifact++ {
		_, err := db.ExecContext(t.Context(), `INSERT INTO artifact (id, project_id, enterprise_project_id, digest, kind, media_type, size) VALUES (?, 'p', '0', ?, 'image', '', 0)`, artifact, artifact)
		if err != nil {
			t.Fatal(err)
		}
		for _, rule := range []string{"image.user", "account.empty_password"} {
			_, err := db.ExecContext(t.Context(), `INSERT INTO artifact_setting VALUES (?, 'p', '0', ?, 'Title', 'high', 'failed', 'Advice', '["x"]')`, artifact, rule)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Inventory(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test is over
	var rows, texts int
	err = s.DB().Reader.QueryRowContext(t.Context(), `SELECT COUNT(*), COUNT(DISTINCT s.rule_id) FROM artifact_setting s JOIN setting_rule r ON r.id = s.rule_id
		WHERE s.evidence = '["x"]' AND r.about LIKE '%"title":"Title"%"advice":"Advice"%'`).Scan(&rows, &texts)
	if err != nil || rows != 4 || texts != 2 {
		t.Errorf("%d rows of %d rules: %v", rows, texts, err)
	}
}

// formerInventory is a database of an older schema. Close it before it is opened as an inventory.
func formerInventory(t *testing.T, version int64) (path string, db *sql.DB) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "old.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	old, err := goose.NewProvider(goose.DialectSQLite3, db, sub, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
	return path, db
}

// TestFormerPasswords: of images that had passwords it is known that their hashes are not.
func TestFormerPasswords(t *testing.T) {
	path, db := formerInventory(t, 6)
	for _, statement := range []string{
		`INSERT INTO artifact (id, project_id, enterprise_project_id, digest, kind, media_type, size) VALUES (1, 'p', '0', 'a', 'image', '', 0), (2, 'p', '0', 'b', 'image', '', 0)`,
		`INSERT INTO setting_rule (id, hash, rule, kind, about) VALUES (1, 'h', 'password.weak', 'weak_password', '{}'), (2, 'i', 'image.user', 'configuration', '{}')`,
		`INSERT INTO artifact_setting VALUES (1, 'p', '0', 'password.weak', 1, 'pass', '[]', '[]'), (2, 'p', '0', 'image.user', 2, 'pass', '[]', '[]')`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Inventory(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test is over
	holders, err := s.HashHolders(t.Context(), "p", 0, 10)
	if err != nil || len(holders) != 1 || holders[0].ArtifactID != 1 || len(holders[0].Sources) != 0 {
		t.Errorf("holders %+v, %v", holders, err)
	}
}
