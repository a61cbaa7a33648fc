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

// Analyzer looks for secrets in every regular file of a layer, and in members of archives.
type Analyzer struct {
	id     plimsoll.AnalyzerID
	engine func() *Engine
}

// Lazy makes an analyzer that compiles its rules when something is looked at: whoever only asks
// for its id does not pay for them. A rule that does not compile is a defect, and a panic then.
func Lazy() *Analyzer {
	return &Analyzer{id: idOf(allRules()), engine: sync.OnceValue(func() *Engine {
		e, err := New()
		if err != nil {
			panic(err)
		}
		return e
	})}
}

// ID implements analyze.Analyzer.
func (a *Analyzer) ID() plimsoll.AnalyzerID { return a.id }

// Rules lists every rule, in a fixed order.
func (a *Analyzer) Rules() []Rule { return a.engine().Rules() }

// Failure implements analyze.Analyzer.
func (a *Analyzer) Failure() plimsoll.FailureCode { return plimsoll.FailureSecrets }

// Begin implements analyze.Beginner.
func (a *Analyzer) Begin() analyze.Analyzer {
	return &run{Analyzer: a, found: map[string][]plimsoll.Secret{}, sums: map[string]owned.Sums{}, owned: owned.New()}
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

// Redact masks secrets in a config.
func (a *Analyzer) Redact(c plimsoll.ImageConfig) plimsoll.ImageConfig { return a.engine().Redact(c) }

// run looks at one layer.
type run struct {
	*Analyzer
	found map[string][]plimsoll.Secret // by file of the layer, members of archives included
	sums  map[string]owned.Sums        // of the files that hold something themselves
	owned *owned.Files
}

// Entry implements analyze.EntryAnalyzer: a later entry of the same path replaces an earlier one.
func (r *run) Entry(e plimsoll.Entry, _ *plimsoll.LayerReport) {
	delete(r.found, e.Path)
	delete(r.sums, e.Path)
	if owned.Wants(e.Path) && !r.Wants(e) && e.Type != plimsoll.EntryDir {
		r.owned.MarkIncomplete()
	}
}

// Wants implements analyze.FileAnalyzer: databases tell which files packages brought.
func (r *run) Wants(e plimsoll.Entry) bool {
	return e.Type == plimsoll.EntryFile && e.Size <= owned.MaxDatabase && owned.Wants(e.Path)
}

// Analyze implements analyze.FileAnalyzer. A database that cannot be read is no failure to look for
// secrets: findings say that it is not known whose file they are in.
func (r *run) Analyze(ctx context.Context, f analyze.File, _ *plimsoll.LayerReport) error {
	r.owned.Read(ctx, f.Path, f.SectionReader)
	return nil
}

// Look implements analyze.ContentAnalyzer.
func (r *run) Look(c analyze.Content) analyze.Look {
	if !c.Hits && !r.engine().Telling(c.Path) {
		return nil
	}
	if c.Bytes != nil {
		return glance{r, c, r.engine().OpenBytes(c.Path, c.Bytes)}
	}
	return glance{r, c, r.engine().Open(c.Path, c.ReaderAt, c.Size)}
}

// Refused implements analyze.ContentAnalyzer. That a file was not looked into is said once, by
// the malware analyzer.
func (r *run) Refused(members.Refusal, *plimsoll.LayerReport) {}

// Linked implements analyze.ContentAnalyzer.
func (r *run) Linked(path, target string, _ *plimsoll.LayerReport) {
	for _, s := range slices.Clone(r.found[target]) {
		s.Path = path + strings.TrimPrefix(s.Path, target)
		r.found[path] = append(r.found[path], s)
	}
	if sums, ok := r.sums[target]; ok {
		r.sums[path] = sums
	}
}

// End implements analyze.Ender.
func (r *run) End(out *plimsoll.LayerReport) {
	for _, path := range slices.Sorted(maps.Keys(r.found)) {
		list := r.found[path]
		r.attribute(path, list)
		slices.SortStableFunc(list, func(a, b plimsoll.Secret) int {
			return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Rule, b.Rule))
		})
		var err error
		if out.Secrets, err = Bound(out.Secrets, list); err != nil {
			analyze.AddFailure(out, path, plimsoll.FailureOversized, err.Error())
			return
		}
	}
}

// attribute says of what was found in one file whose it is.
func (r *run) attribute(file string, list []plimsoll.Secret) {
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

// glance is one file, or member of an archive.
type glance struct {
	run     *run
	content analyze.Content
	*File
}

// Close implements analyze.Look. A content whose sums cannot be read is nobody's that is known: that
// it could not be read is told by the search.
func (l glance) Close(*plimsoll.LayerReport) (found bool, err error) {
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
