package literal

import (
	"cmp"
	"math/bits"
	"slices"
)

// kind says which of the eight bytes at a position a piece fixes.
type kind uint64

const (
	six       kind = 0x0000ffffffffffff
	four      kind = 0xffffffff
	lowThree  kind = 0x00ffffff
	highThree kind = 0xffffff00
	lowTwo    kind = 0x0000ffff
	midTwo    kind = 0x00ffff00
)

const (
	foldMask   = 0x2020202020202020
	factorLong = 0x9E3779B97F4A7C15 // 2⁶⁴ divided by the golden ratio: spreads neighbouring values
	factor     = 0x9E3779B1         // the same of 2³²
)

// entry is a piece of a pattern: if the bytes at a position, folded and masked by kind, are
// piece, then the pattern may start at the position minus back.
type entry struct {
	piece   uint64
	kind    kind
	pattern uint32
	back    int32
}

// table has pieces that are all hashed alike: six bytes by 64 bits, or up to four by 32.
type table struct {
	bitmap  []uint64 // hash of the folded bytes → "perhaps"
	shift   uint8    // of the hash
	kinds   []kind   // the kinds in use
	starts  []uint32 // hash of a piece → its first entry; one more at the end
	bucket  uint8    // shift of the hash for starts
	entries []entry
}

// index sorts the entries by the hash of their pieces and fills bitmap and buckets.
func (t *table) index() {
	t.shift = uint8(64 - min(max(bits.Len(uint(len(t.entries)))+6, 15), 21))
	t.bitmap = make([]uint64, 1<<(64-t.shift-6))
	t.bucket = uint8(64 - min(max(bits.Len(uint(len(t.entries))), 8), 18))
	for _, e := range t.entries {
		if !slices.Contains(t.kinds, e.kind) {
			t.kinds = append(t.kinds, e.kind)
		}
		t.mark(e)
	}
	slices.SortStableFunc(t.entries, func(a, b entry) int {
		return cmp.Compare(t.slot(a.piece, a.kind), t.slot(b.piece, b.kind))
	})
	t.starts = make([]uint32, 1<<(64-t.bucket)+1)
	for _, e := range t.entries {
		t.starts[t.slot(e.piece, e.kind)+1]++
	}
	for i := 1; i < len(t.starts); i++ {
		t.starts[i] += t.starts[i-1]
	}
}

// slot is the bucket of a piece.
func (t *table) slot(piece uint64, k kind) uint64 {
	return (piece ^ uint64(k)>>7) * factorLong >> t.bucket
}

// mark sets the bits of every word that has the piece in it.
func (t *table) mark(e entry) {
	if e.kind == six {
		t.set(e.piece << 16 * factorLong >> t.shift)
		return
	}
	open := ^uint32(e.kind) &^ uint32(foldMask&0xffffffff) // a folded byte always has the bit 0x20
	for sub := open; ; sub = (sub - 1) & open {
		t.set(uint64((uint32(e.piece) | sub | foldMask&0xffffffff) * factor >> (t.shift - 32)))
		if sub == 0 {
			return
		}
	}
}

func (t *table) set(hash uint64) { t.bitmap[hash>>6] |= 1 << (hash & 63) }
