package literal

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"sync"
)

// Scope says in which content a pattern is of any use to its owner; the zero value: in all.
type Scope struct {
	Magics   []uint16 // the content begins with one of these: two bytes, the first one the low one; nil = with anything
	TextOnly bool     // no byte of the content's head is zero
}

// maxMagics bounds the beginnings that get matchers of their own, about 1 MiB each, made when first wanted.
const maxMagics = 7

// Library searches each sort of content for those patterns only that are of use in it. It may serve any number of
// concurrent scans.
type Library struct {
	patterns []Pattern
	magics   []uint16 // with matchers of their own
	matchers [2 * (maxMagics + 1)]lazyMatcher
}

type lazyMatcher struct {
	once    sync.Once
	matcher *Matcher
}

// NewLibrary makes a library. Its errors are those of New.
func NewLibrary(patterns []Pattern) (*Library, error) {
	if err := checkPatterns(patterns); err != nil {
		return nil, err
	}
	l := &Library{patterns: patterns}
	counts := map[uint16]int{}
	for i := range patterns {
		for _, b := range patterns[i].Scope.Magics {
			counts[b]++
		}
	}
	l.magics = slices.SortedFunc(maps.Keys(counts), func(a, b uint16) int {
		return cmp.Or(counts[b]-counts[a], int(a)-int(b))
	})
	l.magics = l.magics[:min(len(l.magics), maxMagics)]
	return l, nil
}

// For returns the matcher for content that begins with head: all of its bytes, or as many as are at hand, at least two. Hits
// have the numbers of the patterns in the list given to NewLibrary. A pattern that content does not need may
// be reported all the same.
func (l *Library) For(head []byte) *Matcher {
	begins := -1
	if len(head) >= 2 {
		begins = slices.Index(l.magics, uint16(head[0])|uint16(head[1])<<8)
	}
	text := bytes.IndexByte(head, 0) < 0
	index := 2 * (begins + 1)
	if text {
		index++
	}
	s := &l.matchers[index]
	s.once.Do(func() {
		s.matcher = newMatcher(l.patterns, func(p *Pattern) bool { return (text || !p.Scope.TextOnly) && l.inScope(p.Scope.Magics, begins) })
	})
	return s.matcher
}

// inScope says whether content with one of the beginnings, or with none of them (-1), may be what a pattern needs.
func (l *Library) inScope(needed []uint16, begins int) bool {
	if len(needed) == 0 {
		return true
	}
	if begins >= 0 {
		return slices.Contains(needed, l.magics[begins])
	}
	return slices.ContainsFunc(needed, func(b uint16) bool { return !slices.Contains(l.magics, b) })
}
