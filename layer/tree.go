package layer

import (
	"strings"

	"plimsoll"
	"plimsoll/pathlist"
)

// node is one name of the folded image.
type node struct {
	parent *node
	name   string
	kids   map[string]*node // of a directory
	target string           // of a symbolic link
	size   int64            // of a regular file
	kind   nodeKind
	is     pathlist.Kind // of a regular file
	layer  int32
}

type nodeKind uint8

const (
	dirNode nodeKind = iota
	fileNode
	linkNode
)

// maxSteps bounds the names looked up for one image. Real images need a few a path; an
// attack with long link targets would need thousands.
const maxSteps = 500_000_000

// tree is the file system that layers are applied to, bottom first.
type tree struct {
	root      *node
	linkChain int
	nodes     int
	steps     int              // names looked up
	removals  int              // grows when something lower is hidden
	dirs      map[string]*node // parents of the layer being applied, by path as written
}

func newTree(linkChain int) *tree {
	return &tree{root: &node{kids: map[string]*node{}}, linkChain: linkChain, dirs: map[string]*node{}}
}

// alive reports whether a node is still part of the image.
func (t *tree) alive(n *node) bool {
	for n != nil && n.parent != nil {
		n = n.parent
	}
	return n == t.root
}

// path is where a living node stands.
func (t *tree) path(n *node) string {
	var names []string
	for ; n.parent != nil; n = n.parent {
		names = append(names, n.name)
	}
	var out strings.Builder
	for i := len(names) - 1; i >= 0; i-- {
		out.WriteString(names[i])
		if i > 0 {
			out.WriteByte('/')
		}
	}
	return out.String()
}

// resolve follows a path through symbolic links, the last name included, without leaving
// the root. With create it makes what is missing into directories of that layer, as a
// runtime does when it unpacks a file. It returns nil if there is nothing, and ErrLinks
// for a chain over the budget.
func (t *tree) resolve(path string, create bool, layer int32) (*node, error) {
	at, rest, links := t.root, path, 0
	for rest != "" {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		if t.steps++; t.steps > maxSteps {
			return nil, ErrLinks
		}
		switch name {
		case "", ".":
			continue
		case "..":
			if at.parent != nil {
				at = at.parent
			}
			continue
		}
		next := at.kids[name]
		if next == nil || next.kind == fileNode && create {
			if !create {
				return nil, nil
			}
			next = t.put(at, name, node{kind: dirNode, layer: layer})
		}
		switch next.kind {
		case linkNode:
			if links++; links > t.linkChain {
				return nil, ErrLinks
			}
			if strings.HasPrefix(next.target, "/") {
				at = t.root
			}
			rest = next.target + "/" + rest
		case fileNode:
			if strings.Trim(rest, "/") != "" {
				return nil, nil
			}
			return next, nil
		default:
			at = next
		}
	}
	return at, nil
}

// put sets a name in a directory. A directory over a directory keeps what is inside.
func (t *tree) put(dir *node, name string, n node) *node {
	old := dir.kids[name]
	if old != nil {
		if old.kind == dirNode && n.kind == dirNode {
			return old
		}
		t.drop(old)
	}
	n.parent, n.name = dir, name
	if n.kind == dirNode {
		n.kids = map[string]*node{}
	}
	dir.kids[name] = &n
	t.nodes++
	return &n
}

// drop takes a node out of the image.
func (t *tree) drop(n *node) {
	delete(n.parent.kids, n.name)
	n.parent = nil
	n.name = ""
	t.removals++
	if n.kind != fileNode {
		clear(t.dirs) // a path as written may lead elsewhere now
	}
}

// hide applies one whiteout of a layer to what lower layers brought.
func (t *tree) hide(path string) {
	if path, opaque := strings.CutSuffix(path, "/"); opaque {
		if dir, err := t.resolve(path, false, 0); err == nil && dir != nil && dir.kind == dirNode {
			for _, kid := range dir.kids {
				t.drop(kid)
			}
		}
		return
	}
	parent, name := split(path)
	dir, err := t.resolve(parent, false, 0)
	if err != nil || dir == nil || dir.kind != dirNode {
		return
	}
	if kid := dir.kids[name]; kid != nil {
		t.drop(kid)
	}
}

// add applies one path of a layer; a directory ends in a slash. It returns nil for a path
// that names nothing.
func (t *tree) add(listed pathlist.Entry, link *plimsoll.Link, layer int32) (*node, error) {
	path, isDir := strings.CutSuffix(listed.Path, "/")
	parent, name := split(path)
	if name == "" || name == "." || name == ".." {
		return nil, nil
	}
	dir := t.dirs[parent]
	if dir == nil {
		var err error
		if dir, err = t.resolve(parent, true, layer); err != nil {
			return nil, err
		}
		t.dirs[parent] = dir
	}
	n := node{kind: fileNode, size: listed.Size, is: listed.Kind, layer: layer}
	switch {
	case isDir:
		n.kind = dirNode
	case link != nil:
		n.kind, n.target = linkNode, link.Target
	}
	return t.put(dir, name, n), nil
}

func split(path string) (parent, name string) {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i], path[i+1:]
	}
	return "", path
}
