package plimsoll_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

func TestPURL(t *testing.T) {
	for in, want := range map[string]plimsoll.PURL{
		"pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12": {Type: "deb", Namespace: "debian", Name: "libssl3", Version: "3.0.11-1~deb12u2", Qualifiers: map[string]string{"arch": "amd64", "distro": "debian-12"}},
		"pkg:npm/%40scope/name@1.0.0":                                         {Type: "npm", Namespace: "@scope", Name: "name", Version: "1.0.0"},
		"pkg:npm/@scope/name":                                                 {Type: "npm", Namespace: "@scope", Name: "name"},
		"pkg:PyPI/Some_Name@1":                                                {Type: "pypi", Name: "some-name", Version: "1"},
		"pkg:golang/github.com/A/b@v1.0.0#sub/path":                           {Type: "golang", Namespace: "github.com/A", Name: "b", Version: "v1.0.0"},
		"pkg://oci/App@sha256%3Aab?tag=":                                      {Type: "oci", Name: "app", Version: "sha256:ab"},
		"pkg:rpm/fedora/a@1%2B2?Epoch=1":                                      {Type: "rpm", Namespace: "fedora", Name: "a", Version: "1+2", Qualifiers: map[string]string{"epoch": "1"}},
	} {
		got, err := plimsoll.ParsePURL(in)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", in, err, diff)
		}
		again, err := plimsoll.ParsePURL(got.String())
		if diff := cmp.Diff(got, again); err != nil || diff != "" {
			t.Errorf("%s, written as %s: %v %s", in, got, err, diff)
		}
	}
	for _, in := range []string{"", "npm/a", "pkg:", "pkg:npm", "pkg:npm/", "pkg:npm//", "pkg:npm/a%zz", "pkg:npm/a//b", "pkg:/a", "pkg:npm/a%00", "pkg:npm/a%ff", "pkg:npm/a?x=%0a"} {
		if got, err := plimsoll.ParsePURL(in); plimsoll.ErrorCode(err) != plimsoll.Invalid {
			t.Errorf("%q: %+v, %v", in, got, err)
		}
	}
}

func TestPackageCalled(t *testing.T) {
	libssl := plimsoll.Package{Name: "libssl3", Version: "3.0.11-1", Source: "openssl", SourceVersion: "3.0.11", Arch: "amd64", PURL: "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12"}
	scoped := plimsoll.Package{Name: "@a/b", Version: "1.0.0", PURL: "pkg:npm/%40a/b@1.0.0"}
	for _, test := range []struct {
		pkg   plimsoll.Package
		scope string
		want  bool
	}{
		{libssl, "libssl3", true}, {libssl, "libssl3@3.0.11-1", true}, {libssl, "libssl3@3", false}, {libssl, "libssl", false},
		{libssl, "openssl", true}, {libssl, "openssl@3.0.11", true}, {libssl, "openssl@3.0.11-1", false},
		{libssl, "pkg:deb/debian/libssl3", true}, {libssl, "pkg:deb/debian/libssl3@3.0.11-1", true}, {libssl, "pkg:deb/debian/libssl3@3", false},
		{libssl, "pkg:deb/ubuntu/libssl3", false}, {libssl, "pkg:rpm/debian/libssl3", false}, {libssl, "pkg:deb/libssl3", false},
		{libssl, "pkg:deb/debian/libssl3?arch=arm64", false}, {libssl, "pkg:deb/debian/libssl3?distro=debian-11", false}, {libssl, "pkg:deb/debian/libssl3?epoch=1", true},
		{libssl, "pkg:deb/debian/openssl", false}, {libssl, "pkg:deb/debian/openssl?arch=source", true}, {libssl, "pkg:deb/debian/openssl@3.0.11?arch=source", true},
		{libssl, "pkg:deb/debian/openssl@3?arch=source", false}, {libssl, "pkg:bad", false},
		{scoped, "@a/b", true}, {scoped, "@a/b@1.0.0", true}, {scoped, "pkg:npm/@a/b@1.0.0", true}, {scoped, "pkg:npm/b@1.0.0", false},
		{plimsoll.Package{Name: "x"}, "pkg:npm/x", false},
	} {
		if got := test.pkg.Called(test.scope); got != test.want {
			t.Errorf("%s called %s: %v", test.pkg.Name, test.scope, got)
		}
	}
}

// FuzzPURL holds that what is read is written so that it reads the same.
func FuzzPURL(f *testing.F) {
	for _, seed := range []string{"pkg:deb/debian/a@1?arch=amd64", "pkg:npm/%40a/b@1", "pkg:oci/a@sha256%3Aab?repository_url=h/a", "pkg:a/b?c=d&e=f#g", "pkg:a/@@/b@@"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := plimsoll.ParsePURL(s)
		if err != nil || len(p.String()) > 4096 {
			return
		}
		again, err := plimsoll.ParsePURL(p.String())
		if diff := cmp.Diff(p, again); err != nil || diff != "" {
			t.Fatalf("%q, written as %q: %v %s", s, p, err, diff)
		}
	})
}
