package layer

import (
	"strings"

	"plimsoll"
	"plimsoll/pathlist"
)

// Node is a file, directory or link of the image, or one that an upper layer hides.
type Node struct {
	parent   *Node
	name     string
	kids     map[string]*Node // of a directory
	target   string           // of a symbolic link
	size     int64            // of a regular file
	kind     nodeKind
	fileKind pathlist.Kind // of a regular file
	layer    int32         // the last one that lists it
}

// Layer returns the index of the layer that the node comes from, bottom = 0; for a directory, of
// the last layer that lists it.
func (n *Node) Layer() int { return int(n.layer) }

// IsFile reports whether the node is a regular file, or a device or pipe.
func (n *Node) IsFile() bool { return n.kind == fileNode }

// IsLink reports whether the node is a symbolic link.
func (n *Node) IsLink() bool { return n.kind == linkNode }

type nodeKind uint8

const (
	dirNode nodeKind = iota
	fileNode
	linkNode
)

// maxSteps bounds the names that are looked up for one image. Real images need a few per path; an
// attack with long link targets needs thousands.
const maxSteps = 500_000_000

// tree is the file system that layers are applied to, bottom first.
type tree struct {
	root      *Node
	linkChain int
	nodes     int
	steps     int              // names looked up
	dirs      map[string]*Node // parents of the layer being applied, by path as written
}

func newTree(linkChain int) *tree {
	return &tree{root: &Node{kids: map[string]*Node{}}, linkChain: linkChain, dirs: map[string]*Node{}}
}

// alive reports whether a node is part of the image.
func (t *tree) alive(n *Node) bool {
	for n != nil && n.parent != nil {
		n = n.parent
	}
	return n == t.root
}

// path returns the path of a node that is part of the image.
func (t *tree) path(n *Node) string {
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

// resolve follows a path through symbolic links, the last name included, without leaving the
// root. With create it adds missing directories to the layer, as a runtime does when it
// unpacks a file. It returns nil if there is nothing, and ErrLinks for a chain of links over the budget.
func (t *tree) resolve(path string, create bool, layer int32) (*Node, error) {
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
			next = t.put(at, name, Node{kind: dirNode, layer: layer})
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

// put sets a name in a directory. A directory over a directory keeps its content.
func (t *tree) put(dir *Node, name string, n Node) *Node {
	old := dir.kids[name]
	if old != nil {
		if old.kind == dirNode && n.kind == dirNode {
			old.layer = n.layer
			return old
		}
		t.drop(old)
	}
	n.parent, n.name = dir, name
	if n.kind == dirNode {
		n.kids = map[string]*Node{}
	}
	dir.kids[name] = &n
	t.nodes++
	return &n
}

// drop removes a node from the image.
func (t *tree) drop(n *Node) {
	delete(n.parent.kids, n.name)
	n.parent = nil
	n.name = ""
	if n.kind != fileNode {
		clear(t.dirs) // a path as written may now lead to another directory
	}
}

// hide applies one whiteout of a layer to the layers below.
func (t *tree) hide(path string) {
	if path, opaque := strings.CutSuffix(path, "/"); opaque {
		if dir, err := t.resolve(path, false, 0); err == nil && dir != nil && dir.kind == dirNode {
			for _, kid := range dir.kids {
				t.drop(kid)
			}
		}
		return
	}
	parent, name := splitPath(path)
	dir, err := t.resolve(parent, false, 0)
	if err != nil || dir == nil || dir.kind != dirNode {
		return
	}
	if kid := dir.kids[name]; kid != nil {
		t.drop(kid)
	}
}

// add applies one path of a layer; the path of a directory ends in a slash. It returns nil for a
// path without a name.
func (t *tree) add(entry pathlist.Entry, link *plimsoll.Link, layer int32) (*Node, error) {
	path, isDir := strings.CutSuffix(entry.Path, "/")
	parent, name := splitPath(path)
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
	n := Node{kind: fileNode, size: entry.Size, fileKind: entry.Kind, layer: layer}
	switch {
	case isDir:
		n.kind = dirNode
	case link != nil:
		n.kind, n.target = linkNode, link.Target
	}
	return t.put(dir, name, n), nil
}

func splitPath(path string) (parent, name string) {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i], path[i+1:]
	}
	return "", path
}
