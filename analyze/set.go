package analyze

import (
	"context"
	"crypto/sha256"

	"plimsoll"
	"plimsoll/analyze/literal"
)

// Set is analyzers prepared to run together. It does not change, and is safe for concurrent use.
type Set struct {
	analyzers []Analyzer
	search    *literal.Library // for the literals of all Searchers; nil = there are none
	owners    []owner          // of the literals, in order
}

// owner is the analyzer of consecutive literals.
type owner struct {
	analyzer int // index in the set
	first    int // number of its first literal
}

// literalsEnd returns the number after the last literal of an owner.
func (s *Set) literalsEnd(owner int) int {
	if owner+1 < len(s.owners) {
		return s.owners[owner+1].first
	}
	return literal.MaxPatterns
}

// NewSet returns a set. It returns an error (Invalid) for literals that cannot be searched for.
func NewSet(analyzers []Analyzer) (*Set, error) {
	s := &Set{analyzers: analyzers}
	var patterns []literal.Pattern
	for i, a := range analyzers {
		if c, ok := a.(Searcher); ok {
			s.owners = append(s.owners, owner{analyzer: i, first: len(patterns)})
			patterns = append(patterns, c.Literals()...)
		}
	}
	if len(s.owners) == 0 {
		return s, nil
	}
	var err error
	if s.search, err = literal.NewLibrary(patterns); err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "what content is searched for: %w", err)
	}
	return s, nil
}

// Run starts a run over one layer. aliases is nil on the first read of a blob, and needAliases of
// Reports on the second.
func (s *Set) Run(ctx context.Context, budget plimsoll.Budget, aliases []string) *Run {
	r := &Run{
		ctx: ctx, budget: budget, set: s, hash: sha256.New(), buffers: bufferPool.Get().(*buffers), second: len(aliases) > 0,
		aliases: map[string]*content{}, found: map[string]Summed{}, looked: map[string]bool{}, modes: map[string]uint32{},
	}
	for _, path := range aliases {
		r.aliases[path] = nil
	}
	for _, a := range s.analyzers {
		if b, ok := a.(Beginner); ok {
			a = b.Begin()
		}
		p := part{Analyzer: a, out: plimsoll.LayerReport{Analyzer: a.ID()}}
		p.entries, _ = a.(EntryAnalyzer)
		p.files, _ = a.(FileAnalyzer)
		p.peek, _ = a.(Peeker)
		p.sums, _ = a.(FileSummer)
		p.content, _ = a.(ContentAnalyzer)
		r.sums = r.sums || p.sums != nil
		r.parts = append(r.parts, p)
	}
	return r
}
