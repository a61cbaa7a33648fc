package rematch_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"plimsoll"
)

var packageNames = []string{"bash", "curl", "dash", "zlib"}

func setOf(kind plimsoll.SetKind, names ...string) plimsoll.PackageSet {
	var packages []plimsoll.Package
	for _, n := range names {
		packages = append(packages, debian(n, ""))
	}
	return plimsoll.NewPackageSet(kind, packages)
}

// drawFeed draws records about some packages; two feeds may contain different records of one CVE.
func drawFeed(t *rapid.T) feed {
	f := feed{}
	for i := range rapid.IntRange(0, 5).Draw(t, "records") {
		cve := fmt.Sprintf("CVE-2026-%04d", rapid.IntRange(1, 4).Draw(t, "cve"))
		name := rapid.SampledFrom(packageNames).Draw(t, "package")
		fixed := rapid.SampledFrom([]string{"0.5", "1.1", "2"}).Draw(t, "fixed")
		var ratings []plimsoll.Rating
		if rapid.Bool().Draw(t, "rated") {
			ratings = []plimsoll.Rating{{Type: "CVSS_V2", Value: rapid.SampledFrom([]string{"AV:N/AC:L/Au:N/C:P/I:P/A:P", "AV:L/AC:H/Au:N/C:P/I:N/A:N"}).Draw(t, "rating")}}
		}
		f[fmt.Sprint(i)] = advisoryOf(cve, "Debian:12", name, fixed, ratings...)
	}
	return f
}

// TestOrderDoesNotMatter: imports, scans and rematches in any order end in the same state.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var steps []func(*site)
		for i := range 3 {
			f := drawFeed(t)
			steps = append(steps, func(s *site) { publishFeed(t, s.advisories, fmt.Sprint("feed ", i), f) })
		}
		for i := range 3 {
			var sets []plimsoll.PackageSet
			for _, kind := range []plimsoll.SetKind{plimsoll.SetOS, plimsoll.SetLanguage} {
				sets = append(sets, setOf(kind, rapid.SliceOfNDistinct(rapid.SampledFrom(packageNames), 1, 3, rapid.ID[string]).Draw(t, "set")...))
			}
			steps = append(steps, func(s *site) { s.scan(t, fmt.Sprint("image ", i), sets...) })
		}
		for range 2 {
			steps = append(steps, func(s *site) { s.rematch(t) })
		}
		var want []string
		for range 2 {
			s := openSite(t, rapidDir(t))
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

// TestWithdrawnAndBack: a record that is withdrawn and comes back leaves the same findings, and
// a gap in the history.
func TestWithdrawnAndBack(t *testing.T) {
	s := newSite(t)
	f := feed{"a": advisoryOf("CVE-2026-0001", "Debian:12", "bash", "2"), "b": advisoryOf("CVE-2026-0002", "Debian:12", "curl", "2")}
	publishFeed(t, s.advisories, "feed", f)
	s.scan(t, "one", setOf(plimsoll.SetOS, "bash", "curl"))
	s.rematch(t)
	before := s.state(t)
	less := feed{"a": f["a"]}
	publishFeed(t, s.advisories, "feed", less)
	s.rematch(t)
	if cmp.Equal(before, s.state(t)) {
		t.Fatal("the withdrawal changed nothing")
	}
	publishFeed(t, s.advisories, "feed", f)
	s.rematch(t)
	if diff := cmp.Diff(before, s.state(t)); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
	history, err := s.inventory.ImageHistory(t.Context(), s.image(t, "one"), plimsoll.HistoryFilter{Vulnerability: "CVE-2026-0002"})
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
