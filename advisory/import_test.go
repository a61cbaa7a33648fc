package advisory_test

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/advisory"
	"plimsoll/store/advisories"
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

func openStore(t testing.TB) *advisories.Store {
	t.Helper()
	db, err := sqlite.Advisories(t.Context(), filepath.Join(t.TempDir(), "advisories.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func importPath(t testing.TB, db *advisories.Store, path string) plimsoll.ImportOutcome {
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

// BenchmarkImport reads every dump of the corpus into an empty database: 50,288 records.
// CPU seconds are those of the whole process for one import of everything.
func BenchmarkImport(b *testing.B) {
	zips, err := filepath.Glob(shared(b, "osv", "*.zip"))
	if err != nil || len(zips) == 0 {
		b.Fatal("no dumps", err)
	}
	records, path := 0, ""
	before := usage(b)
	for b.Loop() {
		path = filepath.Join(b.TempDir(), "advisories.db")
		db, err := sqlite.Advisories(b.Context(), path)
		if err != nil {
			b.Fatal(err)
		}
		for _, dump := range zips {
			records += importPath(b, db, dump).Records
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
	after := usage(b)
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric((cpu(after)-cpu(before))/float64(b.N), "CPU-s/op")
	b.ReportMetric(float64(after.Maxrss)/1024, "peak-MiB")
	if info, err := os.Stat(path); err == nil {
		b.ReportMetric(float64(info.Size())/(1<<20), "database-MiB")
	}
}

func usage(b *testing.B) (u syscall.Rusage) {
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u
}

func cpu(u syscall.Rusage) float64 {
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// content is every row of the database but those that note checks.
func content(t *testing.T, path string) string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	out := ""
	for _, table := range []string{"revision", "feed", "feed_release", "record", "statement", "lookup"} {
		rows, err := db.Query(`SELECT * FROM ` + table)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		values, pointers := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			pointers[i] = &values[i]
		}
		h, n := sha256.New(), 0
		for rows.Next() {
			if err := rows.Scan(pointers...); err != nil {
				t.Fatal(err)
			}
			n++
			fmt.Fprintf(h, "%q\n", values)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		out += fmt.Sprintf("%s: %d rows, %x\n", table, n, h.Sum(nil))
	}
	return out
}

// TestImportAgain imports a real dump twice: the second time writes no row.
func TestImportAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "advisories.db")
	db, err := sqlite.Advisories(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	first := importPath(t, db, shared(t, "osv", "Ubuntu.zip"))
	want := plimsoll.ImportOutcome{Feed: "Ubuntu", Revision: 1, Records: 482, New: 482, Skipped: map[string]int{}}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("first import (-want +got):\n%s", diff)
	}
	before := content(t, path)
	second := importPath(t, db, shared(t, "osv", "Ubuntu.zip"))
	want.New, want.Unchanged = 0, 482
	if diff := cmp.Diff(want, second); diff != "" {
		t.Errorf("second import (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, content(t, path)); diff != "" {
		t.Errorf("the second import wrote rows (-before +after):\n%s", diff)
	}
}

// TestIDInTwoFiles: 37 ids of this dump occur in the folders of two releases.
func TestIDInTwoFiles(t *testing.T) {
	db := openStore(t)
	out := importPath(t, db, shared(t, "osv", "AlmaLinux.zip"))
	if out.Records != 5680 || out.New != 5680 {
		t.Errorf("%+v", out)
	}
	zipped, err := zip.OpenReader(shared(t, "osv", "AlmaLinux.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer zipped.Close()
	files := map[string]int{}
	for _, f := range zipped.File {
		files[filepath.Base(f.Name)]++
	}
	twice := 0
	for name, n := range files {
		if n < 2 {
			continue
		}
		twice++
		id := strings.Replace(strings.TrimSuffix(name, ".json"), "_", ":", 1)
		found, err := db.Advisory(t.Context(), []string{id})
		if err != nil || len(found) != n {
			t.Errorf("%s: %d records of %d, %v", id, len(found), n, err)
		}
	}
	if twice != 37 {
		t.Errorf("%d ids occur twice, want 37", twice)
	}
}

// folder writes records, id by file name.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, body := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func record(id, release string) string {
	return fmt.Sprintf(`{"id":%q,"modified":"2026-01-02T03:04:05Z","affected":[{"package":{"ecosystem":%q,"name":"openssl"},
		"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2"}]}]}]}`, id, "Debian:"+release)
}

func TestSkipped(t *testing.T) {
	db := openStore(t)
	dir := folder(t, map[string]string{
		"a/A-1.json": record("A-1", "12"), "B-1.json": record("B-1", "12"), "C-1.JSON": record("C-1", "12"),
		"broken.json": `{"id":`, "nameless.json": `{}`, "README.md": "hello", "big.json": `{"id":"` + strings.Repeat("x", advisory.MaxRecord),
	})
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link.json")); err != nil {
		t.Fatal(err)
	}
	out := importFeed(t, db, dir, "feed")
	want := plimsoll.ImportOutcome{Feed: "feed", Revision: 1, Records: 3, New: 3, Skipped: map[string]int{
		advisory.SkippedInvalid: 2, advisory.SkippedNotJSON: 1, advisory.SkippedTooLarge: 1,
	}}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}

	// A file that is there and cannot be read is not withdrawn; one that is gone is.
	if err := os.WriteFile(filepath.Join(dir, "B-1.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "C-1.JSON")); err != nil {
		t.Fatal(err)
	}
	out = importFeed(t, db, dir, "feed")
	if out.Withdrawn != 1 || out.Skipped[advisory.SkippedInvalid] != 3 || out.Records != 1 || out.Revision != 2 {
		t.Errorf("%+v", out)
	}
	found, err := db.Advisory(t.Context(), []string{"A-1", "B-1", "C-1"})
	if err != nil || len(found) != 2 {
		t.Errorf("%d records are left, %v", len(found), err)
	}
}

func TestNothingToImport(t *testing.T) {
	db := openStore(t)
	importFeed(t, db, folder(t, map[string]string{"A-1.json": record("A-1", "12")}), "feed")
	src, err := advisory.Open(folder(t, map[string]string{"x.json": "{}"}))
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if _, err := advisory.Import(t.Context(), src, "feed", db, nil); plimsoll.ErrorCode(err) != plimsoll.Invalid {
		t.Errorf("a dump without records: %v", err)
	}
	if r, err := db.Revision(t.Context()); r != 1 || err != nil {
		t.Errorf("revision %d, %v", r, err)
	}
}

func importFeed(t testing.TB, db advisory.Store, path, feed string) plimsoll.ImportOutcome {
	t.Helper()
	src, err := advisory.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	last, total := 0, 0
	out, err := advisory.Import(t.Context(), src, feed, db, func(d, of int) { last, total = d, of })
	if err != nil {
		t.Fatal(err)
	}
	if last != src.Len() || total != src.Len() {
		t.Errorf("progress ended at %d of %d", last, total)
	}
	return out
}

// failing is the real store, which fails after a number of batches.
type failing struct {
	*advisories.Store
	left atomic.Int64
}

var errDisk = errors.New("disk full")

func (f *failing) SaveRecords(ctx context.Context, records []plimsoll.FeedRecord) error {
	if f.left.Add(-1) < 0 {
		return errDisk
	}
	return f.Store.SaveRecords(ctx, records)
}

// TestImportFailsMidway leaves the old revision, and the next import is whole.
func TestImportFailsMidway(t *testing.T) {
	db := openStore(t)
	src, err := advisory.Open(shared(t, "osv", "Alpine.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	f := &failing{Store: db}
	f.left.Store(1)
	if _, err := advisory.Import(t.Context(), src, "Alpine", f, nil); !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	e, err := db.Evidence(t.Context(), []plimsoll.AdvisoryKey{{Ecosystem: "Alpine", Name: "openssl"}})
	if err != nil || e.Revision != 0 || len(e.Advisories) != 0 {
		t.Errorf("half an import is in sight: %+v, %v", e, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := advisory.Import(ctx, src, "Alpine", db, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a stopped import: %v", err)
	}
	if out := importPath(t, db, shared(t, "osv", "Alpine.zip")); out.New != 2537 || out.Revision != 1 {
		t.Errorf("%+v", out)
	}
}
