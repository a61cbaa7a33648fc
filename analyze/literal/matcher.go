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
	Scope Scope // a Matcher ignores it; a Library goes by it
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
	table   pieceTable
	stored  []storedPattern
	text    []byte // all patterns, one after another; folded ones in lower case
	longest int
}

type storedPattern struct {
	at, size uint32
	number   uint32
	fold     bool
}

// New makes a matcher. Equal patterns are allowed and each is reported.
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

// newMatcher makes a matcher of some of the patterns; they keep their numbers.
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

// addPattern adds two pieces of a pattern, the rarest at an even and at an odd distance from its start: whatever the
// parity of its offset, one of them is at a position that is looked at.
func (m *Matcher) addPattern(pattern uint32, p []byte, seen map[uint64]int) {
	for parity := range 2 {
		var best pieceEntry
		var fixed pieceKind
		lowest := ^uint64(0)
		for back := -parity; back < min(len(p)-1, 256); back += 2 {
			k := pieceKindAt(p, back)
			if k == kindNone {
				continue
			}
			e := pieceEntry{piece: pieceAt(p, back, k), pattern: pattern, distance: int32(back)}
			if c := pieceCost(p, e, k, seen); c < lowest {
				best, fixed, lowest = e, k, c
			}
		}
		seen[best.piece]++
		best.extraAt, best.extra = chooseExtra(p, best, fixed)
		m.table.entries = append(m.table.entries, best)
	}
}

// chooseExtra chooses four bytes outside of a piece that spare most comparisons of the whole; 0 = there are none.
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

// pieceKindAt is the kind of piece that a pattern has at a distance from its start.
func pieceKindAt(p []byte, back int) pieceKind {
	switch n := len(p) - max(back, 0); {
	case back >= 0 && n >= 6:
		return kindSix
	case back >= 0 && n >= 4:
		return kindFour
	case len(p) >= 7:
		return kindNone
	case back < 0 && n >= 3:
		return kindHighThree
	case back < 0:
		return kindMiddleTwo
	case n == 3:
		return kindThree
	case n == 2 && len(p) <= 3:
		return kindTwo
	}
	return kindNone
}

// pieceAt is what a pattern fixes of the word at a distance from its start.
func pieceAt(p []byte, back int, k pieceKind) uint64 {
	var word [8]byte
	for i := range word {
		if at := back + i; at >= 0 && at < len(p) {
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
