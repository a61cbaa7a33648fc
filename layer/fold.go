package layer

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"plimsoll"
)

// Folded is what is visible in an image after all its layers were applied. Paths of visible
// things are where they stand in the image, symbolic links resolved.
type Folded struct {
	// Release is what /etc/os-release says, else /usr/lib/os-release; nil if there is none.
	Release *plimsoll.OSRelease

	Packages []OSPackage            // by path, then as in the database
	Language []LanguageFile         // by layer, then path
	Accounts []plimsoll.AccountFile // etc/passwd, shadow, group, gshadow, under these names
	Configs  []plimsoll.ConfigFile  // by path
	Modes    []plimsoll.FileMode    // by path

	// Malware and Secrets are of every layer, bottom first, with the diff ID of the layer.
	// Shadowed ones keep the path of the archive.
	Malware []plimsoll.Malware
	Secrets []plimsoll.Secret

	Files plimsoll.FileFacts // visible regular files

	// Failures are the places where an analyzer could not look and that are still visible.
	Failures []Failure
}

// OSPackage is a package of a visible operating system database.
type OSPackage struct {
	plimsoll.Package
	Format plimsoll.PackageFormat

	// Layer is the index of the layer, bottom = 0, since which the package has been in every
	// version of the database.
	Layer int
	Path  string // of the database
}

// LanguageFile is a visible file that names packages of a language.
type LanguageFile struct {
	plimsoll.PackageFile
	Layer int // index of the layer that brought the file, bottom = 0
}

// Failure is a FileFailure with who failed and where.
type Failure struct {
	plimsoll.FileFailure
	Analyzer string          // "" = the fold itself
	Layer    plimsoll.Digest // diff ID; "" = the fold itself
}

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

// finish reads the result out of the tree.
func (f *folder) finish() {
	f.release()
	f.packages()
	f.accounts()
	f.files()
	for _, n := range slices.SortedFunc(maps.Keys(f.facts), f.byPlace) {
		facts := f.facts[n]
		if !f.tree.alive(n) {
			continue
		}
		path := f.tree.path(n)
		if facts.mode != nil && n.kind != linkNode {
			m := *facts.mode
			m.Path = path
			f.out.Modes = append(f.out.Modes, m)
		}
		if facts.config != nil && n.kind == fileNode {
			c := *facts.config
			c.Path = path
			f.out.Configs = append(f.out.Configs, c)
		}
		f.packageFile(n, facts, path)
		for _, failure := range facts.failures {
			failure.Path = path
			f.out.Failures = append(f.out.Failures, failure)
		}
	}
	slices.SortFunc(f.out.Modes, func(a, b plimsoll.FileMode) int { return cmp.Compare(a.Path, b.Path) })
	slices.SortFunc(f.out.Configs, func(a, b plimsoll.ConfigFile) int { return cmp.Compare(a.Path, b.Path) })
	f.findings()
}

// byPlace makes the order of facts independent of the map's.
func (f *folder) byPlace(a, b *node) int {
	return cmp.Or(cmp.Compare(f.facts[a].layer, f.facts[b].layer), cmp.Compare(f.tree.path(a), f.tree.path(b)))
}

// release: a file that nobody read is a failure, not an image without a distribution. One
// that names no distribution (a link that a tool turned into a file) gives way to the next.
func (f *folder) release() {
	for _, path := range releasePaths {
		n := f.file(path, plimsoll.FailurePackages)
		if n == nil {
			continue
		}
		facts := f.facts[n]
		if facts == nil || facts.release == nil {
			f.unread(n, plimsoll.FailurePackages)
			return
		}
		if f.out.Release == nil || facts.release.ID != "" {
			release := *facts.release
			release.Path = f.tree.path(n)
			f.out.Release = &release
		}
		if facts.release.ID != "" {
			return
		}
	}
}

func (f *folder) accounts() {
	for _, path := range accountPaths {
		n := f.file(path, plimsoll.FailureSettings)
		if n == nil {
			continue
		}
		if facts := f.facts[n]; facts != nil && facts.accounts != nil {
			file := *facts.accounts
			file.From = plimsoll.AccountSource{Layer: f.diffIDs[facts.layer], Path: file.Path, Passwords: passwords(file)}
			file.Path = path
			f.out.Accounts = append(f.out.Accounts, file)
			continue
		}
		f.unread(n, plimsoll.FailureSettings)
	}
}

// passwords counts the accounts that some password fits.
func passwords(file plimsoll.AccountFile) (n int) {
	for _, a := range file.Accounts {
		if a.Scheme != "" {
			n++
		}
	}
	return n
}

// file finds a visible file by its usual path, or nil.
func (f *folder) file(path string, code plimsoll.FailureCode) *node {
	n, err := f.tree.resolve(path, false, 0)
	if err != nil {
		f.fail(path, code, err.Error())
		return nil
	}
	if n == nil || n.kind != fileNode {
		return nil
	}
	return n
}

// unread records a file that matters and that no report speaks about, unless its analyzer did say why.
func (f *folder) unread(n *node, code plimsoll.FailureCode) {
	if facts := f.facts[n]; facts == nil || len(facts.failures) == 0 {
		f.fail(f.tree.path(n), code, "no analyzer read this file")
	}
}

// findings lists malware and secrets of all layers.
func (f *folder) findings() {
	visible := func(nodes map[string]*node, path string) (string, bool) {
		for end := len(path); end >= 0; end = strings.LastIndex(path[:end], memberSeparator) {
			if n := nodes[path[:end]]; n != nil && n.kind == fileNode {
				if !f.tree.alive(n) {
					return path, false
				}
				return f.tree.path(n) + path[end:], true
			}
		}
		return path, false
	}
	for _, layer := range f.pending {
		for _, m := range layer.report.Malware {
			path, ok := visible(layer.nodes, m.Path)
			m.Path, m.Layer, m.Shadowed = path, layer.report.DiffID, !ok
			f.out.Malware = append(f.out.Malware, m)
		}
		for _, s := range layer.report.Secrets {
			path, ok := visible(layer.nodes, s.Path)
			s.Path, s.Layer, s.Shadowed = path, layer.report.DiffID, !ok
			f.out.Secrets = append(f.out.Secrets, s)
		}
	}
}
