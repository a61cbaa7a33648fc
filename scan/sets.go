package scan

import (
	"plimsoll"
	"plimsoll/analyze/packages"
	"plimsoll/layer"
)

// sets makes the package sets of an image: one of the operating system, and one for each
// layer that brought packages of languages which are visible still, bottom first.
func sets(folded layer.Folded) []plimsoll.PlacedSet {
	var out []plimsoll.PlacedSet
	var list []located
	for _, p := range folded.Packages {
		list = append(list, located{packages.Complete(p.Package, p.Format, folded.Release), plimsoll.Place{Layer: p.Layer, Path: p.Path}})
	}
	if len(list) > 0 {
		out = append(out, placedSet(plimsoll.SetOS, list))
	}
	for rest := folded.Language; len(rest) > 0; {
		list = list[:0]
		at := rest[0].Layer
		for ; len(rest) > 0 && rest[0].Layer == at; rest = rest[1:] {
			for _, p := range rest[0].Packages {
				list = append(list, located{p, plimsoll.Place{Layer: at, Path: rest[0].Path, Low: rest[0].LowConfidence}})
			}
		}
		if len(list) > 0 {
			out = append(out, placedSet(plimsoll.SetLanguage, list))
		}
	}
	return out
}

// located is a package and where it stands.
type located struct {
	plimsoll.Package
	place plimsoll.Place
}

func placedSet(kind plimsoll.SetKind, list []located) plimsoll.PlacedSet {
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
