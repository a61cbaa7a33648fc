package match

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestVersionOrder compares the ecosystems' own test cases.
func TestVersionOrder(t *testing.T) {
	dir := filepath.Join("..", "..", "shared", "data", "versions")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the shared test material is absent: %v", err)
		}
		t.Skipf("the shared test material is absent: %v", err)
	}
	for file, base := range map[string]string{
		"alpine-versions.txt": "Alpine", "alpine-versions-generated.txt": "Alpine",
		"debian-versions.txt": "Debian", "debian-versions-generated.txt": "Ubuntu",
	} {
		s, _ := schemeOf(base)
		compared := 0
		f, err := os.Open(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for in := bufio.NewScanner(f); in.Scan(); {
			fields := strings.Fields(in.Text())
			if len(fields) != 3 || strings.HasPrefix(in.Text(), "#") || numberless[in.Text()] {
				continue
			}
			compared++
			compareLine(t, s, fields[0], fields[1], fields[2])
		}
		if compared == 0 {
			t.Errorf("%s: no line was compared", file)
		}
		t.Logf("%s: %d lines", file, compared)
	}
}

// numberless are the lines that we leave unordered on purpose: apk orders versions
// without any number, but no package has one, and "latest" must not pass for a version.
var numberless = map[string]bool{"a < b": true, "c > b": true, "c = c": true}

func compareLine(t *testing.T, s scheme, a, op, b string) {
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
	if got, err := x.order(y); got != want || err != nil {
		t.Errorf("%s %s %s: got %d, %v", a, op, b, got, err)
	}
	if got, err := y.order(x); got != -want || err != nil {
		t.Errorf("%s %s %s, reversed: got %d, %v", a, op, b, got, err)
	}
}

func TestVersionsWithoutOrder(t *testing.T) {
	long := strings.Repeat("9", maxVersion+1)
	for base, versions := range map[string][]string{
		"Alpine": {"", "latest", "-r1", "unknown", ".", "1.2 3", "1.2\x00", "1/2", long},
		"Debian": {"", "x:1.0", ":1.0", "1:", "unknown", "1.0 beta", "1_0", "1.0é", "-1:2", long},
	} {
		s, _ := schemeOf(base)
		for _, v := range versions {
			if _, err := s.version(v); err == nil {
				t.Errorf("%s: %q was ordered", base, v)
			}
		}
	}
}

func TestReleases(t *testing.T) {
	for _, c := range []struct{ base, a, b string }{
		{"Debian", "12", "12"}, {"Alpine", "v3.20", "v3.20"}, {"Alpine", "v3.20.3", "v3.20"}, {"Alpine", "edge", "edge"},
		{"Ubuntu", "22.04:LTS", "22.04"}, {"Ubuntu", "24.10", "24.10"},
	} {
		s, _ := schemeOf(c.base)
		x, ok := s.release(c.a)
		y, also := s.release(c.b)
		if !ok || !also || x != y {
			t.Errorf("%s: %q and %q are %q, %v and %q, %v", c.base, c.a, c.b, x, ok, y, also)
		}
	}
	for base, suffixes := range map[string][]string{
		"Ubuntu": {"", "Pro:22.04:LTS", "Pro:FIPS:22.04:LTS", "Pro:FIPS-updates:22.04:LTS", "Pro:Realtime:22.04:LTS", "22.04:LTS:for:NVIDIA:BlueField"},
		"Debian": {"", "sid", "12:x"}, "Alpine": {"", "3.20", "vv3"},
	} {
		s, _ := schemeOf(base)
		for _, suffix := range suffixes {
			if r, ok := s.release(suffix); ok {
				t.Errorf("%s: %q is release %q of a plain image", base, suffix, r)
			}
		}
	}
}
