package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"plimsoll"
	"plimsoll/store"
	"plimsoll/store/sqldb"
)

var costTenant = plimsoll.Tenant{ProjectID: "p", EnterpriseProject: "0"}

// storeImage stores an artifact, a tag that points to it and an index with it.
func storeImage(t testing.TB, s *store.Store, name string) plimsoll.Image {
	t.Helper()
	d := plimsoll.DigestOf([]byte(name))
	index := plimsoll.DigestOf([]byte("index of " + name))
	for _, q := range []struct {
		query string
		args  []any
	}{
		{`INSERT INTO registry (id, project_id, enterprise_project_id, name, url, kind, origin, created_at)
			VALUES (1, 'p', '0', 'r', '', 'other', 'private', 0) ON CONFLICT DO NOTHING`, nil},
		{`INSERT INTO artifact (project_id, enterprise_project_id, digest, kind, media_type, size) VALUES ('p', '0', ?, 'image', '', 1)`, []any{d}},
		{`INSERT INTO artifact (project_id, enterprise_project_id, digest, kind, media_type, size) VALUES ('p', '0', ?, 'index', '', 1)`, []any{index}},
		{`INSERT INTO artifact_child (artifact_id, project_id, enterprise_project_id, position, digest, media_type, size)
			SELECT id, 'p', '0', 0, ?, '', 1 FROM artifact WHERE digest = ?`, []any{d, index}},
		{`INSERT INTO image (project_id, enterprise_project_id, registry_id, artifact_id, origin, repository, namespace, name, tag, digest, size, updated_at, first_seen_at)
			SELECT 'p', '0', 1, id, 'private', digest, '', '', '', digest, 1, 0, 0 FROM artifact WHERE digest IN (?, ?)`, []any{d, index}},
	} {
		if _, err := s.DB().Writer.ExecContext(t.Context(), q.query, q.args...); err != nil {
			t.Fatal(err)
		}
	}
	return plimsoll.Image{Tenant: plimsoll.Tenant{ProjectID: "p", EnterpriseProject: "0"}, Digest: d}
}

// largeScan is a record of one set; package i has vulnerability i while i is below findings.
func largeScan(name string, packages, findings int, revision plimsoll.Revision) plimsoll.ScanRecord {
	var list []plimsoll.Package
	for i := range packages {
		n := fmt.Sprintf("package-%04d", i)
		list = append(list, plimsoll.Package{
			Ecosystem: "Debian:12", Name: n, Version: "1.2.3-4+deb12u1", Source: "source-" + n, SourceVersion: "1.2.3-4+deb12u1",
			Arch: "amd64", PURL: "pkg:deb/debian/" + n + "@1.2.3-4+deb12u1?arch=amd64&distro=debian-12",
		})
	}
	set := plimsoll.PlacedSet{PackageSet: plimsoll.NewPackageSet(plimsoll.SetOS, list)}
	j := plimsoll.Judgement{Revision: revision}
	for i, p := range set.Packages {
		set.Places = append(set.Places, plimsoll.Place{Package: i, Path: "var/lib/dpkg/status"})
		if i < findings {
			id := fmt.Sprintf("CVE-2026-%05d", i)
			j.Vulnerabilities = append(j.Vulnerabilities, plimsoll.Vulnerability{
				ID: id, Advisories: []string{"DEBIAN-" + id}, Aliases: []string{id}, Package: p, FixedVersion: "1.2.3-4+deb12u2",
				Severity: plimsoll.Severities()[i%5], Score: 7.5, Summary: strings.Repeat("words about it ", 10), URL: "https://example.test/" + id,
			})
		}
	}
	return plimsoll.ScanRecord{
		Tenant: costTenant, Digest: plimsoll.DigestOf([]byte(name)), Matcher: "m", ScannedAt: time.UnixMilli(9),
		Sets: []plimsoll.PlacedSet{set}, Judgements: []plimsoll.Judgement{j},
		Settings: []plimsoll.Setting{{Rule: "r", Result: plimsoll.SettingFailed}},
		Malware:  []plimsoll.Malware{{Path: "x", Kind: plimsoll.MalwareMatch, Rule: "X"}},
	}
}

