package packages

import "plimsoll"

// Sets returns the package sets of an image: one of the operating system, and one per layer with
// visible packages of languages, bottom first. Packages of the system are completed with the
// ecosystem and the purl of the release.
func (f Folded) Sets() []plimsoll.PlacedSet {
	var sets []plimsoll.PlacedSet
	var list []placedPackage
	for _, p := range f.System {
		list = append(list, placedPackage{Complete(p.Package, p.Format, f.Release), plimsoll.Place{Layer: p.Layer, Path: p.Path}})
	}
	if len(list) > 0 {
		sets = append(sets, newPlacedSet(plimsoll.SetOS, list))
	}
	for rest := f.Language; len(rest) > 0; {
		list = list[:0]
		at := rest[0].Layer
		for ; len(rest) > 0 && rest[0].Layer == at; rest = rest[1:] {
			for _, p := range rest[0].Packages {
				list = append(list, placedPackage{p, plimsoll.Place{Layer: at, Path: rest[0].Path, Low: rest[0].LowConfidence}})
			}
		}
		if len(list) > 0 {
			sets = append(sets, newPlacedSet(plimsoll.SetLanguage, list))
		}
	}
	return sets
}

// placedPackage is a package and its place.
type placedPackage struct {
	plimsoll.Package
	place plimsoll.Place
}

func newPlacedSet(kind plimsoll.SetKind, list []placedPackage) plimsoll.PlacedSet {
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
