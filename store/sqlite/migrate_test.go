package sqlite

import (
	"database/sql"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"plimsoll"
)

// TestRematchesOfBefore: a database of before rematches were numbered keeps its judgement and
// its images' past begins with what they hold; everything is judged once more.
func TestRematchesOfBefore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plimsoll.db")
	old, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, old, sub, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	digest := plimsoll.DigestOf([]byte("a"))
	for _, query := range []string{
		`INSERT INTO registry (id, project_id, enterprise_project_id, name, url, kind, origin, created_at) VALUES (1, 'p', '0', 'hub', '', 'other', 'private', 1)`,
		`INSERT INTO package (id, ecosystem, name, version) VALUES (1, 'Debian:12', 'bash', '1'), (2, 'Debian:12', 'curl', '1')`,
		`INSERT INTO package_set (id, hash, kind, packages, created_at) VALUES (1, 'h', 'os', 2, 1)`,
		`INSERT INTO set_package (set_id, package_id, position) VALUES (1, 1, 0), (1, 2, 1)`,
		`INSERT INTO verdict (id, hash, vulnerability, advisories, aliases, severity) VALUES (1, 'v', 'CVE-1', '[]', '[]', 'high'), (2, 'w', 'CVE-2', '[]', '[]', 'high')`,
		`INSERT INTO set_vulnerability (set_id, package_id, verdict_id, matcher, from_revision, to_revision) VALUES (1, 1, 1, '2', 3, 5), (1, 2, 2, '2', 5, NULL)`,
		`INSERT INTO matcher_state (matcher, current_through) VALUES ('2', 7)`,
		`INSERT INTO artifact (id, project_id, enterprise_project_id, digest, kind, media_type, size, raw_vulnerabilities) VALUES (1, 'p', '0', '` + string(digest) + `', 'image', '', 1, 1)`,
		`INSERT INTO artifact_set (artifact_id, project_id, enterprise_project_id, set_id, position, places) VALUES (1, 'p', '0', 1, 0, x'')`,
		`INSERT INTO image (id, project_id, enterprise_project_id, registry_id, artifact_id, origin, repository, namespace, name, tag, digest, size, updated_at,
			first_seen_at, scanned_at, vulnerabilities) VALUES (1, 'p', '0', 1, 1, 'private', 'a/b', 'a', 'b', 'v1', '` + string(digest) + `', 1, 1, 1000, 2000, 1)`,
	} {
		if _, err := old.ExecContext(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}

	s, err := Inventory(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test ends
	if state, err := s.RematchState(t.Context(), "2"); state.Through != 0 || err != nil {
		t.Errorf("judged through %d, %v: the matcher is not known", state.Through, err)
	}
	img, err := s.Image(t.Context(), "p", nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[int64]string{1500: "", 2500: "CVE-2"} {
		found, err := s.ImageFindingsAt(t.Context(), img, plimsoll.HistoryFilter{At: time.UnixMilli(at)})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, f := range found.Items {
			got += f.Vulnerability
		}
		if got != want || found.Known != (want != "") {
			t.Errorf("at %d: %q, known %t", at, got, found.Known)
		}
	}
	if r, err := s.BeginRematch(t.Context(), "2", 7); err != nil || r.ID != 8 {
		t.Errorf("the next rematch is %+v, %v; want number 8", r, err)
	}
}
