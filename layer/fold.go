package layer

import (
	"slices"
	"strings"

	"plimsoll"
)

// The files of the operating system that are looked for in the folded image.
var (
	releasePaths  = [...]string{"etc/os-release", "usr/lib/os-release"}
	accountPaths  = [...]string{"etc/passwd", "etc/shadow", "etc/group", "etc/gshadow"}
	databasePaths = [...]string{"var/lib/dpkg/status", "lib/apk/db/installed", "usr/lib/apk/db/installed"}

	// An image has one rpm database: the one that was written last, and of those of one
	// layer the first here. A distribution that moves it may leave the old one behind.
	rpmPaths = [...]string{
		"usr/lib/sysimage/rpm/rpmdb.sqlite", "usr/lib/sysimage/rpm/Packages.db", "usr/lib/sysimage/rpm/Packages",
		"var/lib/rpm/rpmdb.sqlite", "var/lib/rpm/Packages.db", "var/lib/rpm/Packages",
		"usr/share/rpm/rpmdb.sqlite", "usr/share/rpm/Packages.db", "usr/share/rpm/Packages",
	}
)

const statusDir = "var/lib/dpkg/status.d"

// manyLayers allows an image so many times the paths of the largest layer.
const manyLayers = 2

// Fold applies the layers of an image, bottom first; a layer is the reports of its
// analyzers, one of which holds the tree. It follows the OCI image layer specification:
// whiteouts and opaque directories hide what lower layers brought, a file or link replaces
// what stood there, and the parents of a path are resolved through symbolic links of lower
// layers without leaving the root.
//
// A path that leads in circles is a failure in the result. The error is for a layer without
// a tree, for too many layers or paths (FailureLayers, FailureOversized).
func Fold(layers [][]plimsoll.LayerReport, budget plimsoll.Budget) (Folded, error) {
	if len(layers) > budget.Layers {
		return Folded{}, plimsoll.Fail(plimsoll.FailureLayers, plimsoll.Errorf(plimsoll.TooLarge, "image of %d layers, budget %d", len(layers), budget.Layers))
	}
	f := folder{
		tree: newTree(budget.LinkChain), facts: map[*node]*facts{},
		limit: manyLayers * budget.LayerEntries, versions: map[string][]version{},
	}
	for i, reports := range layers {
		if err := f.apply(i, reports); err != nil {
			return Folded{}, err
		}
	}
	f.finish()
	return f.out, nil
}

// folder is the state of one fold.
type folder struct {
	tree     *tree
	limit    int
	facts    map[*node]*facts
	pending  []findings
	versions map[string][]version // of databases, by path; of rpm under one name
	known    []string             // keys of versions, in order of appearance
	removals int
	diffIDs  []plimsoll.Digest // of the layers so far
	out      Folded
}

// facts is what analyzers said about one file.
type facts struct {
	layer    int
	release  *plimsoll.OSRelease
	packages *plimsoll.PackageFile
	accounts *plimsoll.AccountFile
	config   *plimsoll.ConfigFile
	mode     *plimsoll.FileMode
	large    *plimsoll.FileFact // what its layer's tree says of it, if it is one of the largest
	failures []Failure
}

// findings is what analyzers found in one layer, and the nodes it is about.
type findings struct {
	report *plimsoll.LayerReport
	nodes  map[string]*node
}

func (f *folder) apply(index int, reports []plimsoll.LayerReport) error {
	shape := treeOf(reports)
	if shape == nil {
		return plimsoll.Errorf(plimsoll.Internal, "layer %d has no tree report", index)
	}
	clear(f.tree.dirs)
	f.diffIDs = append(f.diffIDs, reports[0].DiffID)
	for _, path := range shape.Whiteouts {
		f.tree.hide(path)
	}
	nodes, err := f.place(index, shape, interesting(reports))
	if err != nil {
		return err
	}
	for i := range reports {
		f.note(index, &reports[i], nodes)
		f.pending = append(f.pending, findings{&reports[i], nodes})
	}
	if f.tree.removals != f.removals || len(shape.Links) > 0 || slices.ContainsFunc(reports, hasPackages) {
		f.removals = f.tree.removals
		f.snapshot(index)
	}
	return nil
}

func treeOf(reports []plimsoll.LayerReport) *plimsoll.Tree {
	for _, r := range reports {
		if r.Tree != nil {
			return r.Tree
		}
	}
	return nil
}