func rowsWritten(t *testing.T, s *store.Store) (n int64) {
	t.Helper()
	if err := s.DB().Writer.QueryRowContext(t.Context(), `SELECT total_changes()`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestUnchangedResultWritesNoRow(t *testing.T) {
	s := openInventory(t)
	storeImage(t, s, "a")
	layer := plimsoll.Layer{Descriptor: plimsoll.Descriptor{Digest: "sha256:b"}, DiffID: "sha256:d"}
	reports := []plimsoll.LayerReport{{DiffID: layer.DiffID, Analyzer: plimsoll.AnalyzerID{Name: "a", Version: "1"}}}
	failed := largeScan("a", 40, 30, 1)
	failed.Failure, failed.Sets, failed.Settings, failed.Malware = plimsoll.FailureLayer, nil, nil, nil
	for _, c := range []struct {
		name string
		save func() error
	}{
		{"SaveLayer", func() error { return s.SaveLayer(t.Context(), costTenant, layer.Digest, layer.DiffID, reports) }},
		{"SaveScan", func() error { _, err := s.SaveScan(t.Context(), largeScan("a", 40, 30, 1)); return err }},
		{"rematch", func() error {
			_, err := rematch(t.Context(), s, 2, largeScan("a", 40, 20, 2).Judgements[0])
			return err
		}},
		{"SaveScan of a failure", func() error { _, err := s.SaveScan(t.Context(), failed); return err }},
		{"FailScan", func() error { return s.FailScan(t.Context(), costTenant, failed.Digest, plimsoll.FailureAuth, "x") }},
	} {
		start := rowsWritten(t, s)
		if err := c.save(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		first := rowsWritten(t, s)
		if err := c.save(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if again := rowsWritten(t, s); first == start || again != first {
			t.Errorf("%s wrote %d rows, and %d when saved again", c.name, first-start, again-first)
		}
	}
}

// recorder notes every statement that passes.
type recorder struct {
	sqldb.Dialect
	mu         sync.Mutex
	statements map[string]bool
}

func (r *recorder) Rebind(query string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.statements[query] = true
	return r.Dialect.Rebind(query)
}

// lists matches a step of a query plan that walks over a list in the statement itself, over
// what a rematch has left to do, or over the names of all packages.
var lists = regexp.MustCompile(`^SCAN (want|h|held|found|set_behind|set_recount|artifact_recount|package USING COVERING INDEX sqlite_autoindex_package_1|CONSTANT ROW|[0-9]+ CONSTANT ROWS|[0-9]+-ROW VALUES CLAUSE)$`)

func TestStatementsUseIndexes(t *testing.T) {
	s := openInventory(t)
	img := storeImage(t, s, "a")
	r := &recorder{Dialect: s.DB().Dialect, statements: map[string]bool{}}
	s.DB().Dialect = r
	ctx := t.Context()
	layers := []plimsoll.Layer{{DiffID: "sha256:1"}, {DiffID: "sha256:2"}}
	analyzers := []plimsoll.AnalyzerID{{Name: "a", Version: "1"}, {Name: "b", Version: "1"}}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(s.SaveLayer(ctx, costTenant, "sha256:b", "sha256:1", nil))
	_, err := s.MissingLayers(ctx, costTenant, false, layers, analyzers)
	check(err)
	_, err = s.LayerReports(ctx, []plimsoll.Digest{"sha256:1"}, analyzers)
	check(err)
	_, err = s.SaveScan(ctx, largeScan("a", 20, 10, 1))
	check(err)
	_, err = s.SaveScan(ctx, largeScan("a", 20, 5, 2))
	check(err)
	_, err = rematch(ctx, s, 3, largeScan("a", 20, 15, 3).Judgements[0])
	check(err)
	check(decideAndUndo(ctx, s))
	_, err = s.ImageVulnerabilities(ctx, img, plimsoll.VulnerabilityFilter{})
	check(err)
	img.Digest = plimsoll.DigestOf([]byte("index of a"))
	_, err = s.ImageVulnerabilities(ctx, img, plimsoll.VulnerabilityFilter{})
	check(err)
	_, err = s.ArtifactSets(ctx, costTenant, img.Digest)
	check(err)

	if len(r.statements) < 30 {
		t.Fatalf("only %d statements were seen", len(r.statements))
	}
	for query := range r.statements {
		if strings.HasPrefix(query, "INSERT INTO") {
			continue // reads no table: the plan of a parent's foreign keys is skipped while none is violated
		}
		for _, step := range planOf(t, s.DB().Reader, query) {
			if strings.HasPrefix(step, "SCAN ") && !lists.MatchString(step) {
				t.Errorf("%s in\n%s", step, query)
			}
		}
	}
}

// decideAndUndo runs every statement about decisions.
func decideAndUndo(ctx context.Context, s *store.Store) error {
	d := plimsoll.Decision{Tenant: costTenant, Kind: plimsoll.FindingVulnerability,
		Finding: "CVE-2026-00001", Status: plimsoll.StatusIgnored, Author: "x"}
	narrow, named := d, d
	narrow.Scope.Digest = plimsoll.DigestOf([]byte("a"))
	named.Scope.Repository = "a"
	made, err := s.Decide(ctx, []plimsoll.Decision{d, narrow, named})
	if err != nil {
		return err
	}
	_, docErr := s.ImportDocument(ctx, costTenant, plimsoll.VEXDocument{ID: "urn:x"}, []plimsoll.Decision{d})
	_, knownErr := s.KnownProducts(ctx, costTenant, []plimsoll.Digest{narrow.Scope.Digest})
	_, listErr := s.Decisions(ctx, plimsoll.DecisionFilter{ProjectID: d.ProjectID, EnterpriseProjects: []string{"0"}, Finding: d.Finding, Before: 9})
	_, settleErr := s.RecountDecisions(ctx)
	return errors.Join(docErr, knownErr, listErr, settleErr, s.EndDecision(ctx, d.ProjectID, nil, made[0].ID, "x"))
}

func planOf(t *testing.T, db *sql.DB, query string) (steps []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, make([]any, strings.Count(query, "?"))...)
	if err != nil {
		t.Fatalf("%v in\n%s", err, query)
	}
	defer rows.Close() //nolint:errcheck // rows.Err below reports it
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}

// BenchmarkSaveScan saves a set of 400 packages with 300 findings: all new, and again.
func BenchmarkSaveScan(b *testing.B) {
	s := openInventory(b)
	storeImage(b, s, "a")
	n := 0
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			n++
			r := largeScan("a", 400, 300, 1)
			for i := range r.Sets[0].Packages { // in order still
				r.Sets[0].Packages[i].Name += fmt.Sprint("-", n)
			}
			for i := range r.Judgements[0].Vulnerabilities {
				v := &r.Judgements[0].Vulnerabilities[i]
				v.Package, v.Summary = r.Sets[0].Packages[i], fmt.Sprint(n)
			}
			if changed, err := s.SaveScan(b.Context(), r); err != nil || !changed {
				b.Fatal(changed, err)
			}
		}
	})
	r := largeScan("a", 400, 300, 1)
	if _, err := s.SaveScan(b.Context(), r); err != nil {
		b.Fatal(err)
	}
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			if changed, err := s.SaveScan(b.Context(), r); err != nil || changed {
				b.Fatal(changed, err)
			}
		}
	})
}

