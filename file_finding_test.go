package plimsoll_test

import (
	"slices"
	"strings"
	"testing"

	"plimsoll"
)

func TestSecretProfile(t *testing.T) {
	for _, c := range []struct {
		path  string
		owned plimsoll.Ownership
		out   bool
	}{
		{"app/.env", plimsoll.OwnershipUnknown, false},
		{"usr/lib/x.so", plimsoll.OwnedByPackage, true},
		{"usr/lib/x.so", plimsoll.OwnedByNone, false},
		{"usr/lib/x.so", plimsoll.OwnershipUnknown, false},
		{"usr/local/app/.env", plimsoll.OwnedByNone, false},
		{"srv/node_modules/a/test/key.pem", plimsoll.OwnedByNone, true},
		{"srv/node_modules/a/README.md", plimsoll.OwnedByNone, true},
		{"srv/node_modules/a/apis/x.examples.json", plimsoll.OwnedByNone, true},
		{"srv/node_modules/a/.coveralls.yml", plimsoll.OwnedByNone, true},
		{"srv/.coveralls.yml", plimsoll.OwnedByNone, false},
		{"srv/apis/x.examples.json", plimsoll.OwnedByNone, false},
		{"srv/node_modules/a/index.js", plimsoll.OwnedByNone, false},
		{"srv/picture.PNG", plimsoll.OwnedByNone, false},
		{"var/libexec/a", plimsoll.OwnedByNone, false},
		{"image-config://env/usr", plimsoll.OwnedByPackage, false},
	} {
		s := plimsoll.Secret{Path: c.path, Size: 30 << 20, Owned: c.owned}
		if got := plimsoll.DefaultSecretProfile().Excludes(s); got != c.out {
			t.Errorf("%s of %q: left out by default: %v", c.path, c.owned, got)
		}
	}
	small := plimsoll.SecretProfile{MaxSize: 100}
	for size, out := range map[int64]bool{0: false, 100: false, 101: true} {
		if small.Excludes(plimsoll.Secret{Path: "a", Size: size}) != out {
			t.Errorf("a file of %d bytes is left out: %v", size, !out)
		}
	}
	for pattern, ok := range map[string]bool{"/usr/*": true, "*/a/*.md": true, "": false, "usr": false, "*": false, "/*": false, "/" + strings.Repeat("a", 300): false} {
		if err := plimsoll.ValidateSecretPaths([]string{pattern}); (err == nil) != ok {
			t.Errorf("pattern %.20q: %v", pattern, err)
		}
	}
	if plimsoll.ValidateSecretPaths(slices.Repeat([]string{"/a"}, plimsoll.MaxSecretPaths+1)) == nil {
		t.Error("too many patterns are taken")
	}
}

func TestMatchesPath(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"/usr/*", "/usr/", true}, {"/usr/*", "/usr", false}, {"*/a/*", "/x/a/b", true}, {"*/a/*", "/a", false}, {"/a*b*c", "/abc", true}, {"/a*b*c", "/acb", false},
		{"/ab*ba", "/aba", false}, {"/x", "/x", true}, {"/x", "/xy", false}, {"*", "", true}, {"*aa*aa*", "aaa", false}, {"*aa*aa*", "aaaa", true},
	} {
		if got := plimsoll.MatchesPath(c.pattern, c.path); got != c.want {
			t.Errorf("MatchesPath(%q, %q) = %v", c.pattern, c.path, got)
		}
	}
}

func TestSecretIDs(t *testing.T) {
	a := plimsoll.Secret{Path: "a", Layer: "b", Rule: "r", Line: 1}
	seen := map[string]bool{a.ID("x"): true}
	for _, s := range []plimsoll.Secret{{Path: "ab", Rule: "r", Line: 1}, {Path: "a", Layer: "b", Rule: "r1"}, {Path: "a", Layer: "b", Rule: "r", Line: 2}} {
		if id := s.ID("x"); seen[id] || len(id) != 32 {
			t.Errorf("%+v has the id %q", s, id)
		} else {
			seen[id] = true
		}
	}
	if b := a; a.ID("x") == a.ID("y") || b.ID("x") != a.ID("x") {
		t.Error("an id is not of its artifact")
	}
}
