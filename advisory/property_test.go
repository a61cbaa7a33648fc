package advisory_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/advisory"
	"plimsoll/store/advisories"
	"plimsoll/store/sqlite"
)

// visible is what readers see of a database, without what differs between imports: a line for
// every statement of a current record, and whether lookup finds it.
func visible(t *testing.T, path string) []string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`
SELECT r.feed, r.file, hex(r.hash), r.ecosystems, COALESCE(s.ecosystem, '-'), COALESCE(s.name, '-'), COALESCE(hex(s.body), '-'),
    EXISTS (SELECT 1 FROM lookup k WHERE k.ecosystem = s.ecosystem AND k.name = s.name AND k.record_id = r.id)
FROM record r LEFT JOIN statement s ON s.record_id = r.id
WHERE r.from_revision <= (SELECT COALESCE(MAX(id), 0) FROM revision)
  AND (r.to_revision IS NULL OR r.to_revision > (SELECT COALESCE(MAX(id), 0) FROM revision))`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var feed, file, hash, ecosystems, ecosystem, name, body string
		var found bool
		if err := rows.Scan(&feed, &file, &hash, &ecosystems, &ecosystem, &name, &body, &found); err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.Join([]string{feed, file, hash, ecosystems, ecosystem, name, body, fmt.Sprint(found)}, " "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func openAt(t *testing.T, path string) *advisories.Store {
	t.Helper()
	db, err := sqlite.Advisories(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// randomDump is some files of a feed; a file has one of a few contents.
func randomDump(r *rand.Rand) map[string]string {
	files := map[string]string{"always.json": record("A-0", "12")}
	for range r.IntN(12) {
		id := fmt.Sprintf("A-%d", 1+r.IntN(15))
		body := record(id, fmt.Sprint(11+r.IntN(3)))
		if r.IntN(6) == 0 {
			body = strings.Replace(body, `"modified"`, `"withdrawn":"2026-01-03T00:00:00Z","modified"`, 1)
		}
		if r.IntN(3) == 0 {
			body = strings.Replace(body, `"modified"`, `"aliases":["CVE-2026-0001"],"severity":[{"type":"CVSS_V2","score":"x"}],"modified"`, 1)
		}
		files[fmt.Sprintf("%d/%s.json", r.IntN(2), id)] = body
	}
	return files
}

// TestImportOrder: only the last dump of each feed counts, whatever came before it and in
// whatever order feeds come.
func TestImportOrder(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 1))
		last := map[string]string{}
		for _, feed := range []string{"a", "b", "c"} {
			last[feed] = folder(t, randomDump(r))
		}
		var want []string
		for round := range 3 {
			path := filepath.Join(t.TempDir(), "advisories.db")
			db := openAt(t, path)
			feeds := slices.Sorted(maps.Keys(last))
			for range round * 2 {
				importFeed(t, db, folder(t, randomDump(r)), feeds[r.IntN(len(feeds))])
			}
			r.Shuffle(len(feeds), func(i, j int) { feeds[i], feeds[j] = feeds[j], feeds[i] })
			for _, feed := range feeds {
				importFeed(t, db, last[feed], feed)
			}
			got := visible(t, path)
			if want == nil {
				want = got
			}
			if diff := cmp.Diff(want, got); diff != "" || len(got) == 0 {
				t.Fatalf("seed %d, round %d (-want +got):\n%s", seed, round, diff)
			}
		}
	}
}

// TestWithdrawAndReAdd is the identity, but for revisions.
func TestWithdrawAndReAdd(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 2))
		path := filepath.Join(t.TempDir(), "advisories.db")
		db := openAt(t, path)
		whole, part := randomDump(r), map[string]string{"always.json": record("A-0", "12")}
		for name, body := range whole {
			if r.IntN(2) == 0 {
				part[name] = body
			}
		}
		importFeed(t, db, folder(t, whole), "feed")
		before := visible(t, path)
		importFeed(t, db, folder(t, part), "feed")
		if len(part) < len(whole) && cmp.Equal(before, visible(t, path)) {
			t.Errorf("seed %d: nothing was withdrawn", seed)
		}
		importFeed(t, db, folder(t, whole), "feed")
		if diff := cmp.Diff(before, visible(t, path)); diff != "" {
			t.Errorf("seed %d (-before +after):\n%s", seed, diff)
		}
	}
}

