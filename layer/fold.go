package layer

import "plimsoll"

// manyLayers times the paths that one layer may have is how many paths an image may have.
const manyLayers = 2

// Fold applies the layers of an image, bottom first; a layer is the reports of its analyzers, one
// of which has the tree. It follows the OCI image layer specification: whiteouts and opaque
// directories hide what lower layers contain, a file or link replaces what was at its path, and
// the parents of a path are resolved through symbolic links of lower layers without leaving the root.
//
// Fold knows the shape of layers only. The kinds name the paths that their reports describe, and
// read their findings out of the view.
//
// A path that leads in circles is a failure in the view. Fold returns an error for a layer without
// a tree (Internal) and for too many layers or paths (FailureLayers, FailureOversized).
func Fold(layers [][]plimsoll.LayerReport, budget plimsoll.Budget, kinds []Kind) (*View, error) {
	if len(layers) > budget.Layers {
		return nil, plimsoll.Fail(plimsoll.FailureLayers, plimsoll.Errorf(plimsoll.TooLarge, "image of %d layers, budget %d", len(layers), budget.Layers))
	}
	f := folder{
		View:  &View{tree: newTree(budget.LinkChain), failed: map[*Node]bool{}, histories: map[string]*history{}},
		kinds: kinds,
		limit: manyLayers * budget.LayerEntries,
	}
	for i, reports := range layers {
		if err := f.apply(i, reports); err != nil {
			return nil, err
		}
	}
	f.collectFileFailures()
	return f.View, nil
}

// folder is the state of one fold.
type folder struct {
	*View
	kinds []Kind
	limit int // of paths
}

// apply puts one layer over those before it.
func (f *folder) apply(index int, reports []plimsoll.LayerReport) error {
	shape := treeOf(reports)
	if shape == nil {
		return plimsoll.Errorf(plimsoll.Internal, "layer %d has no tree report", index)
	}
	clear(f.tree.dirs)
	for _, path := range shape.Whiteouts {
		f.tree.hide(path)
	}
	l := appliedLayer{reports, map[string]*Node{}}
	f.addPaths(l)
	if err := f.place(index, shape, l.nodes); err != nil {
		return err
	}
	f.layers = append(f.layers, l)
	f.addFailures(reports)
	f.follow(index)
	return nil
}

func treeOf(reports []plimsoll.LayerReport) *plimsoll.Tree {
	for i := range reports {
		if reports[i].Tree != nil {
			return reports[i].Tree
		}
	}
	return nil
}

// addPaths adds every path of a layer that reports describe.
func (f *folder) addPaths(l appliedLayer) {
	about := func(path string) { l.nodes[path] = nil }
	for i := range l.reports {
		r := &l.reports[i]
		for _, kind := range f.kinds {
			kind.Paths(r, about)
		}
		for _, file := range largestFiles(r) {
			about(file.Path)
		}
		for _, failure := range r.Failures {
			about(failure.Path)
		}
	}
}

// place adds the paths of a layer to the tree, and sets the nodes of those that reports describe.
func (f *folder) place(index int, shape *plimsoll.Tree, nodes map[string]*Node) error {
	links := make(map[string]*plimsoll.Link, len(shape.Links))
	for i := range shape.Links {
		links[shape.Links[i].Path] = &shape.Links[i]
	}
	for entry := range shape.Paths.All() {
		path := entry.Path
		n, err := f.tree.add(entry, links[path], int32(index))
		if err != nil {
			f.addUnplaced(path, err)
			continue
		}
		if n == nil {
			continue
		}
		if f.tree.nodes > f.limit {
			return budgetErrorf(ErrEntries, "image of more than %d paths", f.limit)
		}
		if n.kind == dirNode {
			path = path[:len(path)-1]
		}
		if _, ok := nodes[path]; ok {
			nodes[path] = n
		}
	}
	return nil
}

// maxFoldFailures bounds the failures that are listed of paths that cannot be placed.
const maxFoldFailures = 100

func (f *folder) addUnplaced(path string, err error) {
	if len(f.layerFailures) < maxFoldFailures {
		f.layerFailures = append(f.layerFailures, Failure{FileFailure: plimsoll.FileFailure{Path: path, Code: plimsoll.FailureLayer, Detail: err.Error()}})
	}
}

// addFailures adds the failures of a layer that have no path.
func (f *folder) addFailures(reports []plimsoll.LayerReport) {
	for _, r := range reports {
		for _, failure := range r.Failures {
			if failure.Path == "" {
				f.layerFailures = append(f.layerFailures, Failure{failure, r.Analyzer.Name})
			}
		}
	}
}

// follow records the files that kinds follow, as they are after a layer.
func (f *folder) follow(index int) {
	for _, kind := range f.kinds {
		if follower, ok := kind.(Follower); ok {
			f.record(index, follower.Follow(f.View))
		}
	}
}

// Failure is a place where an analyzer could not look.
type Failure struct {
	plimsoll.FileFailure
	Analyzer string // name; "" = the fold itself
}
