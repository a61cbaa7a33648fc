package secret

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/analyze/literal"
	"plimsoll/analyze/members"
)

// Analyzer looks for secrets in every regular file of a layer, and in members of archives.
type Analyzer struct {
	id     plimsoll.AnalyzerID
	engine func() *Engine
}

// NewAnalyzer makes the analyzer of an engine.
func NewAnalyzer(e *Engine) *Analyzer {
	return &Analyzer{id: e.ID(), engine: func() *Engine { return e }}
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
	return &run{Analyzer: a, found: map[string][]plimsoll.Secret{}}
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
}

// Entry implements analyze.EntryAnalyzer: a later entry of the same path replaces an earlier one.
func (r *run) Entry(e plimsoll.Entry, _ *plimsoll.LayerReport) { delete(r.found, e.Path) }

// Look implements analyze.ContentAnalyzer.
func (r *run) Look(c analyze.Content) analyze.Look {
	if !c.Hits && !r.engine().Telling(c.Path) {
		return nil
	}
	if c.Bytes != nil {
		return glance{r, c.File, r.engine().OpenBytes(c.Path, c.Bytes)}
	}
	return glance{r, c.File, r.engine().Open(c.Path, c.ReaderAt, c.Size)}
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
}

// End implements analyze.Ender.
func (r *run) End(out *plimsoll.LayerReport) {
	for _, path := range slices.Sorted(maps.Keys(r.found)) {
		list := r.found[path]
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

// glance is one file, or member of an archive.
type glance struct {
	run  *run
	file string // of the layer
	*File
}

// Close implements analyze.Look.
func (l glance) Close(*plimsoll.LayerReport) (found bool, err error) {
	list, err := l.File.Close()
	if len(list) > 0 {
		l.run.found[l.file] = append(l.run.found[l.file], list...)
	}
	return len(list) > 0, err
}
