package analyze

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"slices"

	"plimsoll"
	"plimsoll/pathlist"
)

// TreeName is the name of the tree analyzer.
const TreeName = "tree"

// treeVersion is raised when the output of the tree analyzer changes.
const treeVersion = "2"

// Tree is the analyzer of the shape of a layer: its paths, links and whiteouts, the size and kind of
// its files, and the checksums of the largest ones. The caller sets Unpacked after the pass.
type Tree struct{}

// ID implements Analyzer.
func (Tree) ID() plimsoll.AnalyzerID {
	return plimsoll.AnalyzerID{Name: TreeName, Version: treeVersion}
}

// Failure implements Analyzer.
func (Tree) Failure() plimsoll.FailureCode { return plimsoll.FailureLayer }

// Begin implements Beginner.
func (Tree) Begin() Analyzer { return &treeRun{} }

// treeRun stores all paths in one slice of bytes: a layer may have two million, and a string per path
// would need more memory than the process has.
type treeRun struct {
	Tree
	text      []byte // all paths
	paths     []treePath
	links     map[int32]string // targets, by order
	whiteouts []string
	largest   []largeFile
}

// treePath is one entry. Of several entries of one path, the one with the highest order counts.
type treePath struct {
	size       int64
	start, end int32 // in text; the paths of a layer are bounded far below
	order      int32
	kind       pathlist.Kind
	dir        bool
}

// largeFile is a candidate for the largest.
type largeFile struct {
	order int32
	plimsoll.FileFact
}

// Entry implements EntryAnalyzer.
func (t *treeRun) Entry(e plimsoll.Entry, out *plimsoll.LayerReport) {
	if out.Tree == nil {
		out.Tree = &plimsoll.Tree{}
	}
	out.Tree.Entries++
	if removed, ok := Whiteout(e); ok {
		if removed != "" {
			t.whiteouts = append(t.whiteouts, removed)
		}
		return
	}
	order := int32(len(t.paths))
	p := treePath{start: int32(len(t.text)), order: order, kind: pathlist.KindNone, dir: e.Type == plimsoll.EntryDir}
	t.text = append(t.text, e.Path...)
	p.end = int32(len(t.text))
	t.paths = append(t.paths, p)
	if e.Type == plimsoll.EntrySymlink {
		if t.links == nil {
			t.links = map[int32]string{}
		}
		t.links[order] = e.Link
	}
}

// File implements FileSummer. The file is the last entry. A hard link is a name without bytes of its own.
func (t *treeRun) File(f Summed, _ *plimsoll.LayerReport) bool {
	if f.Linked {
		return false
	}
	p := &t.paths[len(t.paths)-1]
	p.size, p.kind = f.Size, f.Kind
	if len(t.largest) == plimsoll.LargestFiles && f.Size <= t.largest[len(t.largest)-1].Size {
		return false
	}
	large := largeFile{p.order, plimsoll.FileFact{Path: f.Path, Size: f.Size, SHA256: hex.EncodeToString(f.Sum[:]), Kind: f.Kind.String()}}
	at, _ := slices.BinarySearchFunc(t.largest, large, func(a, b largeFile) int { return cmp.Compare(b.Size, a.Size) })
	t.largest = slices.Insert(t.largest, at, large)
	t.largest = t.largest[:min(len(t.largest), plimsoll.LargestFiles)]
	return false
}

func (t *treeRun) path(p treePath) []byte { return t.text[p.start:p.end] }

// End implements Ender. It sorts the paths, keeps the last entry of each, and drops entries that a later
// file or link of the same layer replaced.
func (t *treeRun) End(out *plimsoll.LayerReport) {
	slices.SortFunc(t.paths, func(a, b treePath) int {
		return cmp.Or(comparePaths(t.path(a), t.path(b)), cmp.Compare(a.order, b.order))
	})
	if out.Tree == nil {
		out.Tree = &plimsoll.Tree{}
	}
	kept := map[int32]bool{}
	for _, f := range t.largest {
		kept[f.order] = false
	}
	var above []treePath // the non-directories on the way to the current path
	for i, p := range t.paths {
		path := t.path(p)
		if i+1 < len(t.paths) && bytes.Equal(t.path(t.paths[i+1]), path) {
			continue
		}
		for len(above) > 0 && !isBelow(path, t.path(above[len(above)-1])) {
			above = above[:len(above)-1]
		}
		if slices.ContainsFunc(above, func(a treePath) bool { return a.order > p.order }) {
			continue
		}
		if !p.dir {
			above = append(above, p)
		}
		if _, large := kept[p.order]; large {
			kept[p.order] = true
		}
		t.list(out.Tree, p)
	}
	slices.Sort(t.whiteouts)
	out.Tree.Whiteouts = slices.Compact(t.whiteouts)
	for _, f := range t.largest {
		if kept[f.order] {
			out.Tree.Largest = append(out.Tree.Largest, f.FileFact)
		}
	}
}

// list adds a path to the report.
func (t *treeRun) list(tree *plimsoll.Tree, p treePath) {
	path := string(t.path(p))
	if target, ok := t.links[p.order]; ok {
		tree.Links = append(tree.Links, plimsoll.Link{Path: path, Target: target})
	}
	if p.dir {
		path += "/"
	}
	tree.Paths.Add(pathlist.Entry{Path: path, Size: p.size, Kind: p.kind})
}

func isBelow(path, dir []byte) bool {
	return len(path) > len(dir) && path[len(dir)] == '/' && bytes.HasPrefix(path, dir)
}

// comparePaths orders the content of a directory directly after it.
func comparePaths(a, b []byte) int {
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
