package app

import (
	"strings"
	"testing"
)

func TestSplitReference(t *testing.T) {
	digest := "sha256:" + strings.Repeat("a", 64)
	for in, want := range map[string][3]string{
		"r.example/web":                 {"r.example", "web", "latest"},
		"r.example:5000/team/web:1.4.0": {"r.example:5000", "team/web", "1.4.0"},
		"localhost/web:1":               {"localhost", "web", "1"},
		"[::1]:5000/web":                {"[::1]:5000", "web", "latest"},
		"r.example/team/web@" + digest:  {"r.example", "team/web", digest},
		"r.example/web:1@" + digest:     {"r.example", "web", digest},
		"web":                           {},
		"team/web:1":                    {},
		"r.example/web@sha256:12":       {},
		"u:p@r.example/web":             {},
		"r.example/":                    {},
		"r.example/web:":                {},
		"r.example?x=/web":              {},
	} {
		host, repository, reference, err := splitReference(in)
		if got := [3]string{host, repository, reference}; (err == nil) != (want[0] != "") || (err == nil && got != want) {
			t.Errorf("%s: %q, %v", in, got, err)
		}
	}
}

func FuzzSplitReference(f *testing.F) {
	for _, seed := range []string{"r.example:5000/team/web:1.4.0", "r.example/web@sha256:12", "[::1]:5000/web", "localhost/web:1@", "//@:"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, ref string) {
		host, repository, reference, err := splitReference(ref)
		if err == nil && (host == "" || repository == "" || reference == "" || !strings.HasPrefix(ref, host+"/"+repository)) {
			t.Errorf("%q: %q, %q, %q", ref, host, repository, reference)
		}
	})
}
