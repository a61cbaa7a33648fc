package plimsoll_test

import (
	"slices"
	"strings"
	"testing"

	"plimsoll"
)

func TestSecretProfile(t *testing.T) {
	for _, c := range []struct {
		path         string
		size         int64
		owned, plain bool
	}{
		{"app/.env", 10, false, false},
		{"etc/debian.cnf", 10, true, true},
		{"usr/local/app/.env", 10, false, false},
		{"srv/node_modules/a/test/key.pem", 10, false, true},
		{"srv/node_modules/a/README.md", 10, false, true},
		{"srv/node_modules/a/index.js", 10, false, false},
		{"srv/picture.PNG", 10, false, false},
		{"srv/dump.sql", 30 << 20, false, false},
		{"var/libexec/a", 10, false, false},
		{"image-config://env/usr", -1, false, false},
	} {
		if got := plimsoll.DefaultSecretProfile().Excludes(c.path, c.size, c.owned); got != c.plain {
			t.Errorf("%s: left out by default: %v", c.path, got)
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
