package secret

import (
	"cmp"
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/analyze/literal"
	"plimsoll/analyze/members"
	"plimsoll/analyze/packages/owned"
)

// Analyzer searches for secrets in every regular file of a layer, and in members of archives.
type Analyzer struct {
	id     plimsoll.AnalyzerID
	engine func() *Engine
}

// NewAnalyzer returns an analyzer that compiles its rules on first use, so that a caller that only needs the ID does not
// pay for them. It panics then if a rule does not compile, which is a defect of the rule.
func NewAnalyzer() *Analyzer {
	return &Analyzer{id: engineID(allRules()), engine: sync.OnceValue(func() *Engine {
		e, err := New()
		if err != nil {
			panic(err)
		}
		return e
	})}
}

// ID implements analyze.Analyzer.
func (a *Analyzer) ID() plimsoll.AnalyzerID { return a.id }

// Rules returns all rules in a fixed order.
func (a *Analyzer) Rules() []Rule { return a.engine().Rules() }

// Failure implements analyze.Analyzer.
func (a *Analyzer) Failure() plimsoll.FailureCode { return plimsoll.FailureSecrets }

// Begin implements analyze.Beginner.
func (a *Analyzer) Begin() analyze.Analyzer {
	return &layerRun{Analyzer: a, found: map[string][]plimsoll.Secret{}, sums: map[string]owned.Sums{}, owned: owned.New()}
}

// Literals implements analyze.Searcher.
func (a *Analyzer) Literals() []literal.Pattern { return a.engine().Literals() }

// Config implements analyze.ConfigAnalyzer.
func (a *Analyzer) Config(c plimsoll.ImageConfig, out *plimsoll.LayerReport) {
	found, err := a.engine().Config(c)
	out.Secrets = append(out.Secrets, found...)
	if err != nil {
		analyze.AddFailure(out, plimsoll.ConfigScheme, plimsoll.FailureSecrets, err.Error())
	}
}

// Redact masks the secrets in a config.
func (a *Analyzer) Redact(c plimsoll.ImageConfig) plimsoll.ImageConfig { return a.engine().Redact(c) }

// layerRun analyzes one layer.
type layerRun struct {
	*Analyzer
	found map[string][]plimsoll.Secret // by file of the layer; findings in members of archives belong to their file
	sums  map[string]owned.Sums        // of the files with findings of their own
	owned *owned.Files
}

// Entry implements analyze.EntryAnalyzer: a later entry of the same path replaces an earlier one.
func (r *layerRun) Entry(e plimsoll.Entry, _ *plimsoll.LayerReport) {
	delete(r.found, e.Path)
	delete(r.sums, e.Path)
	if owned.Wants(e.Path) && !r.Wants(e) && e.Type != plimsoll.EntryDir {
		r.owned.MarkIncomplete()
	}
}

// Wants implements analyze.FileAnalyzer: it asks for package databases, which list the files of packages.
func (r *layerRun) Wants(e plimsoll.Entry) bool {
	return e.Type == plimsoll.EntryFile && e.Size <= owned.MaxDatabase && owned.Wants(e.Path)
}

// Analyze implements analyze.FileAnalyzer. A database that cannot be read is not an error here: it is then not known
// which package the files belong to.
func (r *layerRun) Analyze(ctx context.Context, f analyze.File, _ *plimsoll.LayerReport) error {
	r.owned.Read(ctx, f.Path, f.SectionReader)
	return nil
}

// Look implements analyze.ContentAnalyzer.
func (r *layerRun) Look(c analyze.Content) analyze.Look {
	if !c.Hits && !r.engine().HasLineRules(c.Path) {
		return nil
	}
	if c.Bytes != nil {
		return contentSearch{r, c, r.engine().OpenBytes(c.Path, c.Bytes)}
	}
	return contentSearch{r, c, r.engine().Open(c.Path, c.ReaderAt, c.Size)}
}

// Refused implements analyze.ContentAnalyzer. The malware analyzer reports files that were not scanned.
func (r *layerRun) Refused(members.Refusal, *plimsoll.LayerReport) {}

// Linked implements analyze.ContentAnalyzer.
func (r *layerRun) Linked(path, target string, _ *plimsoll.LayerReport) {
	for _, s := range slices.Clone(r.found[target]) {
		s.Path = path + strings.TrimPrefix(s.Path, target)
		r.found[path] = append(r.found[path], s)
	}
	if sums, ok := r.sums[target]; ok {
		r.sums[path] = sums
	}
}

// End implements analyze.Ender.
func (r *layerRun) End(out *plimsoll.LayerReport) {
	for _, path := range slices.Sorted(maps.Keys(r.found)) {
		list := r.found[path]
		r.setOwners(path, list)
		slices.SortStableFunc(list, func(a, b plimsoll.Secret) int {
			return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Rule, b.Rule))
		})
		var err error
		if out.Secrets, err = AppendBounded(out.Secrets, list); err != nil {
			analyze.AddFailure(out, path, plimsoll.FailureOversized, err.Error())
			return
		}
	}
}

// setOwners sets which package the file of each finding belongs to.
func (r *layerRun) setOwners(file string, list []plimsoll.Secret) {
	for i := range list {
		sums, known := r.sums[file]
		switch {
		case list[i].Path != file:
			list[i].Owned = r.owned.OwnerOfPath(file)
		case known:
			list[i].Owned = r.owned.OwnerOfFile(file, sums)
		}
	}
}

// contentSearch is the search of one file or member of an archive.
type contentSearch struct {
	run     *layerRun
	content analyze.Content
	*File
}

// Close implements analyze.Look. If the sums of the content cannot be read, the owner stays unknown; the search reports
// the error.
func (l contentSearch) Close(*plimsoll.LayerReport) (found bool, err error) {
	list, err := l.File.Close()
	if len(list) == 0 {
		return false, err
	}
	for i := range list {
		list[i].Size = l.content.Size
	}
	file := l.content.File
	l.run.found[file] = append(l.run.found[file], list...)
	if l.content.Path == file {
		if sums, failed := owned.SumsOf(io.NewSectionReader(l.content, 0, l.content.Size)); failed == nil {
			l.run.sums[file] = sums
		}
	}
	return true, err
}
