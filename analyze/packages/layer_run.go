package packages

import (
	"context"
	"path"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/analyze/packages/owned"
)

// layerRun analyzes one layer. Besides packages it collects which packages of the system installed files from which
// packages of languages can be read. The files may be in other layers, so Fold compares them.
type layerRun struct {
	Analyzer
	owners   *owned.Owners
	programs map[string]bool // paths of this layer at which isProgramPath expects programs, in the form of owned.NormalizePath
}

// Begin implements analyze.Beginner.
func (a Analyzer) Begin() analyze.Analyzer {
	return &layerRun{Analyzer: a, owners: owned.NewOwners(isLanguagePath), programs: map[string]bool{}}
}

// Entry implements analyze.EntryAnalyzer: a later entry of the same path replaces an earlier one.
func (r *layerRun) Entry(e plimsoll.Entry, _ *plimsoll.LayerReport) {
	if owned.Wants(e.Path) {
		r.owners.Forget(e.Path)
	}
}

// Wants implements analyze.FileAnalyzer. It wants lists of files of packages too.
func (r *layerRun) Wants(e plimsoll.Entry) bool {
	if isProgramPath(e.Path) && owned.MayBeOwned(e.Path) {
		r.programs[owned.NormalizePath(e.Path)] = true
	}
	return r.Analyzer.Wants(e) || isFileList(e)
}

// isFileList matches dpkg's lists of the files of one package. A list that is too large is not read: see owned.Owners.
func isFileList(e plimsoll.Entry) bool {
	return e.Size <= owned.MaxDatabase && databaseFormat(e.Path) == "" && owned.Wants(e.Path)
}

// Peek implements analyze.Peeker.
func (r *layerRun) Peek(e plimsoll.Entry, head []byte) bool {
	return isFileList(e) || r.Analyzer.Peek(e, head)
}

// Analyze implements analyze.FileAnalyzer.
func (r *layerRun) Analyze(ctx context.Context, f analyze.File, out *plimsoll.LayerReport) error {
	if isFileList(f.Entry) {
		r.owners.Read(ctx, f.Path, f.SectionReader)
		return nil
	}
	err := r.Analyzer.Analyze(ctx, f, out)
	if owned.Wants(f.Path) {
		r.owners.Read(ctx, f.Path, f.SectionReader)
	}
	return err
}

// End implements analyze.Ender. Of the programs in this layer, only those with packages can have an owner.
func (r *layerRun) End(out *plimsoll.LayerReport) {
	r.Analyzer.End(out)
	found := make(map[string]bool, len(out.Packages))
	for i := range out.Packages {
		found[owned.NormalizePath(out.Packages[i].Path)] = true
	}
	out.Owned = r.owners.Files(func(path string) bool { return !r.programs[path] || found[path] })
}

// isLanguagePath reports whether packages of languages may be read from the file at a path, for a path in the form of
// owned.NormalizePath.
func isLanguagePath(p string) bool {
	if m := manifestOf(p); m != nil {
		return !m.format.OS()
	}
	return isProgramPath(p)
}

// isProgramPath reports whether distributions put programs at a path: in a directory for programs, or without a dot in
// their name below one for libraries.
func isProgramPath(p string) bool {
	dir, base := path.Split(p)
	switch path.Base(dir) {
	case "bin", "sbin", "libexec":
		return true
	}
	return !strings.Contains(base, ".") && (strings.HasPrefix(dir, "lib/") || strings.Contains(dir, "/lib/") ||
		strings.Contains(dir, "/libexec/") || strings.HasPrefix(dir, "opt/"))
}
