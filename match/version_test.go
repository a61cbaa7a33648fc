package match

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/osv-scalibr/semantic"
)

// TestVersionOrder compares the ecosystems' own test cases: every line must hold.
func TestVersionOrder(t *testing.T) {
	dir := filepath.Join("..", "..", "shared", "data", "versions")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the shared test material is absent: %v", err)
		}
		t.Skipf("the shared test material is absent: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatal("no files of versions", err)
	}
	for _, path := range files {
		about, _, _ := strings.Cut(filepath.Base(path), "-")
		bases := map[string][]string{
			"alpine": {"Alpine", "Alpaquita"}, "cran": {"CRAN"}, "debian": {"Debian", "Ubuntu"}, "hackage": {"Hackage"}, "maven": {"Maven"}, "nuget": {"NuGet"},
			"packagist": {"Packagist"}, "pub": {"Pub"}, "pypi": {"PyPI"}, "redhat": {"Red Hat", "AlmaLinux"}, "rpm": {"openEuler", "SUSE"},
			"rubygems": {"RubyGems"}, "semver": {"Go", "npm", "crates.io"},
		}[about]
		if len(bases) == 0 {
			t.Errorf("%s: whose versions are these?", path)
		}
		for _, base := range bases {
			t.Run(base+"/"+filepath.Base(path), func(t *testing.T) { compareFile(t, path, base) })
		}
	}
}

func compareFile(t *testing.T, path, base string) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, _ := schemeOf(base)
	compared := 0
	for in := bufio.NewScanner(f); in.Scan(); {
		line := in.Text()
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//") {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) != 3 {
			t.Errorf("%q is no comparison", line)
			continue
		}
		compared++
		if withheld[line] {
			compareWithheld(t, base, fields[0], fields[1], fields[2])
			continue
		}
		compareLine(t, s, fields[0], fields[1], fields[2])
	}
	if compared == 0 {
		t.Error("no line was compared")
	}
}

// withheld are the lines of which the order is right, and one side is nothing that a
// package is judged by, see docs/decisions/0006-version-order.md: it has no number, or is a branch.
var withheld = map[string]bool{
	"a < b": true, "c > b": true, "c = c": true, // apk

	"SNAPHSOT < 1.0-beta-1": true, "client_hc_no_vehicle < 2.0": true, "client_hc_no_vehicle < feature_1850_01": true,
	"profiles_01 < stable": true, "stable < 0.11.0": true, // Maven

	"dev-foo < 1.26.0": true, "1.26.0 > dev-foo": true, // Packagist

	"-class.-jw.util.version.Version- < 1.0.dev1": true, "trunk < 3.2.3": true,
	"-class.-jw.util.version.version-pre < 1.0": true, "-class.-jw.util.version.version-preview < 1.0": true,
	"-class.-jw.util.version.version-dev < 1.0": true, // PyPI
}

// compareWithheld checks that the library orders a and b, and that our parser refuses one of them.
func compareWithheld(t *testing.T, base, a, op, b string) {
	t.Helper()
	x, err := semantic.Parse(a, base)
	if err != nil {
		t.Fatal(err)
	}
	y, err := semantic.Parse(b, base)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"<": -1, "=": 0, ">": 1}[op]
	if got, err := (orderedVersion{x}).compare(orderedVersion{y}); got != want || err != nil {
		t.Errorf("%s %s %s: got %d, %v", a, op, b, got, err)
	}
	s, _ := schemeOf(base)
	_, errA := s.version(a)
	if _, errB := s.version(b); errA == nil && errB == nil {
		t.Errorf("%s %s %s: both sides are versions", a, op, b)
	}
}

func compareLine(t *testing.T, s ecosystemScheme, a, op, b string) {
	t.Helper()
	want := map[string]int{"<": -1, "=": 0, "==": 0, ">": 1}[op]
	x, err := s.version(a)
	if err != nil {
		t.Errorf("%s %s %s: %v", a, op, b, err)
		return
	}
	y, err := s.version(b)
	if err != nil {
		t.Errorf("%s %s %s: %v", a, op, b, err)
		return
	}
	if got, err := x.compare(y); got != want || err != nil {
		t.Errorf("%s %s %s: got %d, %v", a, op, b, got, err)
	}
	if got, err := y.compare(x); got != -want || err != nil {
		t.Errorf("%s %s %s, reversed: got %d, %v", a, op, b, got, err)
	}
}

func TestVersionsWithoutOrder(t *testing.T) {
	long := strings.Repeat("9", maxVersion+1)
	for base, versions := range map[string][]string{
		"Alpine":    {"", "latest", "-r1", "unknown", ".", "1.2 3", "1.2\x00", "1/2", long},
		"Debian":    {"", "x:1.0", ":1.0", "1:", "unknown", "1.0 beta", "1_0", "1.0é", "-1:2", long},
		"AlmaLinux": {"", "(none)", "1.0 2", ":", "-", "1\x00", "\xff", ">= 1", long},
		"Go":        {"", "(devel)", "v", "latest", "devel go1.22", "1.2.*", "^1.2", ">=1", "1.2 3", long},
		"npm":       {"", "latest", "*", "~1.2", "file:../x", "workspace:1", "1 || 2", long},
		"crates.io": {"", "*", "=1.2", long},
		"Bitnami":   {"", "latest", "nightly.2026-03-10.0", long},
		"PyPI":      {"", "unknown", "1.0 2", "==1.0", "1.*", "1,2", long},
		"Maven":     {"", "unspecified", "${project.version}", "[1.0,2.0)", "LATEST", "1 2", long},
		"NuGet":     {"", "[1.0]", "1.*", "x", long}, "RubyGems": {"", "v1", "~> 1.2", "beta", long}, "Pub": {"", "any", "^1.2", long},
		"Packagist": {"", "dev-main", "dev-1.0", "1.0 2", "vv1", long}, "CRAN": {"", "1.x", "a", long}, "Hackage": {"", "x", "1.a", long},
	} {
		s, _ := schemeOf(base)
		for _, v := range versions {
			if _, err := s.version(v); err == nil {
				t.Errorf("%s: %q was ordered", base, v)
			}
		}
	}
}