func hasPackages(r plimsoll.LayerReport) bool { return len(r.Packages) > 0 }

// interesting lists the paths of a layer that facts or findings are about.
func interesting(reports []plimsoll.LayerReport) map[string]*node {
	paths := map[string]*node{}
	for _, r := range reports {
		if r.Tree != nil {
			for _, v := range r.Tree.Largest {
				paths[v.Path] = nil
			}
		}
		for _, v := range r.Releases {
			paths[v.Path] = nil
		}
		for _, v := range r.Packages {
			paths[v.Path] = nil
		}
		for _, v := range r.Accounts {
			paths[v.Path] = nil
		}
		for _, v := range r.Configs {
			paths[v.Path] = nil
		}
		for _, v := range r.Modes {
			paths[v.Path] = nil
		}
		for _, v := range r.Malware {
			outerPaths(v.Path, paths)
		}
		for _, v := range r.Secrets {
			outerPaths(v.Path, paths)
		}
		for _, v := range r.Failures {
			paths[v.Path] = nil
		}
	}
	return paths
}

// memberSeparator stands between an archive and what is in it. No member's name holds it, but
// paths of a layer may: the longest prefix that is a file is the archive.
const memberSeparator = "!/"

// outerPaths adds a path, and all that may be the archive it leads into.
func outerPaths(path string, paths map[string]*node) {
	for end := len(path); end >= 0; end = strings.LastIndex(path[:end], memberSeparator) {
		paths[path[:end]] = nil
	}
}

// place adds the paths of a layer and says which nodes the interesting ones became.
func (f *folder) place(index int, shape *plimsoll.Tree, nodes map[string]*node) (map[string]*node, error) {
	links := make(map[string]*plimsoll.Link, len(shape.Links))
	for i := range shape.Links {
		links[shape.Links[i].Path] = &shape.Links[i]
	}
	for listed := range shape.Paths.All() {
		path := listed.Path
		n, err := f.tree.add(listed, links[path], int32(index))
		if err != nil {
			f.fail(path, plimsoll.FailureLayer, err.Error())
			continue
		}
		if n == nil {
			continue
		}
		if f.tree.nodes > f.limit {
			return nil, over(ErrEntries, "image of more than %d paths", f.limit)
		}
		if n.kind == dirNode {
			path = path[:len(path)-1]
			delete(f.facts, n) // what a lower layer said about this directory holds no more
		}
		if _, ok := nodes[path]; ok {
			nodes[path] = n
		}
	}
	return nodes, nil
}

const maxFoldFailures = 100

func (f *folder) fail(path string, code plimsoll.FailureCode, detail string) {
	if len(f.out.Failures) < maxFoldFailures {
		f.out.Failures = append(f.out.Failures, Failure{FileFailure: plimsoll.FileFailure{Path: path, Code: code, Detail: detail}})
	}
}

// note ties what an analyzer said to the nodes it is about.
func (f *folder) note(index int, r *plimsoll.LayerReport, nodes map[string]*node) {
	at := func(path string) *facts {
		n := nodes[path]
		if n == nil {
			return &facts{} // replaced within its own layer
		}
		if f.facts[n] == nil {
			f.facts[n] = &facts{layer: index}
		}
		return f.facts[n]
	}
	if r.Tree != nil {
		for i := range r.Tree.Largest {
			at(r.Tree.Largest[i].Path).large = &r.Tree.Largest[i]
		}
	}
	for i := range r.Releases {
		at(r.Releases[i].Path).release = &r.Releases[i]
	}
	for i := range r.Packages {
		at(r.Packages[i].Path).packages = &r.Packages[i]
	}
	for i := range r.Accounts {
		at(r.Accounts[i].Path).accounts = &r.Accounts[i]
	}
	for i := range r.Configs {
		at(r.Configs[i].Path).config = &r.Configs[i]
	}
	for i := range r.Modes {
		at(r.Modes[i].Path).mode = &r.Modes[i]
	}
	for _, v := range r.Failures {
		failure := Failure{FileFailure: v, Analyzer: r.Analyzer.Name, Layer: r.DiffID}
		if v.Path == "" {
			f.out.Failures = append(f.out.Failures, failure)
			continue
		}
		at(v.Path).failures = append(at(v.Path).failures, failure)
	}
}
