package layer

import (
	"cmp"
	"slices"

	"plimsoll"
	"plimsoll/pathlist"
)

// Files sums up the visible regular files.
func (v *View) Files() plimsoll.FileFacts {
	var out plimsoll.FileFacts
	sums := map[pathlist.Kind]*plimsoll.KindSum{}
	var largest []*Node // by size, descending
	todo := []*Node{v.tree.root}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, kid := range n.kids {
			if kid.kind == dirNode {
				todo = append(todo, kid)
			}
			if kid.kind != fileNode || kid.fileKind == pathlist.KindNone {
				continue // a device, or a further name of a file
			}
			out.Count++
			out.Bytes += kid.size
			sum := sums[kid.fileKind]
			if sum == nil {
				sum = &plimsoll.KindSum{Kind: kid.fileKind.String()}
				sums[kid.fileKind] = sum
			}
			sum.Count++
			sum.Bytes += kid.size
			largest = v.insertLargest(largest, kid)
		}
	}
	for _, sum := range sums {
		out.Kinds = append(out.Kinds, *sum)
	}
	slices.SortFunc(out.Kinds, func(a, b plimsoll.KindSum) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Kind, b.Kind))
	})
	facts := CollectItems(v, largestFiles, func(f *plimsoll.FileFact) string { return f.Path })
	for _, n := range largest {
		out.Largest = append(out.Largest, v.fact(n, facts.At(n)))
	}
	return out
}

// largestFiles are the largest files of a layer, as its tree lists them.
func largestFiles(r *plimsoll.LayerReport) []plimsoll.FileFact {
	if r.Tree == nil {
		return nil
	}
	return r.Tree.Largest
}

// insertLargest keeps the largest files; of files of one size those whose paths come first.
func (v *View) insertLargest(largest []*Node, n *Node) []*Node {
	before := func(a, b *Node) int {
		if d := cmp.Compare(b.size, a.size); d != 0 {
			return d
		}
		return cmp.Compare(v.Path(a), v.Path(b))
	}
	if len(largest) == plimsoll.LargestFiles && before(n, largest[len(largest)-1]) > 0 {
		return largest
	}
	at, _ := slices.BinarySearchFunc(largest, n, before)
	largest = slices.Insert(largest, at, n)
	return largest[:min(len(largest), plimsoll.LargestFiles)]
}

// fact describes a file; known is what its layer's tree lists of it, or nil.
func (v *View) fact(n *Node, known *plimsoll.FileFact) plimsoll.FileFact {
	out := plimsoll.FileFact{Size: n.size, Kind: n.fileKind.String()}
	if known != nil {
		out = *known
	}
	out.Path, out.Layer = v.Path(n), v.DiffID(n.Layer())
	return out
}
