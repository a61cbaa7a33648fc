package all

import (
	"encoding/json"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

const status = "var/lib/dpkg/status"

// foldCase is layers and the lines of their fold.
type foldCase struct {
	name   string
	layers []layerSpec
	want   []string
}

var foldsOfPackages = []foldCase{
	{"nothing", nil, nil},
	{"empty layers", []layerSpec{{}, {}}, nil},
	{"packages come from the layer since which they are there", []layerSpec{
		{status: map[string][]string{status: {"a", "b"}}},
		{status: map[string][]string{status: {"a", "b", "c"}}},
		{status: map[string][]string{status: {"a", "c"}}},
		{status: map[string][]string{status: {"a", "b", "c"}}},
	}, []string{"package a 0 " + status, "package b 3 " + status, "package c 1 " + status}},
	{"a database that was removed starts again", []layerSpec{
		{status: map[string][]string{status: {"a"}}},
		{whiteouts: []string{status}},
		{status: map[string][]string{status: {"a"}}},
	}, []string{"package a 2 " + status}},
	{"a removed database", []layerSpec{
		{status: map[string][]string{status: {"a"}}}, {whiteouts: []string{"var/lib"}},
	}, nil},
	{"the rpm database that was written last", []layerSpec{
		{status: map[string][]string{"var/lib/rpm/Packages": {"a", "b"}}},
		{status: map[string][]string{"usr/lib/sysimage/rpm/rpmdb.sqlite": {"a", "c"}}},
	}, []string{"package a 0 usr/lib/sysimage/rpm/rpmdb.sqlite", "package c 1 usr/lib/sysimage/rpm/rpmdb.sqlite"}},
	{"an rpm database behind a link", []layerSpec{
		{links: map[string]string{"var/lib/rpm": "../../usr/lib/sysimage/rpm"}, status: map[string][]string{"usr/lib/sysimage/rpm/rpmdb.sqlite": {"a"}}},
	}, []string{"package a 0 usr/lib/sysimage/rpm/rpmdb.sqlite"}},
	{"an older rpm database shows again", []layerSpec{
		{status: map[string][]string{"var/lib/rpm/Packages": {"a"}}},
		{status: map[string][]string{"var/lib/rpm/rpmdb.sqlite": {"b"}}},
		{whiteouts: []string{"var/lib/rpm/rpmdb.sqlite"}},
	}, []string{"package a 2 var/lib/rpm/Packages"}},
	{"distroless", []layerSpec{
		{status: map[string][]string{status + ".d/base": {"base"}, status + ".d/tz": {"tz"}}},
		{status: map[string][]string{status + ".d/tz": {"tz", "new"}}},
	}, []string{"package base 0 " + status + ".d/base", "package tz 0 " + status + ".d/tz", "package new 1 " + status + ".d/tz"}},
}

var foldsOfReleases = []foldCase{
	{"os-release of another layer through links", []layerSpec{
		{links: map[string]string{"etc/os-release": "../usr/lib/os-release", "usr/lib": "/data/lib"}},
		{releases: map[string]string{"data/lib/os-release": "debian"}},
	}, []string{"release debian data/lib/os-release", "failure packages data/lib/os-release"}},
	{"etc/os-release before usr/lib", []layerSpec{
		{releases: map[string]string{"etc/os-release": "a", "usr/lib/os-release": "b"}},
	}, []string{"release a etc/os-release", "failure packages etc/os-release"}},
	{"a dangling etc/os-release", []layerSpec{
		{links: map[string]string{"etc/os-release": "nowhere"}, releases: map[string]string{"usr/lib/os-release": "b"}},
	}, []string{"release b usr/lib/os-release", "failure packages usr/lib/os-release"}},
	{"a package database that an upper layer removed", []layerSpec{
		{releases: map[string]string{"etc/os-release": "debian"}, status: map[string][]string{status: {"a"}}},
		{whiteouts: []string{"var/lib/dpkg"}},
	}, []string{"release debian etc/os-release", "failure packages etc/os-release"}},
	{"an empty package database", []layerSpec{
		{releases: map[string]string{"etc/os-release": "debian"}, status: map[string][]string{status: {}}},
	}, []string{"release debian etc/os-release", "failure packages etc/os-release"}},
}

var foldsOfShapes = []foldCase{
	{"opaque directories hide lower layers only", []layerSpec{
		{status: map[string][]string{status: {"a"}}, malware: []string{"var/bad"}},
		{whiteouts: []string{"var/"}, malware: []string{"var/worse"}},
	}, []string{"shadowed var/bad", "malware var/worse"}},
	{"an opaque root", []layerSpec{
		{malware: []string{"a", "b/c"}}, {whiteouts: []string{"/"}, malware: []string{"b/d"}},
	}, []string{"shadowed a", "shadowed b/c", "malware b/d"}},
	{"a whiteout and a new file of the same name", []layerSpec{
		{malware: []string{"a"}}, {whiteouts: []string{"a"}, malware: []string{"a"}},
	}, []string{"shadowed a", "malware a"}},
	{"a file replaces a directory", []layerSpec{
		{malware: []string{"d/x"}}, {paths: []string{"d"}}, {paths: []string{"d/"}},
	}, []string{"shadowed d/x"}},
	{"a directory over a directory keeps what is inside", []layerSpec{
		{malware: []string{"d/x"}}, {paths: []string{"d/"}},
	}, []string{"malware d/x"}},
	{"parents through links of lower layers", []layerSpec{
		{links: map[string]string{"lib": "usr/lib"}, paths: []string{"usr/lib/"}, malware: []string{"usr/lib/x"}},
		{paths: []string{"lib/x"}, status: map[string][]string{"lib/apk/db/installed": {"p"}}},
	}, []string{"package p 1 usr/lib/apk/db/installed", "shadowed usr/lib/x"}},
	{"targets do not leave the root", []layerSpec{
		{links: map[string]string{"a": "../../../../b", "c/d": "/../../b"}, paths: []string{"b/"}},
		{malware: []string{"a/x", "c/d/y"}},
	}, []string{"malware b/x", "malware b/y"}},
	{"a loop", []layerSpec{
		{links: map[string]string{"a": "b", "b": "a", "etc/os-release": "os-release"}},
		{malware: []string{"a/x"}},
	}, []string{"shadowed a/x", "failure layer a/x", "failure packages etc/os-release"}},
	{"a link replaces a directory", []layerSpec{
		{malware: []string{"d/x"}, paths: []string{"e/"}},
		{links: map[string]string{"d": "e"}},
		{malware: []string{"d/y"}},
	}, []string{"shadowed d/x", "malware e/y"}},
	{"accounts and modes of the top", []layerSpec{
		{accounts: []string{"etc/passwd", "etc/shadow"}, setuid: []string{"bin/su", "bin/x"}},
		{accounts: []string{"etc/passwd"}, paths: []string{"bin/x"}},
	}, []string{"account 1 etc/passwd", "account 0 etc/shadow", "mode bin/su"}},
}

var foldsOfFailures = []foldCase{
	{"failures that are visible", []layerSpec{
		{failures: []string{"gone", status}}, {whiteouts: []string{"gone"}},
	}, []string{"failure packages " + status}},
	{"a failure of a replaced database does not matter", []layerSpec{
		{failures: []string{status}}, {status: map[string][]string{status: {"a"}}},
	}, []string{"package a 1 " + status}},
	{"files that no analyzer read", []layerSpec{
		{paths: []string{"etc/os-release", "etc/shadow", status}},
	}, []string{"failure packages etc/os-release", "failure packages " + status, "failure settings etc/shadow"}},
}

func TestFold(t *testing.T) {
	for _, test := range slices.Concat(foldsOfPackages, foldsOfReleases, foldsOfShapes, foldsOfFailures) {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, foldOf(t, test.layers...).lines()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFoldLanguage(t *testing.T) {
	pack := func(format plimsoll.PackageFormat, paths ...string) []plimsoll.LayerReport {
		reports := layerSpec{paths: paths}.reports(0)
		for _, path := range paths {
			reports[1].Packages = append(reports[1].Packages, plimsoll.PackageFile{Path: path, Format: format, Packages: []plimsoll.Package{{Name: path, Version: "1"}}})
		}
		return reports
	}
	f, err := foldAll([][]plimsoll.LayerReport{
		pack(plimsoll.FormatNPM, "a/kept", "a/replaced", "a/removed", "lib/x"),
		pack(plimsoll.FormatPacman, "var/lib/pacman/local/bash-1/desc"),
		pack(plimsoll.FormatGem, "b/gem", "a/replaced"),
		layerSpec{whiteouts: []string{"a/removed"}, paths: []string{"b/gem"}}.reports(3),
	}, plimsoll.DefaultBudget())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, file := range f.packages.Language {
		got = append(got, strconv.Itoa(file.Layer)+" "+string(file.Format)+" "+file.Path)
	}
	want := []string{"0 npm a/kept", "0 npm lib/x", "2 gem a/replaced"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if p := f.packages.System; len(p) != 1 || p[0].Layer != 1 || p[0].Format != plimsoll.FormatPacman {
		t.Errorf("%+v", p)
	}
}

// TestFoldMembers: what is in an archive is shadowed when the archive is.
func TestFoldMembers(t *testing.T) {
	bottom := layerSpec{paths: []string{"gone.zip", "opt/", "opt/b.jar"}, links: map[string]string{"srv": "opt"}}.reports(0)
	top := layerSpec{paths: []string{"srv/c.zip"}, whiteouts: []string{"gone.zip"}}.reports(1)
	for path, reports := range map[string][]plimsoll.LayerReport{"gone.zip!/x!/y": bottom, "srv/c.zip!/k": top} {
		reports[1].Secrets = []plimsoll.Secret{{Path: path}}
		reports[1].Malware = []plimsoll.Malware{{Path: path}}
	}
	f, err := foldAll([][]plimsoll.LayerReport{bottom, top}, plimsoll.DefaultBudget())
	if err != nil {
		t.Fatal(err)
	}
	want := []plimsoll.Secret{
		{Path: "gone.zip!/x!/y", Layer: bottom[0].DiffID, Shadowed: true}, {Path: "opt/c.zip!/k", Layer: top[0].DiffID},
	}
	if diff := cmp.Diff(want, f.Secrets); diff != "" {
		t.Error(diff)
	}
	for i, m := range f.Malware {
		if m.Path != want[i].Path || m.Shadowed != want[i].Shadowed || m.Layer != want[i].Layer {
			t.Errorf("malware %+v", m)
		}
	}
}

func FuzzFold(f *testing.F) {
	seed := [][]plimsoll.LayerReport{
		layerSpec{links: map[string]string{"lib": "usr/lib", "etc/os-release": "../usr/lib/os-release"}, malware: []string{"usr/lib/x"}}.reports(0),
		layerSpec{paths: []string{"lib/x", "lib/"}, whiteouts: []string{"usr/", "/", "a"}, status: map[string][]string{status: {"a"}}, failures: []string{"lib/x"}}.reports(1),
	}
	raw, err := json.Marshal(seed)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var layers [][]plimsoll.LayerReport
		if json.Unmarshal(raw, &layers) != nil {
			return
		}
		b := plimsoll.DefaultBudget()
		b.LayerEntries = 1000
		folded, err := foldAll(layers, b)
		if err != nil {
			return
		}
		listed := 0
		for _, reports := range layers {
			for _, r := range reports {
				listed += len(r.Malware)
			}
		}
		if len(folded.Malware) != listed {
			t.Errorf("%d findings of %d", len(folded.Malware), listed)
		}
	})
}
