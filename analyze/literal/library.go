package literal

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"sync"
)

// Needs says in which content a pattern is of any use to its owner; the zero value: in all.
type Needs struct {
	Begins []uint16 // the content begins with one of these: two bytes, the first one the low one; nil = with anything
	Text   bool     // no byte of the content's head is zero
}

// maxBegins bounds the beginnings that get matchers of their own, about 1 MiB each, made when first wanted.
const maxBegins = 7

// Library searches each sort of content for those patterns only that are of use in it. It may serve any number of
// concurrent scans.
type Library struct {
	patterns []Pattern
	begins   []uint16 // with matchers of their own
	sorts    [2 * (maxBegins + 1)]sort
}

type sort struct {
	once    sync.Once
	matcher *Matcher
}

// NewLibrary makes a library. Its errors are those of New.
func NewLibrary(patterns []Pattern) (*Library, error) {
	if err := check(patterns); err != nil {
		return nil, err
	}
	l := &Library{patterns: patterns}
	counts := map[uint16]int{}
	for i := range patterns {
		for _, b := range patterns[i].Needs.Begins {
			counts[b]++
		}
	}
	l.begins = slices.SortedFunc(maps.Keys(counts), func(a, b uint16) int {
		return cmp.Or(counts[b]-counts[a], int(a)-int(b))
	})
	l.begins = l.begins[:min(len(l.begins), maxBegins)]
	return l, nil
}

// For returns the matcher for content that begins with head: all of its bytes, or as many as are at hand, at least two. Hits
// have the numbers of the patterns in the list given to NewLibrary. A pattern that content does not need may
// be reported all the same.
func (l *Library) For(head []byte) *Matcher {
	begins := -1
	if len(head) >= 2 {
		begins = slices.Index(l.begins, uint16(head[0])|uint16(head[1])<<8)
	}
	text := bytes.IndexByte(head, 0) < 0
	index := 2 * (begins + 1)
	if text {
		index++
	}
	s := &l.sorts[index]
	s.once.Do(func() {
		s.matcher = build(l.patterns, func(p *Pattern) bool { return (text || !p.Needs.Text) && l.may(p.Needs.Begins, begins) })
	})
	return s.matcher
}

// may says whether content with one of the beginnings, or with none of them (-1), may be what a pattern needs.
func (l *Library) may(needed []uint16, begins int) bool {
	if len(needed) == 0 {
		return true
	}
	if begins >= 0 {
		return slices.Contains(needed, l.begins[begins])
	}
	return slices.ContainsFunc(needed, func(b uint16) bool { return !slices.Contains(l.begins, b) })
}
