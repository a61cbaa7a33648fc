package layer

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/pathlist"
)

// l is one layer in these tests.
type l struct {
	paths     []string
	whiteouts []string
	links     map[string]string
	status    map[string][]string // databases: packages as name or name=version
	releases  map[string]string   // path → ID
	malware   []string
	accounts  []string // paths
	setuid    []string
	failures  []string
}

func (x l) reports(n int) []plimsoll.LayerReport {
	diff := plimsoll.DigestOf([]byte(strconv.Itoa(n)))
	tree := &plimsoll.Tree{Whiteouts: x.whiteouts}
	paths := slices.Clone(x.paths)
	r := plimsoll.LayerReport{DiffID: diff, Analyzer: plimsoll.AnalyzerID{Name: "packages"}}
	file := func(path string) {
		if !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	for path, target := range x.links {
		file(path)
		tree.Links = append(tree.Links, plimsoll.Link{Path: path, Target: target})
	}
	for path, names := range x.status {
		file(path)
		f := plimsoll.PackageFile{Path: path, Format: plimsoll.FormatDpkg}
		for _, name := range names {
			f.Packages = append(f.Packages, plimsoll.Package{Name: name, Version: "1"})
		}
		r.Packages = append(r.Packages, f)
	}
	for path, id := range x.releases {
		file(path)
		r.Releases = append(r.Releases, plimsoll.OSRelease{Path: path, ID: id})
	}
	for _, path := range x.malware {
		file(path)
		r.Malware = append(r.Malware, plimsoll.Malware{Path: path, Rule: "bad"})
		r.Secrets = append(r.Secrets, plimsoll.Secret{Path: path, Rule: "key"})
	}
	for _, path := range x.accounts {
		file(path)
		r.Accounts = append(r.Accounts, plimsoll.AccountFile{Path: path, Accounts: []plimsoll.Account{{Name: strconv.Itoa(n)}}})
	}
	for _, path := range x.setuid {
		file(path)
		r.Modes = append(r.Modes, plimsoll.FileMode{Path: path, Mode: 0o4755})
	}
	for _, path := range x.failures {
		file(path)
		r.Failures = append(r.Failures, plimsoll.FileFailure{Path: path, Code: plimsoll.FailurePackages, Detail: "bad"})
	}
	slices.Sort(paths)
	tree.Paths = listed(paths)
	return []plimsoll.LayerReport{{DiffID: diff, Tree: tree}, r}
}

// listed makes a column of paths; a file is as many bytes as its path.
func listed(paths []string) pathlist.List {
	var out pathlist.List
	for _, p := range paths {
		r := pathlist.Entry{Path: p, Kind: pathlist.KindNone}
		if !strings.HasSuffix(p, "/") {
			r.Size, r.Kind = int64(len(p)), pathlist.KindText
		}
		out.Add(r)
	}
	return out
}

func foldOf(t testing.TB, layers ...l) Folded {
	t.Helper()
	var all [][]plimsoll.LayerReport
	for i, x := range layers {
		all = append(all, x.reports(i))
	}
	f, err := Fold(all, plimsoll.DefaultBudget())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// lines makes a result short enough to read in a table.
func lines(f Folded) []string {
	var out []string
	if f.Release != nil {
		out = append(out, "release "+f.Release.ID+" "+f.Release.Path)
	}
	for _, p := range f.Packages {
		out = append(out, "package "+p.Name+" "+strconv.Itoa(p.Layer)+" "+p.Path)
	}
	for _, a := range f.Accounts {
		out = append(out, "account "+a.Accounts[0].Name+" "+a.Path)
	}
	for _, m := range f.Modes {
		out = append(out, "mode "+m.Path)
	}
	for i, m := range f.Malware {
		word := "malware "
		if m.Shadowed {
			word = "shadowed "
		}
		if s := f.Secrets[i]; s.Path != m.Path || s.Shadowed != m.Shadowed || s.Layer != m.Layer {
			out = append(out, "the secret differs")
		}
		out = append(out, word+m.Path)
	}
	for _, x := range f.Failures {
		out = append(out, "failure "+string(x.Code)+" "+x.Path)
	}
	return out
}

const status = "var/lib/dpkg/status"

func TestFold(t *testing.T) {
	tests := []struct {
		name   string
		layers []l
		want   []string
	}{
		{"nothing", nil, nil},
		{"empty layers", []l{{}, {}}, nil},
		{"packages come from the layer since which they are there", []l{
			{status: map[string][]string{status: {"a", "b"}}},
			{status: map[string][]string{status: {"a", "b", "c"}}},
			{status: map[string][]string{status: {"a", "c"}}},
			{status: map[string][]string{status: {"a", "b", "c"}}},
		}, []string{"package a 0 " + status, "package b 3 " + status, "package c 1 " + status}},
		{"a database that was removed starts anew", []l{
			{status: map[string][]string{status: {"a"}}},
			{whiteouts: []string{status}},
			{status: map[string][]string{status: {"a"}}},
		}, []string{"package a 2 " + status}},
		{"a removed database", []l{
			{status: map[string][]string{status: {"a"}}}, {whiteouts: []string{"var/lib"}},
		}, nil},
		{"opaque directories hide lower layers only", []l{
			{status: map[string][]string{status: {"a"}}, malware: []string{"var/bad"}},
			{whiteouts: []string{"var/"}, malware: []string{"var/worse"}},
		}, []string{"shadowed var/bad", "malware var/worse"}},
		{"an opaque root", []l{
			{malware: []string{"a", "b/c"}}, {whiteouts: []string{"/"}, malware: []string{"b/d"}},
		}, []string{"shadowed a", "shadowed b/c", "malware b/d"}},
		{"a whiteout and a new file of the same name", []l{
			{malware: []string{"a"}}, {whiteouts: []string{"a"}, malware: []string{"a"}},
		}, []string{"shadowed a", "malware a"}},
		{"a file replaces a directory", []l{
			{malware: []string{"d/x"}}, {paths: []string{"d"}}, {paths: []string{"d/"}},
		}, []string{"shadowed d/x"}},
		{"a directory over a directory keeps what is inside", []l{
			{malware: []string{"d/x"}}, {paths: []string{"d/"}},
		}, []string{"malware d/x"}},
		{"the rpm database that was written last", []l{
			{status: map[string][]string{"var/lib/rpm/Packages": {"a", "b"}}},
			{status: map[string][]string{"usr/lib/sysimage/rpm/rpmdb.sqlite": {"a", "c"}}},
		}, []string{"package a 0 usr/lib/sysimage/rpm/rpmdb.sqlite", "package c 1 usr/lib/sysimage/rpm/rpmdb.sqlite"}},
		{"an rpm database behind a link", []l{
			{links: map[string]string{"var/lib/rpm": "../../usr/lib/sysimage/rpm"}, status: map[string][]string{"usr/lib/sysimage/rpm/rpmdb.sqlite": {"a"}}},
		}, []string{"package a 0 usr/lib/sysimage/rpm/rpmdb.sqlite"}},
		{"an older rpm database shows again", []l{
			{status: map[string][]string{"var/lib/rpm/Packages": {"a"}}},
			{status: map[string][]string{"var/lib/rpm/rpmdb.sqlite": {"b"}}},
			{whiteouts: []string{"var/lib/rpm/rpmdb.sqlite"}},
		}, []string{"package a 2 var/lib/rpm/Packages"}},
		{"distroless", []l{
			{status: map[string][]string{status + ".d/base": {"base"}, status + ".d/tz": {"tz"}}},
			{status: map[string][]string{status + ".d/tz": {"tz", "new"}}},
		}, []string{"package base 0 " + status + ".d/base", "package tz 0 " + status + ".d/tz", "package new 1 " + status + ".d/tz"}},
		{"os-release of another layer through links", []l{
			{links: map[string]string{"etc/os-release": "../usr/lib/os-release", "usr/lib": "/data/lib"}},
			{releases: map[string]string{"data/lib/os-release": "debian"}},
		}, []string{"release debian data/lib/os-release"}},
		{"etc/os-release before usr/lib", []l{
			{releases: map[string]string{"etc/os-release": "a", "usr/lib/os-release": "b"}},
		}, []string{"release a etc/os-release"}},
		{"a dangling etc/os-release", []l{
			{links: map[string]string{"etc/os-release": "nowhere"}, releases: map[string]string{"usr/lib/os-release": "b"}},
		}, []string{"release b usr/lib/os-release"}},
		{"parents through links of lower layers", []l{
			{links: map[string]string{"lib": "usr/lib"}, paths: []string{"usr/lib/"}, malware: []string{"usr/lib/x"}},
			{paths: []string{"lib/x"}, status: map[string][]string{"lib/apk/db/installed": {"p"}}},
		}, []string{"package p 1 usr/lib/apk/db/installed", "shadowed usr/lib/x"}},
		{"targets do not leave the root", []l{
			{links: map[string]string{"a": "../../../../b", "c/d": "/../../b"}, paths: []string{"b/"}},
			{malware: []string{"a/x", "c/d/y"}},
		}, []string{"malware b/x", "malware b/y"}},
		{"a loop", []l{
			{links: map[string]string{"a": "b", "b": "a", "etc/os-release": "os-release"}},
			{malware: []string{"a/x"}},
		}, []string{"shadowed a/x", "failure layer a/x", "failure packages etc/os-release"}},
		{"a link replaces a directory", []l{
			{malware: []string{"d/x"}, paths: []string{"e/"}},
			{links: map[string]string{"d": "e"}},
			{malware: []string{"d/y"}},
		}, []string{"shadowed d/x", "malware e/y"}},
		{"accounts and modes of the top", []l{
			{accounts: []string{"etc/passwd", "etc/shadow"}, setuid: []string{"bin/su", "bin/x"}},
			{accounts: []string{"etc/passwd"}, paths: []string{"bin/x"}},
		}, []string{"account 1 etc/passwd", "account 0 etc/shadow", "mode bin/su"}},
		{"failures that are visible", []l{
			{failures: []string{"gone", status}}, {whiteouts: []string{"gone"}},
		}, []string{"failure packages " + status}},
		{"a failure of a replaced database does not matter", []l{
			{failures: []string{status}}, {status: map[string][]string{status: {"a"}}},
		}, []string{"package a 1 " + status}},
		{"files that nobody read", []l{
			{paths: []string{"etc/os-release", "etc/shadow", status}},
		}, []string{"failure packages etc/os-release", "failure packages " + status, "failure settings etc/shadow"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, lines(foldOf(t, test.layers...))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFoldLanguage(t *testing.T) {
	pack := func(format plimsoll.PackageFormat, paths ...string) []plimsoll.LayerReport {
		reports := l{paths: paths}.reports(0)
		for _, path := range paths {
			reports[1].Packages = append(reports[1].Packages, plimsoll.PackageFile{Path: path, Format: format, Packages: []plimsoll.Package{{Name: path, Version: "1"}}})
		}
		return reports
	}
	folded, err := Fold([][]plimsoll.LayerReport{
		pack(plimsoll.FormatNPM, "a/kept", "a/replaced", "a/removed", "lib/x"),
		pack(plimsoll.FormatPacman, "var/lib/pacman/local/bash-1/desc"),
		pack(plimsoll.FormatGem, "b/gem", "a/replaced"),
		l{whiteouts: []string{"a/removed"}, paths: []string{"b/gem"}}.reports(3),
	}, plimsoll.DefaultBudget())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range folded.Language {
		got = append(got, strconv.Itoa(f.Layer)+" "+string(f.Format)+" "+f.Path)
	}
	want := []string{"0 npm a/kept", "0 npm lib/x", "2 gem a/replaced"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if p := folded.Packages; len(p) != 1 || p[0].Layer != 1 || p[0].Format != plimsoll.FormatPacman {
		t.Errorf("%+v", p)
	}
}

func TestFoldBudgets(t *testing.T) {
	b := plimsoll.DefaultBudget()
	b.Layers, b.LayerEntries = 2, 10
	var many l
	for i := range 15 {
		many.paths = append(many.paths, "f"+strconv.Itoa(i))
	}
	var other l
	for i := range 15 {
		other.paths = append(other.paths, "g"+strconv.Itoa(i))
	}
	_, err := Fold([][]plimsoll.LayerReport{many.reports(0), other.reports(1)}, b)
	if plimsoll.FailureOf(err) != plimsoll.FailureOversized {
		t.Errorf("too many paths: %v", err)
	}
	_, err = Fold([][]plimsoll.LayerReport{l{}.reports(0), l{}.reports(1), l{}.reports(2)}, b)
	if plimsoll.FailureOf(err) != plimsoll.FailureLayers {
		t.Errorf("too many layers: %v", err)
	}
	if _, err = Fold([][]plimsoll.LayerReport{{}}, b); plimsoll.ErrorCode(err) != plimsoll.Internal {
		t.Errorf("a layer without a tree: %v", err)
	}
}

func FuzzFold(f *testing.F) {
	seed := [][]plimsoll.LayerReport{
		l{links: map[string]string{"lib": "usr/lib", "etc/os-release": "../usr/lib/os-release"}, malware: []string{"usr/lib/x"}}.reports(0),
		l{paths: []string{"lib/x", "lib/"}, whiteouts: []string{"usr/", "/", "a"}, status: map[string][]string{status: {"a"}}, failures: []string{"lib/x"}}.reports(1),
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
		folded, err := Fold(layers, b)
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

func TestFilesAreThoseThatAreVisible(t *testing.T) {
	f := foldOf(t,
		l{paths: []string{"bin", "etc/", "etc/a", "etc/long-name", "gone", "usr/", "usr/bin/"}, links: map[string]string{"bin": "usr/bin"}},
		l{paths: []string{"bin/tool", "etc/a"}, whiteouts: []string{"gone"}},
	)
	top, bottom := plimsoll.DigestOf([]byte("1")), plimsoll.DigestOf([]byte("0"))
	want := plimsoll.FileFacts{
		Count: 3, Bytes: 26,
		Kinds: []plimsoll.KindSum{{Kind: "text", Count: 3, Bytes: 26}},
		Largest: []plimsoll.FileFact{
			{Path: "etc/long-name", Size: 13, Kind: "text", Layer: bottom},
			{Path: "usr/bin/tool", Size: 8, Kind: "text", Layer: top},
			{Path: "etc/a", Size: 5, Kind: "text", Layer: top},
		},
	}
	if diff := cmp.Diff(want, f.Files); diff != "" {
		t.Error(diff)
	}
}
