package literal

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"sync"
)

// Scope restricts the contents in which a pattern is useful to its owner. The zero value is any content.
type Scope struct {
	Magics   []uint16 // the content begins with one of these byte pairs, as little-endian numbers; nil allows any
	TextOnly bool     // the head of the content has no zero byte
}

// maxMagics bounds the byte pairs with matchers of their own. A matcher takes about 1 MiB and is built on first use.
const maxMagics = 7

// Library searches each kind of content only for the patterns that are useful in it. It is safe for concurrent use.
type Library struct {
	patterns []Pattern
	magics   []uint16 // those with matchers of their own
	matchers [2 * (maxMagics + 1)]lazyMatcher
}

type lazyMatcher struct {
	once    sync.Once
	matcher *Matcher
}

// NewLibrary returns a library of the patterns. Its errors are those of New.
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

// For returns the matcher for content that begins with head: the whole content, or at least its first two bytes. The hits
// have the numbers of the patterns in the list given to NewLibrary. The matcher may also report patterns whose scope does
// not include the content.
func (l *Library) For(head []byte) *Matcher {
	magic := -1
	if len(head) >= 2 {
		magic = slices.Index(l.magics, uint16(head[0])|uint16(head[1])<<8)
	}
	text := bytes.IndexByte(head, 0) < 0
	index := 2 * (magic + 1)
	if text {
		index++
	}
	s := &l.matchers[index]
	s.once.Do(func() {
		s.matcher = newMatcher(l.patterns, func(p *Pattern) bool { return (text || !p.Scope.TextOnly) && l.inScope(p.Scope.Magics, magic) })
	})
	return s.matcher
}

// inScope reports whether content may be in the scope of a pattern. magic is an index into l.magics, or -1 for any other
// beginning.
func (l *Library) inScope(magics []uint16, magic int) bool {
	if len(magics) == 0 {
		return true
	}
	if magic >= 0 {
		return slices.Contains(magics, l.magics[magic])
	}
	return slices.ContainsFunc(magics, func(b uint16) bool { return !slices.Contains(l.magics, b) })
}