// dying is the real store of a process that dies at a step: before a call of it, or after.
type dying struct {
	*advisories.Store
	mu   sync.Mutex
	left int
}

var errDied = errors.New("died")

func (d *dying) step(call func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left--; d.left < 0 {
		return errDied
	}
	if err := call(); err != nil {
		return err
	}
	if d.left--; d.left < 0 {
		return errDied
	}
	return nil
}

func (d *dying) BeginImport(ctx context.Context, feed, source string) (known map[string][sha256.Size]byte, err error) {
	err = d.step(func() (err error) { known, err = d.Store.BeginImport(ctx, feed, source); return err })
	return known, err
}

func (d *dying) SaveRecords(ctx context.Context, records []plimsoll.FeedRecord) error {
	// One record a call: a batch is written in slices, and a process may die after any.
	for i := range records {
		if err := d.step(func() error { return d.Store.SaveRecords(ctx, records[i:i+1]) }); err != nil {
			return err
		}
	}
	return nil
}

func (d *dying) WithdrawRecords(ctx context.Context, files []string) error {
	return d.step(func() error { return d.Store.WithdrawRecords(ctx, files) })
}

func (d *dying) NoteMissing(ctx context.Context, feed string, files []string) error {
	return d.step(func() error { return d.Store.NoteMissing(ctx, feed, files) })
}

func (d *dying) PublishImport(ctx context.Context) (r plimsoll.Revision, err error) {
	err = d.step(func() (err error) { r, err = d.Store.PublishImport(ctx); return err })
	return r, err
}

// EndImport is what a process that died does not do.
func (d *dying) EndImport() {}

// TestDiesAtAnyStep: afterwards there is the old revision or the new, and importing again
// ends as if nothing had been.
func TestDiesAtAnyStep(t *testing.T) {
	old := map[string]string{"1.json": record("A-1", "12"), "2.json": record("A-2", "12"), "3.json": record("A-3", "12")}
	now := map[string]string{"1.json": record("A-1", "12"), "2.json": record("A-2", "13"), "4.json": record("A-4", "12")}
	before, after := folder(t, old), folder(t, now)
	path := filepath.Join(t.TempDir(), "whole.db")
	db := openAt(t, path)
	importFeed(t, db, before, "feed")
	oldState := visible(t, path)
	importFeed(t, db, after, "feed")
	newState := visible(t, path)
	sawOld, sawNew := 0, 0
	for steps := 0; ; steps++ {
		path := filepath.Join(t.TempDir(), "advisories.db")
		db := openAt(t, path)
		importFeed(t, db, before, "feed")
		src, err := advisory.Open(after)
		if err != nil {
			t.Fatal(err)
		}
		_, err = advisory.Import(t.Context(), src, "feed", &dying{Store: db, left: steps}, nil)
		if err := errors.Join(src.Close(), db.Close()); err != nil {
			t.Fatal(err)
		}
		switch got := visible(t, path); {
		case cmp.Equal(got, oldState):
			sawOld++
		case cmp.Equal(got, newState):
			sawNew++
		default:
			t.Fatalf("after %d steps there is neither the old state nor the new:\n%s", steps, cmp.Diff(oldState, got))
		}
		importFeed(t, openAt(t, path), after, "feed")
		if diff := cmp.Diff(newState, visible(t, path)); diff != "" {
			t.Fatalf("after %d steps and another import (-want +got):\n%s", steps, diff)
		}
		if err == nil {
			break
		}
	}
	if sawOld < 6 || sawNew < 2 {
		t.Errorf("the old state was left %d times, the new one %d times", sawOld, sawNew)
	}
}

// TestEncodeCorpus: a record that went through a bundle says the same.
func TestEncodeCorpus(t *testing.T) {
	for _, name := range []string{"AlmaLinux", "Alpine", "Bitnami", "Debian-DSA", "Go", "PyPI", "Ubuntu", "crates.io"} {
		n := 0
		eachRecord(t, shared(t, "osv", name+".zip"), 15, func(raw []byte) {
			want, err := advisory.Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			written, err := advisory.Encode(want)
			if err != nil {
				t.Fatal(err)
			}
			got, err := advisory.Parse(written)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s %s (-want +got):\n%s", name, want.ID, diff)
			}
			n++
		})
		if n == 0 {
			t.Errorf("%s: no record", name)
		}
	}
}
