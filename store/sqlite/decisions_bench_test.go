package sqlite_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"plimsoll"
	"plimsoll/store/storetest"
)

// BenchmarkDecision times how the counts of 100,000 images, or PLIMSOLL_BENCH_IMAGES,
// over a twentieth as many package sets of 200 vulnerabilities each, follow a decision
// about a vulnerability that all of them have, and its end.
func BenchmarkDecision(b *testing.B) {
	images := 100_000
	if n, err := strconv.Atoi(os.Getenv("PLIMSOLL_BENCH_IMAGES")); err == nil {
		images = n
	}
	s := openInventory(b)
	series := func(n int) string {
		return `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ` + strconv.Itoa(n-1) + `) `
	}
	const found = 200
	sets := strconv.Itoa(images / 20)
	digest := `'sha256:' || printf('%064d', i)`
	for _, q := range []string{
		`INSERT INTO registry (id, project_id, enterprise_project_id, name, url, kind, origin, created_at) VALUES (1, 'p1', '0', 'dock', 'https://dock.example', 'other', 'private', 0)`,
		series(found) + `INSERT INTO package (id, ecosystem, name, version) SELECT i + 1, 'Debian:12', 'lib' || i, '1' FROM n`,
		series(found) + `INSERT INTO verdict (id, hash, vulnerability, advisories, aliases, severity) SELECT i + 1, i, 'CVE-2026-' || (10000 + i), '[]', '[]', 'high' FROM n`,
		`INSERT INTO verdict_name SELECT vulnerability, id FROM verdict`,
		series(images/20) + `INSERT INTO package_set (id, hash, kind, packages, created_at) SELECT i + 1, i, 'os', 200, 0 FROM n`,
		`INSERT INTO set_vulnerability (set_id, package_id, verdict_id, matcher, from_revision) SELECT s.id, v.id, v.id, 'm', 0 FROM package_set s, verdict v ORDER BY s.id, v.id`,
		series(images) + `INSERT INTO artifact (id, project_id, enterprise_project_id, digest, kind, media_type, size, scan_state, raw_vulnerabilities)
			SELECT i + 1, 'p1', '0', ` + digest + `, 'image', '', 1, 'done', 200 FROM n`,
		series(images) + `INSERT INTO artifact_set (artifact_id, project_id, enterprise_project_id, set_id, position, places) SELECT i + 1, 'p1', '0', i % ` + sets + ` + 1, 0, x'' FROM n`,
		series(images) + `INSERT INTO image (project_id, enterprise_project_id, registry_id, artifact_id, origin, repository, namespace, name, tag, digest, size, updated_at, first_seen_at, scan_state, vulnerabilities)
			SELECT 'p1', '0', 1, i + 1, 'private', 'team/app' || (i / 10), 'team', 'app' || (i / 10), 't' || (i % 10), ` + digest + `, 1, i, i, 'done', 200 FROM n`,
	} {
		storetest.Exec(b, s, q)
	}
	count := func(n int) (images int) {
		err := s.DB().Reader.QueryRowContext(b.Context(), `SELECT COUNT(*) FROM image WHERE vulnerabilities = ?`, n).Scan(&images)
		if err != nil {
			b.Fatal(err)
		}
		return images
	}
	settle := func(want int) time.Duration {
		began := time.Now()
		if _, err := s.RecountDecisions(b.Context()); err != nil {
			b.Fatal(err)
		}
		took := time.Since(began)
		if got := count(want); got != images {
			b.Fatalf("%d of %d images show %d", got, images, want)
		}
		return took
	}
	for b.Loop() {
		made, err := s.Decide(b.Context(), []plimsoll.Decision{{Tenant: plimsoll.Tenant{ProjectID: "p1", EnterpriseProject: "0"}, Kind: plimsoll.FindingVulnerability,
			Finding: "CVE-2026-10007", Status: plimsoll.StatusIgnored, Author: "x"}})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(settle(found-1).Seconds(), "s-decided")
		if err := s.EndDecision(b.Context(), "p1", nil, made[0].ID, "x"); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(settle(found).Seconds(), "s-ended")
	}
	b.ReportMetric(float64(images), "images")
}