func BenchmarkImageVulnerabilities(b *testing.B) {
	s := openInventory(b)
	img := storeImage(b, s, "a")
	if _, err := s.SaveScan(b.Context(), largeScan("a", 400, 300, 1)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		page, err := s.ImageVulnerabilities(b.Context(), img, plimsoll.VulnerabilityFilter{Offset: 100, Limit: 50})
		if err != nil || page.Total != 300 || len(page.Items) != 50 {
			b.Fatal(page.Total, err)
		}
	}
}

// BenchmarkRematch changes one finding of a set of 300 that 1,000 images share.
func BenchmarkRematch(b *testing.B) {
	s := openInventory(b)
	const images = 1000
	for i := range images {
		name := fmt.Sprint("image ", i)
		storeImage(b, s, name)
		if _, err := s.SaveScan(b.Context(), largeScan(name, 400, 300, 1)); err != nil {
			b.Fatal(err)
		}
	}
	revision := plimsoll.Revision(1)
	for b.Loop() {
		revision++
		n, err := rematch(b.Context(), s, revision, largeScan("", 400, 300+int(revision%2), revision).Judgements[0])
		if err != nil || (n != 1 && revision > 2) {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(images, "images/op")
}

// rematch judges every stored package, and does nothing if the last rematch had the same revision.
func rematch(ctx context.Context, s *store.Store, through plimsoll.Revision, j plimsoll.Judgement) (rows int, err error) {
	if state, err := s.RematchState(ctx, "m"); err != nil || state.Through == through {
		return 0, err
	}
	r, err := s.BeginRematch(ctx, "m", through)
	if err != nil {
		return 0, err
	}
	var js []plimsoll.PackageJudgement
	err = s.EachPackage(ctx, plimsoll.RematchScope{All: true}, 200, func(batch []plimsoll.StoredPackage) error {
		for _, p := range batch {
			one := plimsoll.PackageJudgement{PackageID: p.ID}
			for _, v := range j.Vulnerabilities {
				if v.Package == p.Package {
					one.Vulnerabilities = append(one.Vulnerabilities, v)
				}
			}
			js = append(js, one)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	changes, err := s.SaveJudgements(ctx, js)
	if err != nil {
		return 0, err
	}
	if rows, err = s.SaveChanges(ctx, r, changes); err != nil {
		return 0, err
	}
	if _, err := s.CountRematch(ctx, r, nil); err != nil {
		return 0, err
	}
	if done, err := s.FinishRematch(ctx, r); err != nil || !done {
		return 0, fmt.Errorf("finished: %t, %w", done, err)
	}
	return rows, nil
}
