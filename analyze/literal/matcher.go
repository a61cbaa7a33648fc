package literal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// Bounds of a pattern set.
const (
	MinLength   = 2       // bytes of a pattern
	MaxLength   = 4096    // bytes of a pattern; a State keeps that much between windows
	MaxPatterns = 1 << 20 // patterns of a set
)

// Errors of New and NewLibrary, wrapped with the number of the pattern.
var (
	ErrEmpty   = errors.New("empty pattern")
	ErrShort   = fmt.Errorf("pattern shorter than %d bytes", MinLength)
	ErrLong    = fmt.Errorf("pattern longer than %d bytes", MaxLength)
	ErrTooMany = fmt.Errorf("more than %d patterns", MaxPatterns)
)

// Pattern is a byte string to find. With Fold, ASCII letters match in either case. A UTF-16 pattern is given as its
// bytes, zeros included; Fold works on it too.
type Pattern struct {
	Bytes []byte
	Fold  bool
	Scope Scope // used by a Library, ignored by a Matcher
}

// Hit is one occurrence: the index of the pattern in the list given to New, and the offset of its first byte in the
// stream.
type Hit struct {
	Pattern int
	Offset  int64
}

// Matcher finds a set of patterns. It is immutable and safe for concurrent use.
type Matcher struct {
	table   pieceTable
	stored  []storedPattern
	text    []byte // all patterns, concatenated; those with Fold in lower case
	longest int
}

type storedPattern struct {
	at, size uint32
	number   uint32
	fold     bool
}

// New returns a matcher. Equal patterns are allowed; each is reported.
func New(patterns []Pattern) (*Matcher, error) {
	if err := checkPatterns(patterns); err != nil {
		return nil, err
	}
	return newMatcher(patterns, func(*Pattern) bool { return true }), nil
}

func checkPatterns(patterns []Pattern) error {
	if len(patterns) > MaxPatterns {
		return fmt.Errorf("%w: %d", ErrTooMany, len(patterns))
	}
	for i, p := range patterns {
		switch {
		case len(p.Bytes) == 0:
			return fmt.Errorf("pattern %d: %w", i, ErrEmpty)
		case len(p.Bytes) < MinLength:
			return fmt.Errorf("pattern %d: %w", i, ErrShort)
		case len(p.Bytes) > MaxLength:
			return fmt.Errorf("pattern %d: %w: %d", i, ErrLong, len(p.Bytes))
		}
	}
	return nil
}

// newMatcher builds a matcher from the patterns for which use returns true. They keep their numbers.
func newMatcher(patterns []Pattern, use func(*Pattern) bool) *Matcher {
	m := &Matcher{}
	seen := map[uint64]int{}
	for i := range patterns {
		p := &patterns[i]
		if !use(p) {
			continue
		}
		m.longest = max(m.longest, len(p.Bytes))
		m.stored = append(m.stored, storedPattern{at: uint32(len(m.text)), size: uint32(len(p.Bytes)), number: uint32(i), fold: p.Fold})
		for _, c := range p.Bytes {
			if p.Fold {
				c = lowerByte(c)
			}
			m.text = append(m.text, c)
		}
		m.addPattern(uint32(len(m.stored)-1), p.Bytes, seen)
	}
	m.table.build()
	return m
}

// addPattern enters two pieces of a pattern, the cheapest at an even and at an odd distance from its start. Whether the
// pattern begins at an even or odd offset, one of them is at a position that the scan tests.
func (m *Matcher) addPattern(pattern uint32, p []byte, seen map[uint64]int) {
	for parity := range 2 {
		var best pieceEntry
		var kind pieceKind
		lowest := ^uint64(0)
		for distance := -parity; distance < min(len(p)-1, 256); distance += 2 {
			k := pieceKindAt(p, distance)
			if k == kindNone {
				continue
			}
			e := pieceEntry{piece: pieceAt(p, distance, k), pattern: pattern, distance: int32(distance)}
			if c := pieceCost(p, e, k, seen); c < lowest {
				best, kind, lowest = e, k, c
			}
		}
		seen[best.piece]++
		best.extraAt, best.extra = chooseExtra(p, best, kind)
		m.table.entries = append(m.table.entries, best)
	}
}

// chooseExtra chooses four bytes outside of a piece that avoid the most comparisons of the whole pattern; 0 means that
// there are none.
func chooseExtra(p []byte, e pieceEntry, k pieceKind) (at int32, folded uint32) {
	from, to := int(e.distance), int(e.distance)+bits.Len64(uint64(k))/8
	best, lowest := -1, int(^uint(0)>>1)
	for i := 0; i+4 <= len(p) && i < 512; i++ {
		if shared := min(i+4, to) - max(i, from); shared > 2 {
			continue
		}
		if f := Frequency(p[i : i+4]); f < lowest {
			best, lowest = i, f
		}
	}
	if best < 0 {
		return 0, 0
	}
	return int32(best - from), binary.LittleEndian.Uint32(p[best:]) | foldMask&0xffffffff
}

// pieceKindAt returns the kind of piece that a pattern has at a distance from its start.
func pieceKindAt(p []byte, distance int) pieceKind {
	switch n := len(p) - max(distance, 0); {
	case distance >= 0 && n >= 6:
		return kindSix
	case distance >= 0 && n >= 4:
		return kindFour
	case len(p) >= 7:
		return kindNone
	case distance < 0 && n >= 3:
		return kindHighThree
	case distance < 0:
		return kindMiddleTwo
	case n == 3:
		return kindThree
	case n == 2 && len(p) <= 3:
		return kindTwo
	}
	return kindNone
}

// pieceAt returns the bytes that a pattern determines in the word at a distance from its start.
func pieceAt(p []byte, distance int, k pieceKind) uint64 {
	var word [8]byte
	for i := range word {
		if at := distance + i; at >= 0 && at < len(p) {
			word[i] = p[at]
		}
	}
	return (binary.LittleEndian.Uint64(word[:]) | foldMask) & uint64(k)
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}
