package layer

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"plimsoll"
)

// model is the naive file system that Fold is compared with: absolute paths in a map, and every
// operation scans it.
type model map[string]modelFile

type modelFile struct {
	kind   byte // d, f, l
	layer  int
	target string
}

func (m model) remove(p string) {
	for q := range m {
		if q == p || strings.HasPrefix(q, p+"/") {
			delete(m, q)
		}
	}
}

// directory resolves p to the absolute path of a directory; ok is false for a loop, or for
// nothing if it must not be made.
func (m model) directory(p string, makeAs int) (string, bool) {
	at, links := "", 0
	todo := strings.Split(p, "/")
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if name == "" || name == "." {
			continue
		}
		if name == ".." {
			at = strings.TrimSuffix(path.Dir(at), "/")
			if at == "." {
				at = ""
			}
			continue
		}
		next := at + "/" + name
		f, found := m[next]
		switch {
		case found && f.kind == 'l':
			if links++; links > 40 {
				return "", false
			}
			if path.IsAbs(f.target) {
				at = ""
			}
			todo = append(strings.Split(f.target, "/"), todo...)
		case found && f.kind == 'd':
			at = next
		case makeAs < 0:
			return "", false
		default:
			m[next] = modelFile{kind: 'd', layer: makeAs}
			at = next
		}
	}
	return at, true
}

func (m model) apply(n int, tree plimsoll.Tree) {
	for _, w := range tree.Whiteouts {
		if dir, opaque := strings.CutSuffix(w, "/"); opaque {
			if at, ok := m.directory(dir, -1); ok {
				for q := range m {
					if strings.HasPrefix(q, at+"/") {
						delete(m, q)
					}
				}
			}
			continue
		}
		parent, name := splitPath(w)
		if at, ok := m.directory(parent, -1); ok {
			m.remove(at + "/" + name)
		}
	}
	for entry := range tree.Paths.All() {
		p, isDir := strings.CutSuffix(entry.Path, "/")
		parent, name := splitPath(p)
		at, ok := m.directory(parent, n)
		if !ok {
			continue
		}
		full := at + "/" + name
		if old, found := m[full]; isDir && found && old.kind == 'd' {
			continue
		}
		m.remove(full)
		f := modelFile{kind: 'f', layer: n}
		if isDir {
			f.kind = 'd'
		}
		for _, link := range tree.Links {
			if link.Path == p {
				f.kind, f.target = 'l', link.Target
			}
		}
		m[full] = f
	}
}

// drawTree draws one layer over few names, so that layers meet.
func drawTree(t *rapid.T) plimsoll.Tree {
	name := rapid.StringMatching(`[abc](/[abc]){0,2}`)
	target := rapid.StringMatching(`(/|\.\./|\.\./\.\./)?[abc](/[abc])?(/\.\.)?`)
	var tree plimsoll.Tree
	var paths []string
	seen := map[string]bool{}
	for range rapid.IntRange(0, 6).Draw(t, "paths") {
		p := name.Draw(t, "path")
		if seen[p] {
			continue
		}
		seen[p] = true
		switch rapid.SampledFrom([]string{"file", "dir", "link"}).Draw(t, "kind") {
		case "dir":
			p += "/"
		case "link":
			tree.Links = append(tree.Links, plimsoll.Link{Path: p, Target: target.Draw(t, "target")})
		}
		paths = append(paths, p)
	}
	for range rapid.IntRange(0, 2).Draw(t, "whiteouts") {
		w := rapid.OneOf(name, rapid.Map(name, func(s string) string { return s + "/" }), rapid.Just("/")).Draw(t, "whiteout")
		tree.Whiteouts = append(tree.Whiteouts, w)
	}
	slices.Sort(paths)
	tree.Paths = pathsOf(paths)
	return tree
}

func TestFoldIsWhatApplyingLayersGives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := model{}
		var layers [][]plimsoll.LayerReport
		for n := range rapid.IntRange(1, 6).Draw(t, "layers") {
			tree := drawTree(t)
			want.apply(n, tree)
			r := plimsoll.LayerReport{DiffID: plimsoll.Digest(strconv.Itoa(n)), Tree: &tree}
			for p := range tree.Paths.All() {
				r.Findings = append(r.Findings, plimsoll.FileFinding{Path: strings.TrimSuffix(p.Path, "/")})
			}
			layers = append(layers, []plimsoll.LayerReport{r})
		}
		v, err := Fold(layers, plimsoll.DefaultBudget(), []Kind{marks{}})
		if err != nil {
			t.Fatal(err)
		}
		var got, expected []string
		for _, m := range marksOf(v) {
			if m.visible {
				got = append(got, m.path+" "+strconv.Itoa(m.layer))
			}
		}
		for p, f := range want {
			if f.kind == 'f' {
				expected = append(expected, p[1:]+" "+strconv.Itoa(f.layer))
			}
		}
		slices.Sort(got)
		slices.Sort(expected)
		if diff := cmp.Diff(expected, got); diff != "" {
			t.Fatal(diff)
		}
	})
}
