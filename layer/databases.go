package layer

import (
	"maps"
	"slices"

	"plimsoll"
)

// version is one state of a package database: the file that a layer brought, or nil where
// it was missing.
type version struct {
	layer int
	file  *node
}

// snapshot records the databases that are visible once a layer is applied, if they differ
// from those before.
func (f *folder) snapshot(index int) {
	now := f.databases()
	for _, path := range f.known {
		history := f.versions[path]
		if file := now[path]; file != history[len(history)-1].file {
			f.versions[path] = append(history, version{index, file})
		}
	}
	for _, path := range slices.Sorted(maps.Keys(now)) {
		if _, ok := f.versions[path]; !ok {
			f.versions[path] = []version{{index, now[path]}}
			f.known = append(f.known, path)
		}
	}
}

// rpmKey is the key of the rpm database among databases: it stays the same where the file moves.
const rpmKey = "rpm"

// databases finds the visible package databases, by where they really stand: two usual
// paths may lead to one file.
func (f *folder) databases() map[string]*node {
	found := map[string]*node{}
	for _, path := range databasePaths {
		if n, err := f.tree.resolve(path, false, 0); err == nil && n != nil && n.kind == fileNode {
			found[f.tree.path(n)] = n
		}
	}
	if n := f.rpm(); n != nil {
		found[rpmKey] = n
	}
	dir, err := f.tree.resolve(statusDir, false, 0)
	if err != nil || dir == nil || dir.kind != dirNode {
		return found
	}
	for name, kid := range dir.kids {
		if kid.kind == linkNode {
			kid, _ = f.tree.resolve(f.tree.path(dir)+"/"+name, false, 0)
		}
		if facts := f.facts[kid]; kid != nil && facts != nil && (facts.packages != nil || len(facts.failures) > 0) {
			found[f.tree.path(kid)] = kid
		}
	}
	return found
}

// rpm finds the rpm database that counts, or nil.
func (f *folder) rpm() *node {
	var top *node
	for _, path := range rpmPaths {
		n, err := f.tree.resolve(path, false, 0)
		if err == nil && n != nil && n.kind == fileNode && (top == nil || n.layer > top.layer) {
			top = n
		}
	}
	return top
}

// packages lists the visible databases with the layer each package came by.
func (f *folder) packages() {
	for _, path := range slices.Concat(databasePaths[:], rpmPaths[:]) {
		if _, err := f.tree.resolve(path, false, 0); err != nil {
			f.fail(path, plimsoll.FailurePackages, err.Error())
		}
	}
	now := f.databases()
	for _, key := range slices.Sorted(maps.Keys(now)) {
		facts := f.facts[now[key]]
		if facts == nil || facts.packages == nil {
			f.unread(now[key], plimsoll.FailurePackages)
			continue
		}
		path, origins := f.tree.path(now[key]), f.origins(f.versions[key])
		for _, p := range facts.packages.Packages {
			f.out.Packages = append(f.out.Packages, OSPackage{
				Package: p, Format: facts.packages.Format, Layer: origins[identity(p)], Path: path,
			})
		}
	}
}

// installed tells packages of one database apart.
type installed struct{ name, version, arch string }

func identity(p plimsoll.Package) installed { return installed{p.Name, p.Version, p.Arch} }

// origins replays the versions of a database: a package comes from the layer since which
// it has been there without a break.
func (f *folder) origins(history []version) map[installed]int {
	since := map[installed]int{}
	for _, v := range history {
		next := map[installed]int{}
		if facts := f.facts[v.file]; v.file != nil && facts != nil && facts.packages != nil {
			for _, p := range facts.packages.Packages {
				key := identity(p)
				if layer, ok := since[key]; ok {
					next[key] = layer
				} else {
					next[key] = v.layer
				}
			}
		}
		since = next
	}
	return since
}

// packageFile lists a file that holds one package of the system, or packages of a language:
// they come and go with it.
func (f *folder) packageFile(n *node, facts *facts, path string) {
	if facts.packages == nil || n.kind != fileNode {
		return
	}
	file := *facts.packages
	file.Path = path
	switch {
	case !file.Format.OS():
		f.out.Language = append(f.out.Language, LanguageFile{PackageFile: file, Layer: facts.layer})
	case file.Format == plimsoll.FormatPacman, file.Format == plimsoll.FormatPortage:
		for _, p := range file.Packages {
			f.out.Packages = append(f.out.Packages, OSPackage{Package: p, Format: file.Format, Layer: facts.layer, Path: path})
		}
	}
}
