package layer

import (
	"cmp"
	"slices"

	"plimsoll"
	"plimsoll/pathlist"
)

// files sums up the visible regular files.
func (f *folder) files() {
	sums := map[pathlist.Kind]*plimsoll.KindSum{}
	var largest []*node // by size, descending
	todo := []*node{f.tree.root}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, kid := range n.kids {
			if kid.kind == dirNode {
				todo = append(todo, kid)
			}
			if kid.kind != fileNode || kid.is == pathlist.KindNone {
				continue // a device, or a further name of a file
			}
			f.out.Files.Count++
			f.out.Files.Bytes += kid.size
			sum := sums[kid.is]
			if sum == nil {
				sum = &plimsoll.KindSum{Kind: kid.is.String()}
				sums[kid.is] = sum
			}
			sum.Count++
			sum.Bytes += kid.size
			largest = f.insertLargest(largest, kid)
		}
	}
	for _, sum := range sums {
		f.out.Files.Kinds = append(f.out.Files.Kinds, *sum)
	}
	slices.SortFunc(f.out.Files.Kinds, func(a, b plimsoll.KindSum) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Kind, b.Kind))
	})
	for _, n := range largest {
		f.out.Files.Largest = append(f.out.Files.Largest, f.fact(n))
	}
}

// insertLargest keeps the largest; of files of one size those whose paths come first.
func (f *folder) insertLargest(largest []*node, n *node) []*node {
	before := func(a, b *node) int {
		if d := cmp.Compare(b.size, a.size); d != 0 {
			return d
		}
		return cmp.Compare(f.tree.path(a), f.tree.path(b))
	}
	if len(largest) == plimsoll.LargestFiles && before(n, largest[len(largest)-1]) > 0 {
		return largest
	}
	at, _ := slices.BinarySearchFunc(largest, n, before)
	largest = slices.Insert(largest, at, n)
	return largest[:min(len(largest), plimsoll.LargestFiles)]
}

func (f *folder) fact(n *node) plimsoll.FileFact {
	out := plimsoll.FileFact{Size: n.size, Kind: n.is.String()}
	if facts := f.facts[n]; facts != nil && facts.large != nil {
		out = *facts.large
	}
	out.Path, out.Layer = f.tree.path(n), f.diffIDs[n.layer]
	return out
}
