package layer

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"plimsoll"
)

// View is an image whose layers were applied. Its paths are those of the folded image, symbolic
// links resolved. It is not safe for concurrent use.
type View struct {
	tree      *tree
	layers    []appliedLayer
	failed    map[*Node]bool // visible nodes with a failure
	histories map[string]*history

	layerFailures, fileFailures []Failure
}

// appliedLayer is one layer: its reports, and the node of each path that they describe. The node
// is nil if the layer does not list the path.
type appliedLayer struct {
	reports []plimsoll.LayerReport
	nodes   map[string]*Node
}

// Reports yields the reports of all layers, bottom first, with the index of their layer.
func (v *View) Reports() iter.Seq2[int, *plimsoll.LayerReport] {
	return func(yield func(int, *plimsoll.LayerReport) bool) {
		for i := range v.layers {
			for j := range v.layers[i].reports {
				if !yield(i, &v.layers[i].reports[j]) {
					return
				}
			}
		}
	}
}

// DiffID returns the diff ID of a layer.
func (v *View) DiffID(layer int) plimsoll.Digest { return v.layers[layer].reports[0].DiffID }

// Node returns the node of a path that a kind named in a layer, visible or hidden. It returns nil if the
// layer does not list the path, and for a directory that an upper layer lists again: only that layer describes it.
func (v *View) Node(layer int, path string) *Node {
	n := v.layers[layer].nodes[path]
	if n == nil || n.layer != int32(layer) {
		return nil
	}
	return n
}

// Resolve follows a path through symbolic links, the last name included, without leaving the root.
// It returns nil if there is nothing, and ErrLinks if the path leads in circles.
func (v *View) Resolve(path string) (*Node, error) { return v.tree.resolve(path, false, 0) }

// FilesIn returns the files of a directory, links resolved, in no order. A path that is no
// directory has none.
func (v *View) FilesIn(path string) []*Node {
	dir, err := v.Resolve(path)
	if err != nil || dir == nil || dir.kind != dirNode {
		return nil
	}
	var files []*Node
	for name, kid := range dir.kids {
		if kid.kind == linkNode {
			kid, _ = v.Resolve(v.tree.path(dir) + "/" + name)
		}
		if kid != nil && kid.kind == fileNode {
			files = append(files, kid)
		}
	}
	return files
}

// Visible reports whether no upper layer removed or replaced a node.
func (v *View) Visible(n *Node) bool { return v.tree.alive(n) }

// Path returns the path of a visible node.
func (v *View) Path(n *Node) string { return v.tree.path(n) }

// Failed reports whether a visible node has a failure.
func (v *View) Failed(n *Node) bool { return v.failed[n] }

// Place returns the path in the image of a file that a layer describes, or of an archive's member, and true.
// It returns the path unchanged, and false, if the file is hidden by an upper layer.
func (v *View) Place(layer int, path string) (now string, visible bool) {
	nodes := v.layers[layer].nodes
	for end := len(path); end >= 0; end = strings.LastIndex(path[:end], memberSeparator) {
		if n := nodes[path[:end]]; n != nil && n.kind == fileNode {
			if !v.Visible(n) {
				return path, false
			}
			return v.Path(n) + path[end:], true
		}
	}
	return path, false
}

// LayerFailures returns the failures of whole layers, which have no path, and the paths of layers that lead in circles.
func (v *View) LayerFailures() []Failure { return v.layerFailures }

// FileFailures returns the failures of visible files, in order of layer and path.
func (v *View) FileFailures() []Failure { return v.fileFailures }

func (v *View) collectFileFailures() {
	type placed struct {
		layer int
		Failure
	}
	var list []placed
	for i, r := range v.Reports() {
		for _, f := range r.Failures {
			n := v.Node(i, f.Path)
			if n == nil || !v.Visible(n) {
				continue
			}
			v.failed[n] = true
			f.Path = v.Path(n)
			list = append(list, placed{i, Failure{f, r.Analyzer.Name}})
		}
	}
	slices.SortStableFunc(list, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.layer, b.layer), cmp.Compare(a.Path, b.Path))
	})
	for _, f := range list {
		v.fileFailures = append(v.fileFailures, f.Failure)
	}
}
