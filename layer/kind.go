package layer

import (
	"strings"

	"plimsoll"
)

// Kind is a kind of finding, as far as Fold needs to know it.
type Kind interface {
	// Paths calls about with every path of the layer that the report describes, so that View can
	// find its place in the folded image. A report without this kind's findings has none.
	Paths(r *plimsoll.LayerReport, about func(path string))
}

// Follower is a Kind that needs to know which files were visible after each layer, such as the
// versions of a package database.
type Follower interface {
	Kind

	// Follow returns the files to follow, as they are visible after a layer. A key is the path of
	// the file, or a name that no other kind uses.
	Follow(v *View) map[string]*Node
}

// memberSeparator is between the path of an archive and the path of a member in it. No member's
// path contains it, but a layer's path may: the longest prefix that is a file is the archive.
const memberSeparator = "!/"

// OuterPaths calls about with a path, and with every prefix of it that may be the archive which
// contains it ("a.zip!/b": "a.zip!/b" and "a.zip").
func OuterPaths(path string, about func(path string)) {
	for end := len(path); end >= 0; end = strings.LastIndex(path[:end], memberSeparator) {
		about(path[:end])
	}
}
