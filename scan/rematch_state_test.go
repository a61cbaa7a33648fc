package scan_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"plimsoll"
	"plimsoll/match"
	"plimsoll/scan"
	"plimsoll/store"
	"plimsoll/store/advisories"
	"plimsoll/store/sqldb"
	"plimsoll/store/sqlite"
	"plimsoll/store/storetest"
)

var shedTenant = plimsoll.Tenant{ProjectID: "p", EnterpriseProject: "0"}

// shed is both databases in a folder, and images that hold package sets.
type shed struct {
	dir        string
	inventory  *store.Store
	advisories *advisories.Store
	registry   plimsoll.Registry
}

func openShed(t tester, dir string) *shed {
	t.Helper()
	s := &shed{dir: dir}
	var err error
	if s.inventory, err = sqlite.Inventory(t.Context(), filepath.Join(dir, "plimsoll.db")); err != nil {
		t.Fatal(err)
	}
	if s.advisories, err = sqlite.Advisories(t.Context(), filepath.Join(dir, "advisories.db")); err != nil {
		t.Fatal(err)
	}
	s.registry = plimsoll.Registry{Tenant: plimsoll.Tenant{ProjectID: "p", EnterpriseProject: "0"}, Name: "hub", URL: "https://hub.example", Kind: plimsoll.RegistryOther}
	err = s.inventory.AddRegistry(t.Context(), &s.registry)
	if plimsoll.ErrorCode(err) == plimsoll.Conflict {
		s.registry, err = s.inventory.RegistryByName(t.Context(), "p", "hub")
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newShed(t *testing.T) *shed {
	t.Helper()
	s := openShed(t, t.TempDir())
	t.Cleanup(s.close)
	return s
}

func (s *shed) close() {
	s.inventory.Close()
	s.advisories.Close()
}

// scan stores an image that holds sets, judged as a scan judges: by the advisories of now.
func (s *shed) scan(t tester, word string, sets ...plimsoll.PackageSet) {
	t.Helper()
	a := storetest.Artifact(word)
	c := plimsoll.RepositoryChange{Repository: "team/app", Artifacts: []plimsoll.Artifact{a}, Tags: []plimsoll.TagSeen{{Tag: word, Digest: a.Digest}}}
	if err := s.inventory.ApplySync(t.Context(), s.registry, c, nil); err != nil {
		t.Fatal(err)
	}
	r := plimsoll.ScanRecord{Tenant: shedTenant, Digest: a.Digest, Matcher: match.Version, Sets: []plimsoll.PlacedSet{}}
	for _, set := range sets {
		e, err := s.advisories.Evidence(t.Context(), match.Keys(set.Packages))
		if err != nil {
			t.Fatal(err)
		}
		r.Sets, r.Judgements = append(r.Sets, plimsoll.PlacedSet{PackageSet: set}), append(r.Judgements, match.Judge(set.Packages, e))
	}
	if _, err := s.inventory.SaveScan(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func (s *shed) rematcher(over scan.RematchStore) *scan.Rematcher {
	return &scan.Rematcher{Store: over, Advisories: s.advisories, Logger: slog.New(slog.DiscardHandler)}
}

func (s *shed) rematch(t tester) {
	t.Helper()
	if err := s.rematcher(s.inventory).Work(t.Context(), plimsoll.Work{}); err != nil {
		t.Fatal(err)
	}
}

// state is what is true now, without the numbers of rematches: findings by set, and what
// images show.
func (s *shed) state(t tester) []string {
	t.Helper()
	var out []string
	for _, query := range []string{
		`SELECT 'finding', ps.hash, p.ecosystem || ' ' || p.name || ' ' || p.version, v.hash FROM set_vulnerability s
			JOIN package_set ps ON ps.id = s.set_id JOIN package p ON p.id = s.package_id JOIN verdict v ON v.id = s.verdict_id
			WHERE s.to_revision IS NULL`,
		`SELECT 'image', tag, digest, COALESCE(vulnerabilities, -1) FROM image`,
		`SELECT 'not judged', ps.hash, p.name, n.reason FROM set_not_judged n JOIN package_set ps ON ps.id = n.set_id JOIN package p ON p.id = n.package_id`,
		`SELECT 'left to do', '', '', COUNT(*) FROM (SELECT set_id FROM set_behind UNION ALL SELECT set_id FROM set_recount UNION ALL SELECT artifact_id FROM artifact_recount)`,
	} {
		rows, err := s.inventory.DB().Reader.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var cells [4]string
			if err := rows.Scan(&cells[0], &cells[1], &cells[2], &cells[3]); err != nil {
				t.Fatal(err)
			}
			out = append(out, fmt.Sprint(cells))
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(out)
	return out
}

// wantConsistent holds that each image's count is the length of its list, whoever writes meanwhile.
func (s *shed) wantConsistent(ctx context.Context, when string) error {
	page, err := s.inventory.Images(ctx, plimsoll.ImageFilter{ProjectID: "p"})
	if err != nil {
		return err
	}
	for _, img := range page.Items {
		list, err := s.inventory.ImageVulnerabilities(ctx, img, plimsoll.VulnerabilityFilter{})
		if err != nil {
			return err
		}
		after, err := s.inventory.Image(ctx, "p", nil, img.ID)
		if err != nil {
			return err
		}
		if img.Counts == nil || after.Counts == nil || *img.Counts != *after.Counts {
			continue // it passed to the new judgement in between
		}
		ids := map[string]bool{}
		for _, v := range list.Items {
			ids[v.ID] = true
		}
		if len(ids) != img.Counts.Vulnerabilities {
			return fmt.Errorf("%s: image %s counts %d and lists %d", when, img.Tag, img.Counts.Vulnerabilities, len(ids))
		}
	}
	return nil
}

var shedPackages = []string{"bash", "curl", "dash", "zlib"}

func setOf(kind plimsoll.SetKind, names ...string) plimsoll.PackageSet {
	var packages []plimsoll.Package
	for _, n := range names {
		packages = append(packages, debian(n, ""))
	}
	return plimsoll.NewPackageSet(kind, packages)
}

// drawFeed draws records about some packages; two feeds may say different things of one CVE.
func drawFeed(t *rapid.T) feed {
	f := feed{}
	for i := range rapid.IntRange(0, 5).Draw(t, "records") {
		cve := fmt.Sprintf("CVE-2026-%04d", rapid.IntRange(1, 4).Draw(t, "cve"))
		name := rapid.SampledFrom(shedPackages).Draw(t, "package")
		fixed := rapid.SampledFrom([]string{"0.5", "1.1", "2"}).Draw(t, "fixed")
		var ratings []plimsoll.Rating
		if rapid.Bool().Draw(t, "rated") {
			ratings = []plimsoll.Rating{{Type: "CVSS_V2", Value: rapid.SampledFrom([]string{"AV:N/AC:L/Au:N/C:P/I:P/A:P", "AV:L/AC:H/Au:N/C:P/I:N/A:N"}).Draw(t, "rating")}}
		}
		f[fmt.Sprint(i)] = says(cve, "Debian:12", name, fixed, ratings...)
	}
	return f
}

// TestOrderDoesNotMatter: imports, scans and rematches in any order end in the same state.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var steps []func(*shed)
		for i := range 3 {
			f := drawFeed(t)
			steps = append(steps, func(s *shed) { publish(t, s.advisories, fmt.Sprint("feed ", i), f) })
		}
		for i := range 3 {
			var sets []plimsoll.PackageSet
			for _, kind := range []plimsoll.SetKind{plimsoll.SetOS, plimsoll.SetLanguage} {
				sets = append(sets, setOf(kind, rapid.SliceOfNDistinct(rapid.SampledFrom(shedPackages), 1, 3, rapid.ID[string]).Draw(t, "set")...))
			}
			steps = append(steps, func(s *shed) { s.scan(t, fmt.Sprint("image ", i), sets...) })
		}
		for range 2 {
			steps = append(steps, func(s *shed) { s.rematch(t) })
		}
		var want []string
		for range 2 {
			s := openShed(t, rapidDir(t))
			for _, at := range rapid.Permutation(steps).Draw(t, "order") {
				at(s)
			}
			s.rematch(t)
			if err := s.wantConsistent(t.Context(), "at the end"); err != nil {
				t.Fatal(err)
			}
			got := s.state(t)
			s.close()
			if want == nil {
				want = got
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("the order matters:\n%s", diff)
			}
		}
	})
}

func rapidDir(t *rapid.T) string {
	dir, err := os.MkdirTemp("", "rematch-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestWithdrawnAndBack: a record that goes and comes back leaves what is true as it was, and
// a gap in the history.
func TestWithdrawnAndBack(t *testing.T) {
	s := newShed(t)
	f := feed{"a": says("CVE-2026-0001", "Debian:12", "bash", "2"), "b": says("CVE-2026-0002", "Debian:12", "curl", "2")}
	publish(t, s.advisories, "feed", f)
	s.scan(t, "one", setOf(plimsoll.SetOS, "bash", "curl"))
	s.rematch(t)
	before := s.state(t)
	less := feed{"a": f["a"]}
	publish(t, s.advisories, "feed", less)
	s.rematch(t)
	if cmp.Equal(before, s.state(t)) {
		t.Fatal("the withdrawal changed nothing")
	}
	publish(t, s.advisories, "feed", f)
	s.rematch(t)
	if diff := cmp.Diff(before, s.state(t)); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
	img, err := s.inventory.FindImage(t.Context(), plimsoll.ImageLookup{ProjectID: "p", Ref: plimsoll.ImageRef{Tag: "one"}})
	if err != nil {
		t.Fatal(err)
	}
	history, err := s.inventory.ImageHistory(t.Context(), img, plimsoll.HistoryFilter{Vulnerability: "CVE-2026-0002"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range history.Items {
		got = append(got, fmt.Sprint(e.Kind, " ", e.Reason, " ", e.Revision))
	}
	if diff := cmp.Diff([]string{"appeared new_advisory 3", "resolved withdrawn 2", "appeared first_seen 0"}, got); diff != "" {
		t.Errorf("history (-want +got)\n%s", diff)
	}
}

// changingShed has two images that share a set, judged by an old revision, and advisories
// that add, change and withdraw.
func changingShed(t *testing.T) *shed {
	t.Helper()
	s := newShed(t)
	f := feed{"a": says("CVE-2026-0001", "Debian:12", "bash", "2"), "b": says("CVE-2026-0002", "Debian:12", "curl", "2"), "c": says("CVE-2026-0003", "Debian:12", "zlib", "2")}
	publish(t, s.advisories, "feed", f)
	s.scan(t, "one", setOf(plimsoll.SetOS, "bash", "curl"), setOf(plimsoll.SetLanguage, "zlib"))
	s.scan(t, "two", setOf(plimsoll.SetOS, "bash", "curl"), setOf(plimsoll.SetLanguage, "dash", "zlib"))
	s.scan(t, "three", setOf(plimsoll.SetOS, "dash"))
	s.rematch(t)
	f["d"] = says("CVE-2026-0004", "Debian:12", "dash", "2")
	f["b"] = says("CVE-2026-0002", "Debian:12", "curl", "3")
	f["e"] = says("CVE-2026-0005", "Debian:12", "bash", "3")
	delete(f, "c")
	publish(t, s.advisories, "feed", f)
	return s
}

// cutter ends a context when a number of statements were run.
type cutter struct {
	sqldb.Dialect
	mu   sync.Mutex
	left int
	cut  context.CancelFunc
}

func (c *cutter) Rebind(query string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left == 0 {
		c.cut()
	}
	return c.Dialect.Rebind(query)
}

// TestRematchCutOffAtAnyStatement: whatever statement is the last that a rematch runs, counts
// and lists agree, and the next one ends in the same state.
func TestRematchCutOffAtAnyStatement(t *testing.T) {
	whole := changingShed(t)
	whole.rematch(t)
	want := whole.state(t)
	for n, cut := 1, true; cut; n += 2 + rand.IntN(4) {
		s := changingShed(t)
		ctx, stop := context.WithCancel(t.Context())
		dialect := s.inventory.DB().Dialect
		s.inventory.DB().Dialect = &cutter{Dialect: dialect, left: n, cut: stop}
		err := s.rematcher(s.inventory).Work(ctx, plimsoll.Work{})
		cut = ctx.Err() != nil
		stop()
		if cut != errors.Is(err, context.Canceled) && err != nil {
			t.Fatalf("cut off at statement %d: %v", n, err)
		}
		dir := s.dir
		s.close()
		s = openShed(t, dir)
		if err := s.wantConsistent(t.Context(), fmt.Sprint("cut off at statement ", n)); err != nil {
			t.Error(err)
		}
		if n%2 == 0 { // another process stores an image before it goes on
			s.scan(t, "three", setOf(plimsoll.SetOS, "dash"))
		}
		s.rematch(t)
		if diff := cmp.Diff(want, s.state(t)); diff != "" {
			t.Fatalf("cut off at statement %d (-want +got)\n%s", n, diff)
		}
		s.close()
		if n > 1000 {
			t.Fatal("a rematch of five packages runs more than 1,000 statements")
		}
	}
}

// TestRematchKilledAtAnyStatement is the same with a process that is killed: this test runs
// itself as that process.
func TestRematchKilledAtAnyStatement(t *testing.T) {
	const folder, statements = "PLIMSOLL_TEST_SHED", "PLIMSOLL_TEST_STATEMENTS"
	if dir := os.Getenv(folder); dir != "" {
		s := openShed(t, dir)
		n, err := strconv.Atoi(os.Getenv(statements))
		if err != nil {
			t.Fatal(err)
		}
		s.inventory.DB().Dialect = &cutter{Dialect: s.inventory.DB().Dialect, left: n, cut: func() { syscall.Kill(os.Getpid(), syscall.SIGKILL) }}
		s.rematch(t)
		return
	}
	whole := changingShed(t)
	whole.rematch(t)
	want := whole.state(t)
	for n, killed := 2+rand.IntN(8), true; killed; n += 5 + rand.IntN(8) {
		s := changingShed(t)
		s.close()
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRematchKilledAtAnyStatement$")
		child.Env = append(os.Environ(), folder+"="+s.dir, statements+"="+strconv.Itoa(n))
		out, err := child.CombinedOutput()
		if killed = err != nil; killed && child.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("the process that was to be killed: %v\n%s", err, out)
		}
		s = openShed(t, s.dir)
		if err := s.wantConsistent(t.Context(), fmt.Sprint("killed at statement ", n)); err != nil {
			t.Error(err)
		}
		s.rematch(t)
		if diff := cmp.Diff(want, s.state(t)); diff != "" {
			t.Fatalf("killed at statement %d (-want +got)\n%s", n, diff)
		}
		s.close()
	}
}

// looking reads between any two steps of a rematch.
type looking struct {
	*store.Store
	look func(step string)
}

func (l *looking) SaveChanges(ctx context.Context, r plimsoll.Rematch, c plimsoll.PackageChanges) (int, error) {
	l.look("before changes")
	n, err := l.Store.SaveChanges(ctx, r, c)
	l.look("after changes")
	return n, err
}

func (l *looking) RecountChanged(ctx context.Context, r plimsoll.Rematch) (int, error) {
	n, err := l.Store.RecountChanged(ctx, r)
	l.look("after counting")
	return n, err
}

func (l *looking) FinishRematch(ctx context.Context, r plimsoll.Rematch) (bool, error) {
	done, err := l.Store.FinishRematch(ctx, r)
	l.look("after the end")
	return done, err
}

// TestReadersSeeOneJudgement: while advisories change again and again, readers see of each
// image a count and a list of the same judgement.
func TestReadersSeeOneJudgement(t *testing.T) {
	s := newShed(t)
	for i := range 12 {
		s.scan(t, fmt.Sprint("image-", i), setOf(plimsoll.SetOS, shedPackages[i%4], shedPackages[(i+1)%4]), setOf(plimsoll.SetLanguage, shedPackages[i%3]))
	}
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for ctx.Err() == nil {
				if err := s.wantConsistent(ctx, "beside"); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	looked := 0
	over := &looking{Store: s.inventory, look: func(step string) {
		looked++
		if err := s.wantConsistent(t.Context(), step); err != nil {
			t.Error(err)
		}
	}}
	for i := range 8 {
		f := feed{}
		for k, name := range shedPackages {
			if (i+k)%3 > 0 {
				f[name] = says(fmt.Sprintf("CVE-2026-%04d", i%2+k), "Debian:12", name, "2")
			}
		}
		publish(t, s.advisories, "feed", f)
		if err := s.rematcher(over).Work(t.Context(), plimsoll.Work{}); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	readers.Wait()
	if looked < 8*4 {
		t.Fatalf("only %d looks between steps", looked)
	}
}
