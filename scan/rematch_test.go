package scan_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/match"
	"plimsoll/scan"
	"plimsoll/store"
	"plimsoll/store/advisories"
	"plimsoll/store/sqlite"
)

// feed is what a feed holds, by file name.
type feed map[string]plimsoll.Advisory

// says is a record about one package.
func says(id, ecosystem, name, fixed string, ratings ...plimsoll.Rating) plimsoll.Advisory {
	return plimsoll.Advisory{ID: id + "-" + name + "-" + fixed, Upstream: []string{id}, Ratings: ratings, Affected: []plimsoll.Affected{{Ecosystem: ecosystem, Name: name,
		Ranges: []plimsoll.Range{{Type: "ECOSYSTEM", Events: []plimsoll.Event{{Introduced: "0"}, {Fixed: fixed}}}}}}}
}

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Helper()
	Context() context.Context
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// publish imports a feed as a whole.
func publish(t tester, a *advisories.Store, name string, f feed) plimsoll.Revision {
	t.Helper()
	known, err := a.BeginImport(t.Context(), name, "/dumps/"+name)
	if err != nil {
		t.Fatal(err)
	}
	defer a.EndImport()
	var records []plimsoll.FeedRecord
	for file, record := range f {
		hash := sha256.Sum256(fmt.Appendf(nil, "%+v", record))
		old, replaces := known[file]
		delete(known, file)
		if !replaces || old != hash {
			records = append(records, plimsoll.FeedRecord{File: file, Hash: hash, Replaces: replaces, Advisory: record})
		}
	}
	var gone []string
	for file := range known {
		gone = append(gone, file)
	}
	if err := a.SaveRecords(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	if err := a.WithdrawRecords(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	r, err := a.PublishImport(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// judging is the real store, and notes which packages were judged.
type judging struct {
	*store.Store
	mu        sync.Mutex
	judged    []int64
	finishing func() // once, before a rematch ends
}

func (j *judging) JudgementChanges(ctx context.Context, js []plimsoll.PackageJudgement) (plimsoll.PackageChanges, error) {
	j.mu.Lock()
	for _, one := range js {
		j.judged = append(j.judged, one.PackageID)
	}
	j.mu.Unlock()
	return j.Store.JudgementChanges(ctx, js)
}

func (j *judging) FinishRematch(ctx context.Context, r plimsoll.Rematch) (bool, error) {
	if f := j.finishing; f != nil {
		j.finishing = nil
		f()
	}
	return j.Store.FinishRematch(ctx, r)
}

// bench is a store with images of one package each, and advisories.
type bench struct {
	*yard
	src        *memory
	sets       *judging
	advisories *advisories.Store
	rematcher  *scan.Rematcher
	images     int
}

func newBench(t *testing.T) *bench {
	t.Helper()
	src := newMemory()
	b := &bench{yard: newYard(t, src), src: src}
	b.sets = &judging{Store: b.store}
	b.renew(t)
	return b
}

// renew replaces the advisory database by an empty one.
func (b *bench) renew(t *testing.T) {
	t.Helper()
	a, err := sqlite.Advisories(t.Context(), filepath.Join(t.TempDir(), "advisories.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	b.advisories = a
	b.rematcher = &scan.Rematcher{Store: b.sets, Advisories: a, Logger: slog.New(slog.DiscardHandler)}
}

// hold stores an image of one package, judged as clean at a revision. Its package has the
// image's number.
func (b *bench) hold(t *testing.T, p plimsoll.Package, at plimsoll.Revision) {
	t.Helper()
	b.images++
	a := b.src.image(t, nil, []item{regular("srv/n", fmt.Sprint(b.images))})
	b.push(t, fmt.Sprint(b.images), a)
	set := plimsoll.NewPackageSet(plimsoll.SetOS, []plimsoll.Package{p})
	_, err := b.store.SaveScan(t.Context(), plimsoll.ScanRecord{
		Tenant: plimsoll.Tenant{ProjectID: "p", EnterpriseProject: "0"}, Digest: a.Digest, Matcher: match.Version,
		Sets:       []plimsoll.PlacedSet{{PackageSet: set, Places: []plimsoll.Place{{}}}},
		Judgements: []plimsoll.Judgement{{Revision: at}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// rematch runs one and returns which packages were judged.
func (b *bench) rematch(t *testing.T) []int64 {
	t.Helper()
	b.sets.judged = nil
	if err := b.rematcher.Work(t.Context(), plimsoll.Work{}); err != nil {
		t.Fatal(err)
	}
	if due, err := b.rematcher.Due(t.Context()); due || err != nil {
		t.Errorf("a rematch is due after the rematch, %v", err)
	}
	slices.Sort(b.sets.judged)
	return b.sets.judged
}

// findings are "id severity" of an image.
func (b *bench) findings(t *testing.T, image int) []string {
	t.Helper()
	list, err := b.store.ImageVulnerabilities(t.Context(), b.image(t, fmt.Sprint(image)), plimsoll.VulnerabilityFilter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, v := range list.Items {
		out = append(out, v.ID+" "+string(v.Severity))
	}
	return out
}

func debian(name, source string) plimsoll.Package {
	return plimsoll.Package{Ecosystem: "Debian:12", Name: name, Version: "1.0-1", Source: source}
}

// TestRematchTouchesWhatChanged: an import reaches the sets that hold what it speaks of,
// by package or source name, in the ecosystem's form of names, and by what rates a CVE.
func TestRematchTouchesWhatChanged(t *testing.T) {
	b := newBench(t)
	b.hold(t, debian("bash", ""), 0)
	b.hold(t, debian("libssl3", "openssl"), 0)
	b.hold(t, debian("zlib1g", "zlib"), 0)
	b.hold(t, plimsoll.Package{Ecosystem: "NuGet", Name: "Newtonsoft.Json", Version: "1.0.0"}, 0)
	all := []int64{1, 2, 3, 4}
	one := feed{
		"bash": says("CVE-2026-0001", "Debian:12", "bash", "2"), "openssl": says("CVE-2026-0002", "Debian:12", "openssl", "1"),
		"json": says("CVE-2026-0003", "NuGet", "newtonsoft.json", "1.0.0"),
	}
	two := feed{"x": says("CVE-2020-0001", "PyPI", "x", "1")}
	publish(t, b.advisories, "one", one)
	publish(t, b.advisories, "two", two)
	step := func(what string, want []int64) {
		t.Helper()
		if diff := cmp.Diff(want, b.rematch(t)); diff != "" {
			t.Errorf("%s: packages judged (-want +got):\n%s", what, diff)
		}
	}
	step("the first rematch", all)
	step("nothing new", nil)

	one["openssl"] = says("CVE-2026-0002", "Debian:12", "openssl", "2")
	publish(t, b.advisories, "one", one)
	step("a source package", []int64{2})
	one["json"] = says("CVE-2026-0003", "NuGet", "newtonsoft.JSON", "2.0.0")
	publish(t, b.advisories, "one", one)
	step("a name in another form", []int64{4})
	two["bash"] = says("CVE-2026-0001", "PyPI", "nobody-has-it", "9", plimsoll.Rating{Type: "CVSS_V2", Value: "AV:N/AC:L/Au:N/C:P/I:P/A:P"})
	publish(t, b.advisories, "two", two)
	step("the rating of a CVE", []int64{1})
	delete(one, "openssl")
	two["y"] = says("CVE-2020-0002", "PyPI", "y", "1")
	publish(t, b.advisories, "one", one)
	publish(t, b.advisories, "two", two)
	step("two imports, one withdraws", []int64{2})
	two["y"] = says("CVE-2020-0002", "PyPI", "y", "2")
	publish(t, b.advisories, "two", two)
	step("nothing that anybody holds", nil)
	one["new"] = says("CVE-2026-0004", "Debian:13", "bash", "2")
	publish(t, b.advisories, "one", one)
	step("a release that had no records", all)

	for image, want := range [][]string{{"CVE-2026-0001 high"}, {}, {}, {"CVE-2026-0003 unknown"}} {
		if diff := cmp.Diff(want, b.findings(t, image+1)); diff != "" {
			t.Errorf("image %d (-want +got):\n%s", image+1, diff)
		}
	}
}

// TestRematchOfWhatWasStoredMeanwhile: a scan that judged by the old revision stores its
// set after the walk has seen the last one.
func TestRematchOfWhatWasStoredMeanwhile(t *testing.T) {
	b := newBench(t)
	b.hold(t, debian("bash", ""), 0)
	one := feed{"a": says("CVE-2026-0001", "Debian:12", "bash", "2")}
	publish(t, b.advisories, "one", one)
	for i, name := range []string{"zlib", "curl"} { // the first rematch walks over all sets, the second over few
		one[name] = says("CVE-2026-0002", "Debian:12", name, "2")
		old, err := b.advisories.Revision(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		publish(t, b.advisories, "one", one)
		b.sets.finishing = func() { b.hold(t, debian(name, ""), old) }
		b.rematch(t)
		if b.sets.finishing != nil {
			t.Fatal("the rematch never ended")
		}
		if diff := cmp.Diff([]string{"CVE-2026-0002 unknown"}, b.findings(t, i+2)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestRematchAfterTheDatabaseWasMadeAnew: its revisions begin at 1 again.
func TestRematchAfterTheDatabaseWasMadeAnew(t *testing.T) {
	b := newBench(t)
	b.hold(t, debian("bash", ""), 0)
	for i := range 3 {
		publish(t, b.advisories, "one", feed{"a": says("CVE-2026-0001", "Debian:12", "bash", fmt.Sprint(i+2))})
	}
	b.rematch(t)
	b.renew(t)
	publish(t, b.advisories, "one", feed{"a": says("CVE-2026-0009", "Debian:12", "bash", "2")})
	if due, err := b.rematcher.Due(t.Context()); !due || err != nil {
		t.Fatalf("no rematch is due, %v", err)
	}
	b.rematch(t)
	if diff := cmp.Diff([]string{"CVE-2026-0009 unknown"}, b.findings(t, 1)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
