package advisory_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"plimsoll"
	"plimsoll/advisory"
	"plimsoll/store"
	"plimsoll/store/sqlite"
)

func shared(t testing.TB, elem ...string) string {
	t.Helper()
	root := filepath.Join("..", "..", "shared", "data")
	if _, err := os.Stat(root); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the shared test material is absent: %v", err)
		}
		t.Skipf("the shared test material is absent: %v", err)
	}
	return filepath.Join(append([]string{root}, elem...)...)
}

func openStore(t testing.TB) *store.Advisories {
	t.Helper()
	db, err := sqlite.Advisories(t.Context(), filepath.Join(t.TempDir(), "advisories.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func importPath(t testing.TB, db *store.Advisories, path string) plimsoll.ImportOutcome {
	t.Helper()
	src, err := advisory.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	out, err := advisory.Import(t.Context(), src, advisory.FeedName(path), db, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// BenchmarkImport reads every dump of the corpus into an empty database.
func BenchmarkImport(b *testing.B) {
	zips, err := filepath.Glob(shared(b, "osv", "*.zip"))
	if err != nil || len(zips) == 0 {
		b.Fatal("no dumps", err)
	}
	records := 0
	for b.Loop() {
		db := openStore(b)
		for _, path := range zips {
			records += importPath(b, db, path).Records
		}
	}
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys)/(1<<20), "MiB-from-OS")
}
