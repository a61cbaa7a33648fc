package images_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plimsoll"
	"plimsoll/store"
	"plimsoll/store/images"
	"plimsoll/store/sqlite"
	"plimsoll/store/storetest"
)

func openInventory(t testing.TB) *store.Store {
	t.Helper()
	s, err := sqlite.Inventory(t.Context(), filepath.Join(t.TempDir(), "inventory.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// shapes are the list queries that clients send most.
func shapes(s storetest.Sample) []shape {
	const covering = "USING COVERING INDEX"
	const kept = "SEARCH i USING PRIMARY KEY" // of image_total: sums over registries
	yes, no := true, false
	at := s.Image.UpdatedAt
	f := func(change func(*plimsoll.ImageFilter)) plimsoll.ImageFilter {
		out := plimsoll.ImageFilter{ProjectID: "p1", Origins: []plimsoll.Origin{plimsoll.OriginPrivate}, EnterpriseProjects: []string{"0", "ep1"}, Limit: 50}
		change(&out)
		return out
	}
	return []shape{
		{"default", kept, "image_list", plimsoll.ImageFilter{ProjectID: "p1", Limit: 50}},
		{"private", kept, "image_list", f(func(*plimsoll.ImageFilter) {})},
		{"origins", kept, "image_list", f(func(f *plimsoll.ImageFilter) { f.Origins = []plimsoll.Origin{"private", "shared"} })},
		{"deep", kept, "image_list", f(func(f *plimsoll.ImageFilter) { f.Offset = s.Private - 60 })},
		{"latest", covering, "image_latest", f(func(f *plimsoll.ImageFilter) { f.LatestOnly = true })},
		{"namespace", covering, "image_by_namespace", f(func(f *plimsoll.ImageFilter) { f.Namespace = s.Image.Namespace })},
		{"name", "image_by_name", "image_by_name", f(func(f *plimsoll.ImageFilter) { f.Name = s.Image.Name })},
		{"full name", "image_by_name", "image_by_name", f(func(f *plimsoll.ImageFilter) {
			f.Namespace, f.Name, f.Tag = s.Image.Namespace, s.Image.Name, s.Image.Tag
		})},
		{"repository", "image_by_name", "image_by_name", f(func(f *plimsoll.ImageFilter) { f.Repository = s.Image.Repository })},
		{"tag", "image_by_tag", "image_by_tag", f(func(f *plimsoll.ImageFilter) { f.Tag = s.Image.Tag })},
		{"digest", "image_by_digest", "image_by_digest", f(func(f *plimsoll.ImageFilter) { f.Digest = s.Image.Digest })},
		{"size", "image_by_size", "image_by_size", f(func(f *plimsoll.ImageFilter) { f.Size = s.Image.Size })},
		{"instance", kept, "image_list", f(func(f *plimsoll.ImageFilter) { f.Origins, f.InstanceID = []plimsoll.Origin{"instance"}, "i-4" })},
		{"updated", covering, "image_list", f(func(f *plimsoll.ImageFilter) { f.UpdatedFrom, f.UpdatedTo = at.Add(-24*time.Hour), at })},
		{"scanned", covering, "image_list", f(func(f *plimsoll.ImageFilter) { f.ScannedFrom = storetest.Start().Add(-24 * time.Hour) })},
		{"done", covering, "image_list", f(func(f *plimsoll.ImageFilter) { f.States = []plimsoll.ScanState{plimsoll.ScanDone} })},
		{"pending", "image_by_digest", "image_by_digest", f(func(f *plimsoll.ImageFilter) { f.States = []plimsoll.ScanState{plimsoll.ScanPending} })},
		{"vulnerable", covering, "image_list", f(func(f *plimsoll.ImageFilter) { f.HasVulnerability = &yes })},
		{"no malware", covering, "image_list", f(func(f *plimsoll.ImageFilter) { f.HasMalware = &no })},
		{"unsafe", covering, "image_list", f(func(f *plimsoll.ImageFilter) { f.HasSetting = &yes })},
		{"many", covering, "image_list", f(func(f *plimsoll.ImageFilter) {
			f.HasVulnerability, f.HasSetting, f.States = &yes, &no, []plimsoll.ScanState{plimsoll.ScanDone, plimsoll.ScanFailed}
		})},
	}
}

type shape struct {
	name    string
	counted string // a part of the plan of the count
	paged   string // a part of the plan of the page
	filter  plimsoll.ImageFilter
}

// TestPlans checks that every shape uses an index: no list reads the whole table, and no page is
// read by sorting all matches where the index has their order.
func TestPlans(t *testing.T) {
	s := openInventory(t)
	clock := storetest.UseClock(s)
	sample := storetest.Fill(t, s, clock, 60, 12)
	for _, shape := range shapes(sample) {
		counting, paging, err := images.Statements(shape.filter)
		if err != nil {
			t.Fatal(err)
		}
		if plan := explain(t, s.DB().Reader, counting); strings.Contains(plan, "SCAN i") || !strings.Contains(plan, shape.counted) {
			t.Errorf("the count of %s reads every image, or rows beside %s:\n%s", shape.name, shape.counted, plan)
		}
		if plan := explain(t, s.DB().Reader, paging); strings.Contains(plan, "SCAN i") || !strings.Contains(plan, shape.paged) {
			t.Errorf("the page of %s reads every image, or not by %s:\n%s", shape.name, shape.paged, plan)
		}
	}
}

func explain(t *testing.T, db *sql.DB, statement images.Statement) string {
	t.Helper()
	rows, err := db.Query(`EXPLAIN QUERY PLAN `+statement.SQL, statement.Args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		out.WriteString(detail + "\n")
	}
	return out.String()
}
