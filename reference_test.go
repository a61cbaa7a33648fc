package plimsoll_test

import (
	"strings"
	"testing"

	"plimsoll"
)

func TestParseReference(t *testing.T) {
	digest := "sha256:" + strings.Repeat("a", 64)
	for in, want := range map[string][3]string{
		"r.example/web":                 {"r.example", "web", "latest"},
		"r.example:5000/team/web:1.4.0": {"r.example:5000", "team/web", "1.4.0"},
		"R.Example/web:1":               {"R.Example", "web", "1"},
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
		"r.example/web:@" + digest:      {},
		"r.example?x=/web":              {},
		"r.example:99999/web":           {},
		"r.example/Web":                 {},
		"r.example/a/../b":              {},
		"r.example/web:-1":              {},
	} {
		r, err := plimsoll.ParseReference(in)
		if got := [3]string{r.Registry, r.Repository, r.TagOrDigest()}; (err == nil) != (want[0] != "") || (err == nil && got != want) {
			t.Errorf("%s: %q, %v", in, got, err)
		}
	}
}

func TestReferenceErrorsRepeatNoPassword(t *testing.T) {
	for _, in := range []string{
		"u:hunter2@r.example/web:1", "u:hun/ter2@r.example/web:1", "https://u:hunter2@r.example/web", "r.example/u:hunter2@web@sha256:12", "hunter2@r.example",
	} {
		_, err := plimsoll.ParseReference(in)
		if err == nil || strings.Contains(err.Error(), "ter2") {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func FuzzParseReference(f *testing.F) {
	for _, seed := range []string{"r.example:5000/team/web:1.4.0", "r.example/web@sha256:12", "[::1]:5000/web", "localhost/web:1@", "//@:"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, ref string) {
		r, err := plimsoll.ParseReference(ref)
		if err == nil && (r.Registry == "" || !plimsoll.ValidRepository(r.Repository) || r.TagOrDigest() == "" || !strings.HasPrefix(ref, r.Registry+"/"+r.Repository)) {
			t.Errorf("%q: %+v", ref, r)
		}
	})
}

func TestSplitTag(t *testing.T) {
	for in, want := range map[string][2]string{
		"team/web:1": {"team/web", "1"}, "web:": {"web", ""}, "web": {}, "r.example:5000/web": {},
	} {
		repository, tag, ok := plimsoll.SplitTag(in)
		if ok != (want[0] != "") || (ok && [2]string{repository, tag} != want) || (!ok && repository != in) {
			t.Errorf("%s: %q, %q, %v", in, repository, tag, ok)
		}
	}
}

func TestParseRegistryURL(t *testing.T) {
	for in, want := range map[string]string{
		"https://Registry.Test":      "https://registry.test",
		"HTTP://registry.test:5000/": "http://registry.test:5000",
		"http://[::1]:5000/":         "http://[::1]:5000",
		"registry.test":              "",
		"ftp://registry.test":        "",
		"https:registry.test":        "",
		"https://u:secret@r.test":    "",
		"https://registry.test/v2/":  "",
		"https://registry.test?":     "",
		"https://registry.test#a":    "",
		"https://:443":               "",
		"https://registry.test:0":    "",
		"https://registry.test:":     "",
	} {
		u, err := plimsoll.ParseRegistryURL(in)
		if (err == nil) != (want != "") || (err == nil && u.String() != want) {
			t.Errorf("%s: %v, %v", in, u, err)
		}
		if err != nil && (plimsoll.ErrorCode(err) != plimsoll.Invalid || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s: %v", in, err)
		}
	}
}
