package layer

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"plimsoll"
)

// finish reads the result out of the tree.
func (f *folder) finish() {
	f.release()
	f.packages()
	f.accounts()
	f.files()
	for _, n := range slices.SortedFunc(maps.Keys(f.facts), f.byPlace) {
		facts := f.facts[n]
		if !f.tree.alive(n) {
			continue
		}
		path := f.tree.path(n)
		if facts.mode != nil && n.kind != linkNode {
			m := *facts.mode
			m.Path = path
			f.out.Modes = append(f.out.Modes, m)
		}
		if facts.config != nil && n.kind == fileNode {
			c := *facts.config
			c.Path = path
			f.out.Configs = append(f.out.Configs, c)
		}
		f.packageFile(n, facts, path)
		for _, failure := range facts.failures {
			failure.Path = path
			f.out.Failures = append(f.out.Failures, failure)
		}
	}
	slices.SortFunc(f.out.Modes, func(a, b plimsoll.FileMode) int { return cmp.Compare(a.Path, b.Path) })
	slices.SortFunc(f.out.Configs, func(a, b plimsoll.ConfigFile) int { return cmp.Compare(a.Path, b.Path) })
	f.findings()
}

// byPlace makes the order of facts independent of the map's.
func (f *folder) byPlace(a, b *node) int {
	return cmp.Or(cmp.Compare(f.facts[a].layer, f.facts[b].layer), cmp.Compare(f.tree.path(a), f.tree.path(b)))
}

// release: a file that nobody read is a failure, not an image without a distribution. One
// that names no distribution (a link that a tool turned into a file) gives way to the next.
func (f *folder) release() {
	for _, path := range releasePaths {
		n := f.file(path, plimsoll.FailurePackages)
		if n == nil {
			continue
		}
		facts := f.facts[n]
		if facts == nil || facts.release == nil {
			f.unread(n, plimsoll.FailurePackages)
			return
		}
		if f.out.Release == nil || facts.release.ID != "" {
			release := *facts.release
			release.Path = f.tree.path(n)
			f.out.Release = &release
		}
		if facts.release.ID != "" {
			return
		}
	}
}

func (f *folder) accounts() {
	for _, path := range accountPaths {
		n := f.file(path, plimsoll.FailureSettings)
		if n == nil {
			continue
		}
		if facts := f.facts[n]; facts != nil && facts.accounts != nil {
			file := *facts.accounts
			file.From = plimsoll.AccountSource{Layer: f.diffIDs[facts.layer], Path: file.Path, Passwords: passwords(file)}
			file.Path = path
			f.out.Accounts = append(f.out.Accounts, file)
			continue
		}
		f.unread(n, plimsoll.FailureSettings)
	}
}

// passwords counts the accounts that some password fits.
func passwords(file plimsoll.AccountFile) (n int) {
	for _, a := range file.Accounts {
		if a.Scheme != "" {
			n++
		}
	}
	return n
}

// file finds a visible file by its usual path, or nil.
func (f *folder) file(path string, code plimsoll.FailureCode) *node {
	n, err := f.tree.resolve(path, false, 0)
	if err != nil {
		f.fail(path, code, err.Error())
		return nil
	}
	if n == nil || n.kind != fileNode {
		return nil
	}
	return n
}

// unread records a file that matters and that no report speaks about, unless its analyzer did say why.
func (f *folder) unread(n *node, code plimsoll.FailureCode) {
	if facts := f.facts[n]; facts == nil || len(facts.failures) == 0 {
		f.fail(f.tree.path(n), code, "no analyzer read this file")
	}
}

// findings lists malware and secrets of all layers.
func (f *folder) findings() {
	visible := func(nodes map[string]*node, path string) (string, bool) {
		for end := len(path); end >= 0; end = strings.LastIndex(path[:end], memberSeparator) {
			if n := nodes[path[:end]]; n != nil && n.kind == fileNode {
				if !f.tree.alive(n) {
					return path, false
				}
				return f.tree.path(n) + path[end:], true
			}
		}
		return path, false
	}
	for _, layer := range f.pending {
		for _, m := range layer.report.Malware {
			path, ok := visible(layer.nodes, m.Path)
			m.Path, m.Layer, m.Shadowed = path, layer.report.DiffID, !ok
			f.out.Malware = append(f.out.Malware, m)
		}
		for _, s := range layer.report.Secrets {
			path, ok := visible(layer.nodes, s.Path)
			s.Path, s.Layer, s.Shadowed = path, layer.report.DiffID, !ok
			f.out.Secrets = append(f.out.Secrets, s)
		}
	}
}
