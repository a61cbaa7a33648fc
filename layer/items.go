package layer

import (
	"cmp"
	"iter"
	"maps"
	"slices"

	"plimsoll"
)

// Items is what reports describe, one item per node of the image.
type Items[T any] struct {
	view  *View
	items map[*Node]*T
}

// CollectItems collects items from the reports of all layers. items returns those of one report, path the path of an item:
// one that the kind's Paths names. If a layer describes a node twice, the last item counts.
func CollectItems[T any](v *View, items func(r *plimsoll.LayerReport) []T, path func(item *T) string) Items[T] {
	out := Items[T]{view: v, items: map[*Node]*T{}}
	for i, r := range v.Reports() {
		list := items(r)
		for j := range list {
			if n := v.Node(i, path(&list[j])); n != nil {
				out.items[n] = &list[j]
			}
		}
	}
	return out
}

// At returns the item of a node, or nil. A nil node has none.
func (x Items[T]) At(n *Node) *T { return x.items[n] }

// Visible yields the items of visible nodes, in order of layer and path.
func (x Items[T]) Visible() iter.Seq2[*Node, *T] {
	type placed struct {
		*Node
		path string
	}
	var list []placed
	for n := range maps.Keys(x.items) {
		if x.view.Visible(n) {
			list = append(list, placed{n, x.view.Path(n)})
		}
	}
	slices.SortFunc(list, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.layer, b.layer), cmp.Compare(a.path, b.path))
	})
	return func(yield func(*Node, *T) bool) {
		for _, p := range list {
			if !yield(p.Node, x.items[p.Node]) {
				return
			}
		}
	}
}
