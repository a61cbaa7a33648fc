package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"plimsoll"
	"plimsoll/store"
)

// Findings defines what a store must do with layer reports, package sets, judgements
// and the findings of images.
func Findings(t *testing.T, open func(t *testing.T) *store.Store) {
	t.Run("layers", func(t *testing.T) { testLayers(newFindings(t, open(t))) })
	t.Run("layers of another project", func(t *testing.T) { testLayerTenancy(newFindings(t, open(t))) })
	t.Run("sets", func(t *testing.T) { testSets(newFindings(t, open(t))) })
	t.Run("saved twice", func(t *testing.T) { testSavedTwice(newFindings(t, open(t))) })
	t.Run("bad records", func(t *testing.T) { testBadRecords(newFindings(t, open(t))) })
	t.Run("revisions", func(t *testing.T) { testRevisions(newFindings(t, open(t))) })
	t.Run("overtaken judgement", func(t *testing.T) { testOvertaken(newFindings(t, open(t))) })
	t.Run("not judged", func(t *testing.T) { testNotJudged(newFindings(t, open(t))) })
	t.Run("shared set", func(t *testing.T) { testSharedSet(newFindings(t, open(t))) })
	t.Run("failed rescan", func(t *testing.T) { testFailedRescan(newFindings(t, open(t))) })
	t.Run("partial failure", func(t *testing.T) { testPartialFailure(newFindings(t, open(t))) })
	t.Run("index", func(t *testing.T) { testIndex(newFindings(t, open(t))) })
	t.Run("rematch cut off", func(t *testing.T) { testCutOff(newFindings(t, open(t))) })
	t.Run("scan beside a rematch", func(t *testing.T) { testScanBeside(newFindings(t, open(t))) })
	t.Run("packages of a rematch", func(t *testing.T) { testRematchScope(newFindings(t, open(t))) })
	t.Run("history", func(t *testing.T) { testHistory(newFindings(t, open(t))) })
	t.Run("history of an index", func(t *testing.T) { testIndexHistory(newFindings(t, open(t))) })
	t.Run("history pages", func(t *testing.T) { testHistoryPages(newFindings(t, open(t))) })
	t.Run("tenancy", func(t *testing.T) { testFindingTenancy(newFindings(t, open(t))) })
	t.Run("vulnerability list", func(t *testing.T) { testVulnerabilityList(newFindings(t, open(t))) })
	t.Run("settings and malware", func(t *testing.T) { testFileFindings(newFindings(t, open(t))) })
	t.Run("secrets", func(t *testing.T) { testSecrets(newFindings(t, open(t))) })
	t.Run("software", func(t *testing.T) { testSoftware(newFindings(t, open(t))) })
	t.Run("password lists", func(t *testing.T) { testPasswordLists(newFindings(t, open(t))) })
	t.Run("layer hashes", func(t *testing.T) { testLayerHashes(newFindings(t, open(t))) })
	t.Run("rules", func(t *testing.T) { testSettings(newFindings(t, open(t))) })
	t.Run("malicious packages", func(t *testing.T) { testMaliciousPackages(newFindings(t, open(t))) })
	t.Run("files", func(t *testing.T) { testImageFiles(newFindings(t, open(t))) })
	t.Run("base images", func(t *testing.T) { testBaseImages(newFindings(t, open(t))) })
	t.Run("lists follow tags", func(t *testing.T) { testListsFollowTags(newFindings(t, open(t))) })
	t.Run("properties", func(t *testing.T) {
		s := open(t)
		n := 0
		rapid.Check(t, func(t *rapid.T) {
			n++
			testFindingProperties(t, newFindings(t, s), fmt.Sprint("property-", n))
		})
	})
}

// findings is a store under test with rows that syncs would have written.
type findings struct {
	rapid.TB
	s   *store.Store
	ctx context.Context
}

func newFindings(t rapid.TB, s *store.Store) *findings {
	s.DB().Now = Start
	return &findings{TB: t, s: s, ctx: context.Background()}
}

func (f *findings) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *findings) wantError(want plimsoll.Code, err error) {
	f.Helper()
	if got := plimsoll.ErrorCode(err); got != want {
		f.Fatalf("error %v has code %q, want %q", err, got, want)
	}
}

func wantEqual[T any](f *findings, want, got T) {
	f.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		f.Fatalf("-want +got\n%s", d)
	}
}

func (f *findings) exec(query string, args ...any) int64 {
	f.Helper()
	db := f.s.DB()
	var id int64
	f.must(db.Writer.QueryRowContext(f.ctx, db.Dialect.Rebind(query), args...).Scan(&id))
	return id
}

var (
	findingTenant = plimsoll.Tenant{ProjectID: "p1", EnterpriseProject: "0"}
	otherTenant   = plimsoll.Tenant{ProjectID: "p2", EnterpriseProject: "0"}
)

func named(name string) plimsoll.Digest { return plimsoll.DigestOf([]byte(name)) }

// artifact stores an artifact with two layers, "<name> 0" and "<name> 1".
func (f *findings) artifact(t plimsoll.Tenant, name string, kind plimsoll.ArtifactKind) int64 {
	f.Helper()
	id := f.exec(`INSERT INTO artifact (project_id, enterprise_project_id, digest, kind, media_type, size)
		VALUES (?, ?, ?, ?, '', 1) RETURNING id`, t.ProjectID, t.EnterpriseProject, named(name), kind)
	for i := range 2 {
		f.exec(`INSERT INTO artifact_layer (artifact_id, project_id, enterprise_project_id, position, blob_digest, diff_id, media_type, size)
			VALUES (?, ?, ?, ?, ?, ?, '', 1) RETURNING position`, id, t.ProjectID, t.EnterpriseProject, i,
			named(fmt.Sprint("blob ", name, i)), layerName(name, i))
	}
	return id
}

