package purl_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll/purl"
)

func TestPURL(t *testing.T) {
	for in, want := range map[string]purl.PackageURL{
		"pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12": {Type: "deb", Namespace: "debian", Name: "libssl3", Version: "3.0.11-1~deb12u2", Qualifiers: map[string]string{"arch": "amd64", "distro": "debian-12"}},
		"pkg:npm/%40scope/name@1.0.0":                                         {Type: "npm", Namespace: "@scope", Name: "name", Version: "1.0.0"},
		"pkg:npm/@scope/name":                                                 {Type: "npm", Namespace: "@scope", Name: "name"},
		"pkg:PyPI/Some_Name@1":                                                {Type: "pypi", Name: "some-name", Version: "1"},
		"pkg:golang/github.com/A/b@v1.0.0#sub/path":                           {Type: "golang", Namespace: "github.com/A", Name: "b", Version: "v1.0.0"},
		"pkg://oci/App@sha256%3Aab?tag=":                                      {Type: "oci", Name: "app", Version: "sha256:ab"},
		"pkg:rpm/fedora/a@1%2B2?Epoch=1":                                      {Type: "rpm", Namespace: "fedora", Name: "a", Version: "1+2", Qualifiers: map[string]string{"epoch": "1"}},
	} {
		got, err := purl.Parse(in)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", in, err, diff)
		}
		again, err := purl.Parse(got.String())
		if diff := cmp.Diff(got, again); err != nil || diff != "" {
			t.Errorf("%s, written as %s: %v %s", in, got, err, diff)
		}
	}
	for _, in := range []string{"", "npm/a", "pkg:", "pkg:npm", "pkg:npm/", "pkg:npm//", "pkg:npm/a%zz", "pkg:npm/a//b", "pkg:/a", "pkg:npm/a%00", "pkg:npm/a%ff", "pkg:npm/a?x=%0a"} {
		if got, err := purl.Parse(in); err == nil {
			t.Errorf("%q: %+v, %v", in, got, err)
		}
	}
}

// FuzzPURL checks that a parsed URL is written in a form that parses to the same value.
func FuzzPURL(f *testing.F) {
	for _, seed := range []string{"pkg:deb/debian/a@1?arch=amd64", "pkg:npm/%40a/b@1", "pkg:oci/a@sha256%3Aab?repository_url=h/a", "pkg:a/b?c=d&e=f#g", "pkg:a/@@/b@@"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := purl.Parse(s)
		if err != nil || len(p.String()) > 4096 {
			return
		}
		again, err := purl.Parse(p.String())
		if diff := cmp.Diff(p, again); err != nil || diff != "" {
			t.Fatalf("%q, written as %q: %v %s", s, p, err, diff)
		}
	})
}
