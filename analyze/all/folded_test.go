package all

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/analyze/baseline"
	"plimsoll/analyze/packages"
	"plimsoll/pathlist"
)

// layerSpec is one layer in these tests.
type layerSpec struct {
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

func (x layerSpec) reports(n int) []plimsoll.LayerReport {
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
	tree.Paths = listOf(paths)
	return []plimsoll.LayerReport{{DiffID: diff, Tree: tree}, r}
}

// listOf makes a list of paths; a file is as many bytes as its path.
func listOf(paths []string) pathlist.List {
	var out pathlist.List
	for _, p := range paths {
		e := pathlist.Entry{Path: p, Kind: pathlist.KindNone}
		if !strings.HasSuffix(p, "/") {
			e.Size, e.Kind = int64(len(p)), pathlist.KindText
		}
		out.Add(e)
	}
	return out
}

// folded is what all kinds found in one image.
type folded struct {
	plimsoll.ScanRecord
	packages packages.Folded
	facts    analyze.Image
	failures []plimsoll.FileFailure
}

// foldAll folds layers with every kind, as a scan does.
func foldAll(layers [][]plimsoll.LayerReport, budget plimsoll.Budget) (f folded, err error) {
	view, err := analyze.Fold(layers, budget, Kinds())
	if err != nil {
		return f, err
	}
	in := analyze.FoldInput{View: view}
	for _, x := range view.LayerFailures() {
		f.failures = append(f.failures, x.FileFailure)
	}
	for _, k := range Kinds() {
		f.failures = append(f.failures, k.Fold(in, &f.ScanRecord)...)
	}
	for _, x := range view.FileFailures() {
		f.failures = append(f.failures, x.FileFailure)
	}
	f.packages, _ = packages.FoldPackages(view)
	f.facts, _ = baseline.FoldFacts(in)
	return f, nil
}

func foldOf(t testing.TB, layers ...layerSpec) folded {
	t.Helper()
	var all [][]plimsoll.LayerReport
	for i, x := range layers {
		all = append(all, x.reports(i))
	}
	f, err := foldAll(all, plimsoll.DefaultBudget())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// lines makes a result short enough to read in a table.
func (f folded) lines() []string {
	var out []string
	if r := f.Facts.Release; r != nil {
		out = append(out, "release "+r.ID+" "+r.Path)
	}
	for _, p := range f.packages.System {
		out = append(out, "package "+p.Name+" "+strconv.Itoa(p.Layer)+" "+p.Path)
	}
	for _, a := range f.facts.Accounts {
		out = append(out, "account "+a.Accounts[0].Name+" "+a.Path)
	}
	for _, m := range f.facts.Modes {
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
	for _, x := range f.failures {
		out = append(out, "failure "+string(x.Code)+" "+x.Path)
	}
	return out
}
