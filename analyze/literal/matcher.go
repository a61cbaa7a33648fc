package literal

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Bounds of a pattern set.
const (
	MinLength   = 2       // bytes of a pattern
	MaxLength   = 4096    // bytes of a pattern; a State keeps that much between windows
	MaxPatterns = 1 << 20 // patterns of a set
)

// Errors of New. They come wrapped with the pattern's number.
var (
	ErrEmpty   = errors.New("empty pattern")
	ErrShort   = fmt.Errorf("pattern shorter than %d bytes", MinLength)
	ErrLong    = fmt.Errorf("pattern longer than %d bytes", MaxLength)
	ErrTooMany = fmt.Errorf("more than %d patterns", MaxPatterns)
)

// Pattern is a byte string to find. With Fold, ASCII letters match in either case.
// Wide (UTF-16) patterns are spelled out by the owner, zeros included; Fold works on them too.
type Pattern struct {
	Bytes []byte
	Fold  bool
}

// Hit is one occurrence: the number of the pattern in the list given to New, and the
// offset of the first byte from the start of the stream.
type Hit struct {
	Pattern int
	Offset  int64
}

// Matcher finds a set of patterns. It does not change after New and may serve any number
// of concurrent scans.
type Matcher struct {
	long    table // of patterns with seven bytes and more
	short   table
	stored  []stored
	text    []byte // all patterns, one after another; folded ones in lower case
	longest int
}

type stored struct {
	at, size uint32
	fold     bool
}

// New makes a matcher. Equal patterns are allowed and each is reported.
func New(patterns []Pattern) (*Matcher, error) {
	if len(patterns) > MaxPatterns {
		return nil, fmt.Errorf("%w: %d", ErrTooMany, len(patterns))
	}
	m := &Matcher{}
	seen := map[uint64]int{}
	for i, p := range patterns {
		switch {
		case len(p.Bytes) == 0:
			return nil, fmt.Errorf("pattern %d: %w", i, ErrEmpty)
		case len(p.Bytes) < MinLength:
			return nil, fmt.Errorf("pattern %d: %w", i, ErrShort)
		case len(p.Bytes) > MaxLength:
			return nil, fmt.Errorf("pattern %d: %w: %d", i, ErrLong, len(p.Bytes))
		}
		m.longest = max(m.longest, len(p.Bytes))
		m.stored = append(m.stored, stored{at: uint32(len(m.text)), size: uint32(len(p.Bytes)), fold: p.Fold})
		for _, c := range p.Bytes {
			if p.Fold {
				c = lower(c)
			}
			m.text = append(m.text, c)
		}
		m.enter(uint32(i), p.Bytes, seen)
	}
	m.long.index(longWords)
	m.short.index(shortWords)
	return m, nil
}

// enter adds the pieces of one pattern: a long one twice, so that whatever the parity of its offset, one
// of them is at a position where the long table is asked.
func (m *Matcher) enter(pattern uint32, p []byte, seen map[uint64]int) {
	add := func(t *table, k kind, back int) {
		var word [8]byte
		copy(word[:], p[back:])
		piece := (binary.LittleEndian.Uint64(word[:]) | foldMask) & uint64(k)
		seen[piece]++
		t.entries = append(t.entries, entry{piece: piece, kind: k, pattern: pattern, back: int32(back)})
	}
	switch len(p) {
	case 2:
		add(&m.short, two, 0)
	case 3:
		add(&m.short, three, 0)
	case 4, 5, 6:
		add(&m.short, four, rarest(p, 4, 1, four, seen))
	default:
		at := rarest(p, 6, 2, six, seen)
		add(&m.long, six, at)
		add(&m.long, six, at+1)
	}
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}
