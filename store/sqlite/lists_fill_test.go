package sqlite

import (
	"database/sql"
	"io/fs"
	"strconv"
	"testing"

	"github.com/pressly/goose/v3"
)

// fillBefore writes n scanned images at the schema of before lists had counts of their own:
// 30 settings each in 500 combinations of results, malware and weak passwords in every 50th,
// four secrets in every 10th, of which one is below /usr.
func fillBefore(t testing.TB, path string, n int) {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=cache_size(-200000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the migration that follows would fail
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, sub, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	series := `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ` + strconv.Itoa(n) + `) `
	const rules = `WITH RECURSIVE r (j) AS (SELECT 1 UNION ALL SELECT j + 1 FROM r WHERE j < 30) `
	const digest = `'sha256:' || printf('%064x', i)`
	for _, query := range []string{
		`INSERT INTO registry (id, project_id, enterprise_project_id, name, url, kind, origin, created_at) VALUES (1, 'p1', '0', 'dock', 'https://dock.example', 'other', 'private', 0)`,
		rules + `INSERT INTO setting_rule (id, hash, rule, kind, about)
			SELECT j, 'h' || j, printf('rule.%02d', j), CASE j WHEN 29 THEN 'password_complexity' WHEN 30 THEN 'weak_password' ELSE 'configuration' END,
			json_object('id', printf('rule.%02d', j), 'check', 'Check ' || (j / 10), 'kind', CASE j WHEN 29 THEN 'password_complexity' WHEN 30 THEN 'weak_password' ELSE 'configuration' END,
				'title', 'T', 'severity', 'high', 'standards', json_array('practice'), 'description', 'D', 'advice', 'A') FROM r`,
		series + `INSERT INTO artifact (id, project_id, enterprise_project_id, digest, kind, media_type, size, scan_state, scanned_at, raw_vulnerabilities, raw_settings, raw_malware)
			SELECT i, 'p1', '0', ` + digest + `, 'image', '', 1, 'done', 1000 + i % 997, 0, 1, CASE WHEN i % 50 = 7 THEN 3 ELSE 0 END FROM n`,
		series + `INSERT INTO image (id, project_id, enterprise_project_id, registry_id, artifact_id, origin, repository, namespace, name, tag, digest, size, updated_at, first_seen_at, scan_state, scanned_at, vulnerabilities, settings, malware)
			SELECT i, 'p1', '0', 1, i, 'private', 'team' || (i / 1000) || '/app' || (i / 10), 'team' || (i / 1000), 'app' || (i / 10), 't' || (i % 10), ` + digest + `, 1, 5000 + i * 7919 % 100003, 1, 'done', 1000 + i % 997, 0, 1,
			CASE WHEN i % 50 = 7 THEN 3 ELSE 0 END FROM n`,
		series + `, r (j) AS (SELECT 1 UNION ALL SELECT j + 1 FROM r WHERE j < 29)
			INSERT INTO artifact_setting (artifact_id, project_id, enterprise_project_id, rule, rule_id, result, evidence, passwords)
			SELECT i, 'p1', '0', printf('rule.%02d', j), j, CASE ((i % 500) * 7919 + j * 104729) % 1009 % 23 WHEN 0 THEN 'failed' WHEN 1 THEN 'not_looked' ELSE 'pass' END, '["x"]', '[]' FROM n CROSS JOIN r`,
		series + `INSERT INTO artifact_setting (artifact_id, project_id, enterprise_project_id, rule, rule_id, result, evidence, passwords)
			SELECT i, 'p1', '0', 'rule.30', 30, 'failed', '["x"]', '[{"user":"root","scheme":"md5crypt","masked":"r***","reason":"common password"},{"user":"u' || i || '","scheme":"md5crypt","masked":"r***","reason":"common password","changed":9}]'
			FROM n WHERE i % 50 = 9`,
		series + `, r (j) AS (SELECT 1 UNION ALL SELECT j + 1 FROM r WHERE j < 3)
			INSERT INTO artifact_malware (artifact_id, project_id, enterprise_project_id, path, layer, rule, kind, engine, size, sha256, shadowed)
			SELECT i, 'p1', '0', 'srv/Bad' || j, 'sha256:l', 'Sig' || j, 'match', 'clam', 9, '', 0 FROM n CROSS JOIN r WHERE i % 50 = 7`,
		series + `, r (j) AS (SELECT 1 UNION ALL SELECT j + 1 FROM r WHERE j < 4)
			INSERT INTO artifact_secret (artifact_id, project_id, enterprise_project_id, path, layer, rule, line, severity, excerpt, shadowed, id, size, owned)
			SELECT i, 'p1', '0', CASE j WHEN 4 THEN 'usr/lib/x' ELSE 'srv/key' || j END, 'sha256:l', 'token', j, 'high', 't***', 0, printf('%028d%04d', i, j), 40, '' FROM n CROSS JOIN r WHERE i % 10 = 3`,
	} {
		if _, err := db.ExecContext(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
}
