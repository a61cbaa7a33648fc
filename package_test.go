package plimsoll_test

import (
	"testing"

	"plimsoll"
)

func TestPackageMatchesScope(t *testing.T) {
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
		if got := test.pkg.MatchesScope(test.scope); got != test.want {
			t.Errorf("%s matches %s: %v", test.pkg.Name, test.scope, got)
		}
	}
}
