package rematch_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/match"
	"plimsoll/store"
	"plimsoll/store/sqlite"
)

// judgedStore is the real store, and records which packages were judged.
type judgedStore struct {
	*store.Store
	mu           sync.Mutex
	judged       []int64
	beforeFinish func() // called once, before a rematch finishes
}

func (j *judgedStore) SaveJudgements(ctx context.Context, js []plimsoll.PackageJudgement) (plimsoll.PackageChanges, error) {
	j.mu.Lock()
	for _, one := range js {
		j.judged = append(j.judged, one.PackageID)
	}
	j.mu.Unlock()
	return j.Store.SaveJudgements(ctx, js)
}

func (j *judgedStore) FinishRematch(ctx context.Context, r plimsoll.Rematch) (bool, error) {
	if f := j.beforeFinish; f != nil {
		j.beforeFinish = nil
		f()
	}
	return j.Store.FinishRematch(ctx, r)
}

// packageSite is a site with images of one package each.
type packageSite struct {
	*site
	store  *judgedStore
	images int
}

func newPackageSite(t *testing.T) *packageSite {
	t.Helper()
	s := newSite(t)
	return &packageSite{site: s, store: &judgedStore{Store: s.inventory}}
}

// replaceAdvisories replaces the advisory database by an empty one.
func (s *packageSite) replaceAdvisories(t *testing.T) {
	t.Helper()
	a, err := sqlite.Advisories(t.Context(), filepath.Join(t.TempDir(), "advisories.db"))
	if err != nil {
		t.Fatal(err)
	}
	s.advisories.Close()
	s.advisories = a // closed with the site
}

