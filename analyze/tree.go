package analyze

import (
	"cmp"
	"slices"
	"strings"

	"plimsoll"
)

// TreeName is the name of the tree analyzer.
const TreeName = "tree"

// treeVersion is raised when the output of the tree analyzer changes.
const treeVersion = "1"

// Tree records the shape of a layer: what folding needs and nothing of the content.
// Unpacked is left to whoever knows the sums of the pass.
type Tree struct{}

// ID implements Analyzer.
func (Tree) ID() plimsoll.AnalyzerID {
	return plimsoll.AnalyzerID{Name: TreeName, Version: treeVersion}
}

// Failure implements Analyzer.
func (Tree) Failure() plimsoll.FailureCode { return plimsoll.FailureLayer }

// Begin implements Beginner.
func (Tree) Begin() Analyzer { return &treeRun{} }

type treeRun struct {
	Tree
	paths     []treePath
	whiteouts []string
	entries   int
}

// treePath is one entry; the archive's order decides between entries of one path.
type treePath struct {
	path  string
	order int
	kind  plimsoll.EntryType
	link  string
}

// Entry implements EntryAnalyzer.
func (t *treeRun) Entry(e plimsoll.Entry, _ *plimsoll.LayerReport) {
	t.entries++
	if removed, ok := Whiteout(e); ok {
		if removed != "" {
			t.whiteouts = append(t.whiteouts, removed)
		}
		return
	}
	p := treePath{path: e.Path, order: t.entries, kind: e.Type}
	if e.Type == plimsoll.EntrySymlink {
		p.link = e.Link
	}
	t.paths = append(t.paths, p)
}

// End implements Ender: it sorts, keeps the last entry of each path and drops what a later
// file or link of the same layer replaced.
func (t *treeRun) End(out *plimsoll.LayerReport) {
	slices.SortFunc(t.paths, func(a, b treePath) int {
		return cmp.Or(comparePaths(a.path, b.path), cmp.Compare(a.order, b.order))
	})
	tree := &plimsoll.Tree{Entries: t.entries, Paths: make([]string, 0, len(t.paths))}
	var above []treePath // the non-directories on the way to the current path
	for i, p := range t.paths {
		if i+1 < len(t.paths) && t.paths[i+1].path == p.path {
			continue
		}
		for len(above) > 0 && !strings.HasPrefix(p.path, above[len(above)-1].path+"/") {
			above = above[:len(above)-1]
		}
		if slices.ContainsFunc(above, func(a treePath) bool { return a.order > p.order }) {
			continue
		}
		switch p.kind {
		case plimsoll.EntryDir:
			tree.Paths = append(tree.Paths, p.path+"/")
			continue
		case plimsoll.EntrySymlink:
			tree.Links = append(tree.Links, plimsoll.Link{Path: p.path, Target: p.link})
		}
		tree.Paths = append(tree.Paths, p.path)
		above = append(above, p)
	}
	slices.Sort(tree.Paths)
	slices.Sort(t.whiteouts)
	tree.Whiteouts = slices.Compact(t.whiteouts)
	slices.SortFunc(tree.Links, func(a, b plimsoll.Link) int { return cmp.Compare(a.Path, b.Path) })
	out.Tree = tree
}

// comparePaths orders a directory's content directly behind it.
func comparePaths(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] == b[i] {
			continue
		}
		switch {
		case a[i] == '/':
			return -1
		case b[i] == '/':
			return 1
		}
		return cmp.Compare(a[i], b[i])
	}
	return cmp.Compare(len(a), len(b))
}
