package packages

import (
	"path"
	"strings"

	"plimsoll"
)

// Sets returns the package sets of an image: one of the operating system; one per layer with visible packages of
// languages, bottom first; and one per layer with declared packages, unless countDeclared makes these part of the layer's
// set of languages. Packages of the system are completed with the ecosystem and the purl of the release.
func (f Folded) Sets(countDeclared bool) []plimsoll.PlacedSet {
	var sets []plimsoll.PlacedSet
	var list []*placedPackage
	for _, p := range f.System {
		list = append(list, &placedPackage{Complete(p.Package, p.Format, f.Release), plimsoll.Place{Layer: p.Layer, Path: p.Path}})
	}
	if len(list) > 0 {
		sets = append(sets, newPlacedSet(plimsoll.SetOS, list))
	}
	installed, declared := f.placeLanguages(countDeclared)
	sets = appendLayerSets(sets, plimsoll.SetLanguage, installed)
	return appendLayerSets(sets, plimsoll.SetDeclared, declared)
}

// placedPackage is a package and its place.
type placedPackage struct {
	plimsoll.Package
	place plimsoll.Place
}

// placeLanguages returns the packages of languages by layer, bottom first, each installation once.
func (f Folded) placeLanguages(countDeclared bool) (installed, declared []*placedPackage) {
	first := map[installation]*placedPackage{}
	for _, file := range f.Language {
		for _, p := range file.Packages {
			p.Owner = file.Owner
			key := installation{p, installationPath(file.PackageFile)}
			if before := first[key]; before != nil {
				before.place.Also = append(before.place.Also, file.Path)
				continue
			}
			placed := &placedPackage{p, plimsoll.Place{Layer: file.Layer, Path: file.Path, Low: file.LowConfidence}}
			first[key] = placed
			if file.LowConfidence && !countDeclared {
				declared = append(declared, placed)
			} else {
				installed = append(installed, placed)
			}
		}
	}
	return dropDescribedByConda(installed), declared
}

// installation identifies a package installed in one place, which may have several metadata files.
type installation struct {
	plimsoll.Package
	path string
}

// installationPath returns where the packages of a file are installed: of Python's metadata, the library directory; of a
// hard link, the file it shares its content with; else the file.
func installationPath(f plimsoll.PackageFile) string {
	switch {
	case f.Format == plimsoll.FormatPyPI && isPythonMetadata(f.Path):
		return pythonLibrary(f.Path)
	case f.Link != "":
		return f.Link
	default:
		return f.Path
	}
}

// pythonLibrary returns the directory that contains a metadata file, or the directory of metadata.
func pythonLibrary(metadata string) string {
	if strings.HasSuffix(metadata, ".egg-info") {
		return path.Dir(metadata)
	}
	return path.Dir(path.Dir(metadata))
}

// dropDescribedByConda removes Conda's record of a package that Python's metadata in the same environment describe too.
// Advisories use the name of PyPI; the record's path is added to that package.
func dropDescribedByConda(list []*placedPackage) []*placedPackage {
	type key struct{ prefix, name, version string }
	python := map[key]*placedPackage{}
	for _, p := range list {
		if prefix, ok := pythonPrefix(p.place.Path); ok && p.Ecosystem == "PyPI" {
			python[key{prefix, p.Name, p.Version}] = p
		}
	}
	if len(python) == 0 {
		return list
	}
	kept := list[:0:0]
	for _, p := range list {
		if p.Ecosystem == "Conda" {
			same := python[key{path.Dir(path.Dir(p.place.Path)), pythonName(p.Name), p.Version}]
			if same != nil {
				same.place.Also = append(same.place.Also, p.place.Path)
				continue
			}
		}
		kept = append(kept, p)
	}
	return kept
}

// pythonPrefix returns the environment of a metadata file: prefix/lib/python3.12/site-packages/name.dist-info/METADATA.
func pythonPrefix(metadata string) (prefix string, ok bool) {
	if !isPythonMetadata(metadata) {
		return "", false
	}
	library := pythonLibrary(metadata)
	lib := path.Dir(path.Dir(library))
	return path.Dir(lib), path.Base(library) == "site-packages" && path.Base(lib) == "lib"
}

// appendLayerSets appends one set per layer.
func appendLayerSets(sets []plimsoll.PlacedSet, kind plimsoll.SetKind, list []*placedPackage) []plimsoll.PlacedSet {
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].place.Layer == list[0].place.Layer {
			n++
		}
		sets = append(sets, newPlacedSet(kind, list[:n]))
		list = list[n:]
	}
	return sets
}

func newPlacedSet(kind plimsoll.SetKind, list []*placedPackage) plimsoll.PlacedSet {
	all := make([]plimsoll.Package, len(list))
	for i, p := range list {
		all[i] = p.Package
	}
	set := plimsoll.PlacedSet{PackageSet: plimsoll.NewPackageSet(kind, all)}
	index := make(map[plimsoll.Package]int, len(set.Packages))
	for i, p := range set.Packages {
		index[p] = i
	}
	for _, p := range list {
		p.place.Package = index[p.Package]
		set.Places = append(set.Places, p.place)
	}
	return set
}
