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
	path := filepath.Join(t.TempDir(), "old.db")
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
	if _, err := old.UpTo(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
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