func layerName(artifact string, position int) plimsoll.Digest {
	return named(fmt.Sprint(artifact, " ", position))
}

// image stores an artifact and a tag that points to it.
func (f *findings) image(t plimsoll.Tenant, name string) plimsoll.Image {
	f.Helper()
	return f.tag(t, name, f.artifact(t, name, plimsoll.KindImage))
}

func (f *findings) tag(t plimsoll.Tenant, name string, artifact int64) plimsoll.Image {
	f.Helper()
	registry := f.exec(`INSERT INTO registry (project_id, enterprise_project_id, name, url, kind, origin, created_at)
		VALUES (?, ?, ?, '', 'other', 'private', 0) RETURNING id`, t.ProjectID, t.EnterpriseProject, name)
	id := f.exec(`INSERT INTO image (project_id, enterprise_project_id, registry_id, artifact_id, origin, repository, namespace, name, tag,
			digest, size, updated_at, first_seen_at) VALUES (?, ?, ?, ?, 'private', ?, 'library', ?, 'v1', ?, 1, 0, 0) RETURNING id`,
		t.ProjectID, t.EnterpriseProject, registry, artifact, name, name, named(name))
	return plimsoll.Image{ID: id, Tenant: t, Digest: named(name)}
}

// index stores an index whose members are artifacts by name; a name with a leading "-" is not scanned.
func (f *findings) index(t plimsoll.Tenant, name string, children ...string) plimsoll.Image {
	f.Helper()
	id := f.artifact(t, name, plimsoll.KindIndex)
	for i, child := range children {
		reason := ""
		if child[0] == '-' {
			child, reason = child[1:], plimsoll.ReasonAttestation
		}
		f.exec(`INSERT INTO artifact_child (artifact_id, project_id, enterprise_project_id, position, digest, media_type, size, os, architecture, unscannable)
			VALUES (?, ?, ?, ?, ?, '', 1, 'linux', ?, ?) RETURNING position`, id, t.ProjectID, t.EnterpriseProject, i, named(child), child, reason)
	}
	return f.tag(t, name, id)
}

// shown is what an image row shows of its scan; counts are -1 if never judged.
type shown struct {
	State                              plimsoll.ScanState
	Failure                            plimsoll.FailureCode
	Detail                             string
	ScannedAt                          int64
	Vulnerabilities, Settings, Malware int64
}

func (f *findings) shown(img plimsoll.Image) shown {
	f.Helper()
	var r shown
	var v, s, m sql.NullInt64
	db := f.s.DB()
	f.must(db.Reader.QueryRowContext(f.ctx, db.Dialect.Rebind(`SELECT scan_state, failure, failure_detail, scanned_at, vulnerabilities, settings, malware
		FROM image WHERE id = ?`), img.ID).Scan(&r.State, &r.Failure, &r.Detail, &r.ScannedAt, &v, &s, &m))
	value := func(n sql.NullInt64) int64 {
		if !n.Valid {
			return -1
		}
		return n.Int64
	}
	r.Vulnerabilities, r.Settings, r.Malware = value(v), value(s), value(m)
	return r
}

// clean is how an image shows that was scanned without a failure and judged.
func clean(vulnerabilities, settings, malware int64) shown {
	return shown{State: plimsoll.ScanDone, ScannedAt: Start().UnixMilli(), Vulnerabilities: vulnerabilities, Settings: settings, Malware: malware}
}

// dump returns every row of the tables that findings are written to, or of one tenant's.
func (f *findings) dump(where string, args ...any) map[string][]string {
	f.Helper()
	tables := []string{"artifact", "artifact_set", "artifact_setting", "artifact_malware", "artifact_secret", "secret_decision", "artifact_account", "image", "layer_proof"}
	if where == "" {
		tables = append(tables, "layer_report", "package", "package_set", "set_package", "verdict", "set_vulnerability", "set_not_judged", "rematch", "set_behind")
	}
	out := map[string][]string{}
	for _, table := range tables {
		out[table] = f.rows(`SELECT * FROM `+table+` `+where, args...)
	}
	return out
}

// rows returns the sorted rows of a query as text.
func (f *findings) rows(query string, args ...any) []string {
	f.Helper()
	db := f.s.DB()
	rows, err := db.Reader.QueryContext(f.ctx, db.Dialect.Rebind(query), args...)
	f.must(err)
	defer rows.Close() //nolint:errcheck // rows.Err below reports it
	columns, err := rows.Columns()
	f.must(err)
	var out []string
	for rows.Next() {
		values := make([]any, len(columns))
		targets := make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		f.must(rows.Scan(targets...))
		out = append(out, fmt.Sprint(values...))
	}
	f.must(rows.Err())
	slices.Sort(out)
	return out
}

// save saves a record and reports whether it changed anything.
func (f *findings) save(r plimsoll.ScanRecord) bool {
	f.Helper()
	changed, err := f.s.SaveScan(f.ctx, r)
	f.must(err)
	return changed
}

// list returns all vulnerabilities of an image.
func (f *findings) list(img plimsoll.Image, filter plimsoll.VulnerabilityFilter) []plimsoll.Placed {
	f.Helper()
	var out []plimsoll.Placed
	for {
		filter.Offset = len(out)
		page, err := f.s.ImageVulnerabilities(f.ctx, img, filter)
		f.must(err)
		out = append(out, page.Items...)
		if len(page.Items) == 0 {
			if page.Total != len(out) {
				f.Fatalf("total is %d but %d rows were listed", page.Total, len(out))
			}
			return out
		}
	}
}