// addImage stores an image of one package, judged as clean at a revision. Its tag is the number
// of the image, which is also the id of the package.
func (s *packageSite) addImage(t *testing.T, p plimsoll.Package, at plimsoll.Revision) {
	t.Helper()
	s.images++
	a := s.push(t, fmt.Sprint(s.images))
	set := plimsoll.NewPackageSet(plimsoll.SetOS, []plimsoll.Package{p})
	_, err := s.inventory.SaveScan(t.Context(), plimsoll.ScanRecord{
		Tenant: tenant, Digest: a.Digest, Matcher: match.Version,
		Sets:       []plimsoll.PlacedSet{{PackageSet: set, Places: []plimsoll.Place{{}}}},
		Judgements: []plimsoll.Judgement{{Revision: at}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// rematch runs rematches until none is due, and returns which packages were judged.
func (s *packageSite) rematch(t *testing.T) []int64 {
	t.Helper()
	s.store.judged = nil
	r := s.rematcher(s.store)
	if err := r.Work(t.Context(), plimsoll.Work{}); err != nil {
		t.Fatal(err)
	}
	if due, err := r.Due(t.Context()); due || err != nil {
		t.Errorf("a rematch is due after the rematch, %v", err)
	}
	slices.Sort(s.store.judged)
	return s.store.judged
}

// findings are "id severity" of an image.
func (s *packageSite) findings(t *testing.T, image int) []string {
	t.Helper()
	list, err := s.inventory.ImageVulnerabilities(t.Context(), s.image(t, fmt.Sprint(image)), plimsoll.VulnerabilityFilter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, v := range list.Items {
		out = append(out, v.ID+" "+string(v.Severity))
	}
	return out
}

// TestChangedPackagesAreJudged: an import reaches the sets with packages that it names, by package
// or source name, in the normalized form of the ecosystem, and by the rating of a CVE.
func TestChangedPackagesAreJudged(t *testing.T) {
	s := newPackageSite(t)
	s.addImage(t, debian("bash", ""), 0)
	s.addImage(t, debian("libssl3", "openssl"), 0)
	s.addImage(t, debian("zlib1g", "zlib"), 0)
	s.addImage(t, plimsoll.Package{Ecosystem: "NuGet", Name: "Newtonsoft.Json", Version: "1.0.0"}, 0)
	all := []int64{1, 2, 3, 4}
	one := feed{
		"bash": advisoryOf("CVE-2026-0001", "Debian:12", "bash", "2"), "openssl": advisoryOf("CVE-2026-0002", "Debian:12", "openssl", "1"),
		"json": advisoryOf("CVE-2026-0003", "NuGet", "newtonsoft.json", "1.0.0"),
	}
	two := feed{"x": advisoryOf("CVE-2020-0001", "PyPI", "x", "1")}
	publishFeed(t, s.advisories, "one", one)
	publishFeed(t, s.advisories, "two", two)
	step := func(what string, want []int64) {
		t.Helper()
		if diff := cmp.Diff(want, s.rematch(t)); diff != "" {
			t.Errorf("%s: packages judged (-want +got):\n%s", what, diff)
		}
	}
	step("the first rematch", all)
	step("nothing new", nil)

	one["openssl"] = advisoryOf("CVE-2026-0002", "Debian:12", "openssl", "2")
	publishFeed(t, s.advisories, "one", one)
	step("a source package", []int64{2})
	one["json"] = advisoryOf("CVE-2026-0003", "NuGet", "newtonsoft.JSON", "2.0.0")
	publishFeed(t, s.advisories, "one", one)
	step("a name in another form", []int64{4})
	two["bash"] = advisoryOf("CVE-2026-0001", "PyPI", "in-no-image", "9", plimsoll.Rating{Type: "CVSS_V2", Value: "AV:N/AC:L/Au:N/C:P/I:P/A:P"})
	publishFeed(t, s.advisories, "two", two)
	step("the rating of a CVE", []int64{1})
	delete(one, "openssl")
	two["y"] = advisoryOf("CVE-2020-0002", "PyPI", "y", "1")
	publishFeed(t, s.advisories, "one", one)
	publishFeed(t, s.advisories, "two", two)
	step("two imports, one withdraws", []int64{2})
	two["y"] = advisoryOf("CVE-2020-0002", "PyPI", "y", "2")
	publishFeed(t, s.advisories, "two", two)
	step("no stored package", nil)
	one["new"] = advisoryOf("CVE-2026-0004", "Debian:13", "bash", "2")
	publishFeed(t, s.advisories, "one", one)
	step("a release that had no records", all)

	for image, want := range [][]string{{"CVE-2026-0001 high"}, {}, {}, {"CVE-2026-0003 unknown"}} {
		if diff := cmp.Diff(want, s.findings(t, image+1)); diff != "" {
			t.Errorf("image %d (-want +got):\n%s", image+1, diff)
		}
	}
}

// TestSetsStoredMeanwhileAreJudged: a scan that judged by the old revision stores its set after
// the rematch has passed the last package.
func TestSetsStoredMeanwhileAreJudged(t *testing.T) {
	s := newPackageSite(t)
	s.addImage(t, debian("bash", ""), 0)
	one := feed{"a": advisoryOf("CVE-2026-0001", "Debian:12", "bash", "2")}
	publishFeed(t, s.advisories, "one", one)
	for i, name := range []string{"zlib", "curl"} { // the first rematch judges all packages, the second few
		one[name] = advisoryOf("CVE-2026-0002", "Debian:12", name, "2")
		old, err := s.advisories.Revision(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		publishFeed(t, s.advisories, "one", one)
		s.store.beforeFinish = func() { s.addImage(t, debian(name, ""), old) }
		s.rematch(t)
		if s.store.beforeFinish != nil {
			t.Fatal("the rematch never ended")
		}
		if diff := cmp.Diff([]string{"CVE-2026-0002 unknown"}, s.findings(t, i+2)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestReplacedAdvisoryDatabase: the revisions of a new database begin at 1 again.
func TestReplacedAdvisoryDatabase(t *testing.T) {
	s := newPackageSite(t)
	s.addImage(t, debian("bash", ""), 0)
	for i := range 3 {
		publishFeed(t, s.advisories, "one", feed{"a": advisoryOf("CVE-2026-0001", "Debian:12", "bash", fmt.Sprint(i+2))})
	}
	s.rematch(t)
	s.replaceAdvisories(t)
	publishFeed(t, s.advisories, "one", feed{"a": advisoryOf("CVE-2026-0009", "Debian:12", "bash", "2")})
	if due, err := s.rematcher(s.store).Due(t.Context()); !due || err != nil {
		t.Fatalf("no rematch is due, %v", err)
	}
	s.rematch(t)
	if diff := cmp.Diff([]string{"CVE-2026-0009 unknown"}, s.findings(t, 1)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// countedTasks counts the tasks that are created.
type countedTasks struct {
	*store.Store
	work []plimsoll.Work
}

func (c *countedTasks) CreateTask(ctx context.Context, t *plimsoll.Task, work []plimsoll.Work) error {
	c.work = append(c.work, work...)
	return c.Store.CreateTask(ctx, t, work)
}

// TestRequestOnlyWhenDue: a task is created only while the stored judgement is not current.
func TestRequestOnlyWhenDue(t *testing.T) {
	s := newPackageSite(t)
	tasks := &countedTasks{Store: s.inventory}
	request := func(what string, want int) {
		t.Helper()
		tasks.work = nil
		if err := s.rematcher(s.store).Request(t.Context(), tasks, "test"); err != nil {
			t.Fatal(err)
		}
		if len(tasks.work) != want || (want > 0 && tasks.work[0].Kind != plimsoll.WorkRematch) {
			t.Errorf("%s: %+v", what, tasks.work)
		}
	}
	request("no advisories", 0)
	publishFeed(t, s.advisories, "one", feed{"a": advisoryOf("CVE-2026-0001", "Debian:12", "bash", "2")})
	request("first advisories", 1)
	s.rematch(t)
	request("current", 0)
	s.addImage(t, debian("bash", ""), 0)
	request("a set behind", 1)
	s.rematch(t)
	request("current again", 0)
}
