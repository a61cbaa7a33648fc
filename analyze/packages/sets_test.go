package packages

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

func TestSets(t *testing.T) {
	npm := func(name string) plimsoll.Package {
		return plimsoll.Package{Ecosystem: "npm", Name: name, Version: "1", PURL: "pkg:npm/" + name + "@1"}
	}
	file := func(at int, path string, low bool, names ...string) LanguageFile {
		f := LanguageFile{Layer: at, PackageFile: plimsoll.PackageFile{Path: path, Format: plimsoll.FormatNPM, LowConfidence: low}}
		for _, name := range names {
			f.Packages = append(f.Packages, npm(name))
		}
		return f
	}
	got := Folded{
		Release:  &plimsoll.OSRelease{ID: "almalinux", VersionID: "9.2"},
		System:   []SystemPackage{{Package: plimsoll.Package{Name: "bash", Version: "5-1"}, Format: plimsoll.FormatRPM, Layer: 0, Path: "var/lib/rpm/rpmdb.sqlite"}},
		Language: []LanguageFile{file(1, "a", false, "x", "y"), file(1, "b/package-lock.json", true, "x"), file(3, "c", false, "x")},
	}.Sets(false)
	os := plimsoll.Package{Ecosystem: "AlmaLinux:9", Name: "bash", Version: "5-1", PURL: "pkg:rpm/almalinux/bash@5-1?distro=almalinux-9.2"}
	want := []plimsoll.PlacedSet{
		{PackageSet: plimsoll.NewPackageSet(plimsoll.SetOS, []plimsoll.Package{os}), Places: []plimsoll.Place{{Path: "var/lib/rpm/rpmdb.sqlite"}}},
		{PackageSet: plimsoll.NewPackageSet(plimsoll.SetLanguage, []plimsoll.Package{npm("x"), npm("y")}), Places: []plimsoll.Place{
			{Package: 0, Layer: 1, Path: "a"}, {Package: 1, Layer: 1, Path: "a"}}},
		{PackageSet: plimsoll.NewPackageSet(plimsoll.SetLanguage, []plimsoll.Package{npm("x")}), Places: []plimsoll.Place{{Layer: 3, Path: "c"}}},
		{PackageSet: plimsoll.NewPackageSet(plimsoll.SetDeclared, []plimsoll.Package{npm("x")}), Places: []plimsoll.Place{{Layer: 1, Path: "b/package-lock.json", Low: true}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := (Folded{}).Sets(false); got != nil {
		t.Errorf("%+v", got)
	}
}
