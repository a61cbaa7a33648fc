package literal

import (
	"cmp"
	"math/bits"
	"slices"
)

// kind says which of the eight bytes at a position a piece fixes.
type kind uint64

const (
	none      kind = 0
	six       kind = 0x0000ffffffffffff
	four      kind = 0xffffffff
	three     kind = 0x00ffffff
	highThree kind = 0xffffff00
	two       kind = 0x0000ffff
	middleTwo kind = 0x00ffff00
)

const (
	foldMask   = 0x2020202020202020
	factorLong = 0x9E3779B97F4A7C15 // 2⁶⁴ divided by the golden ratio: spreads neighbouring values
	factor     = 0x9E3779B1         // the same of 2³²

	factorSieve = 0xD6E8FEB86659FD93 // odd, and unlike the others
)

// Sizes are constant, so that the loop needs neither bounds checks nor shifts by a variable: both
// bitmaps fit the second cache.
const (
	bitmapBits  = 21
	sieveBits   = 19
	bitmapWords = 1 << (bitmapBits - 6)
	sieveWords  = 1 << (sieveBits - 6)
)

// sieveHash hashes a piece otherwise than the two.
func sieveHash(piece uint64) uint64 { return (piece ^ piece>>23) * factorSieve >> (64 - sieveBits) }

// fourHash hashes four folded bytes.
func fourHash(w uint32) uint32 { return w * factor >> (32 - bitmapBits) }

// entry is a piece of a pattern: if the bytes at a position, folded and masked, are piece, and the four folded bytes at a
// distance are extra, then the pattern may start at the position minus back. Pieces of different kinds are
// never equal, because a folded byte is never zero.
type entry struct {
	piece   uint64
	extra   uint32 // 0 = the pattern is too short for one
	pattern uint32
	back    int32
	at      int32 // distance of extra from the position
}

// table has the pieces of all patterns.
type table struct {
	bitmap  []uint64 // hash of the folded bytes → "perhaps"
	kinds   []kind   // the kinds in use
	sieve   []uint64 // another hash of a piece → "perhaps": spares most looks into what follows
	starts  []uint32 // hash of a piece → its first entry; one more at the end
	bucket  uint8    // shift of the hash for starts
	entries []entry
}

// index sorts the entries by the hash of their pieces and fills bitmap and buckets.
func (t *table) index() {
	t.bitmap, t.sieve = make([]uint64, bitmapWords), make([]uint64, sieveWords)
	t.bucket = uint8(64 - min(max(bits.Len(uint(len(t.entries))), 8), 18))
	for _, e := range t.entries {
		k := kindOf(e.piece)
		if !slices.Contains(t.kinds, k) {
			t.kinds = append(t.kinds, k)
		}
		t.mark(e.piece, k)
		h := sieveHash(e.piece)
		t.sieve[h>>6] |= 1 << (h & 63)
	}
	slices.SortStableFunc(t.entries, func(a, b entry) int {
		return cmp.Compare(t.slot(a.piece), t.slot(b.piece))
	})
	t.starts = make([]uint32, 1<<(64-t.bucket)+1)
	for _, e := range t.entries {
		t.starts[t.slot(e.piece)+1]++
	}
	for i := 1; i < len(t.starts); i++ {
		t.starts[i] += t.starts[i-1]
	}
}

// kindOf says which bytes a piece fixes.
func kindOf(piece uint64) kind {
	var k kind
	for i := range 8 {
		if piece>>(8*i)&0xff != 0 {
			k |= 0xff << (8 * i)
		}
	}
	return k
}

// slot is the bucket of a piece.
func (t *table) slot(piece uint64) uint64 { return piece * factorLong >> t.bucket }

// mark sets the bits of every word that has the piece in it.
func (t *table) mark(piece uint64, k kind) {
	open := ^uint32(k) & 0xdfdfdfdf // a folded byte always has the bit 0x20
	for sub := open; ; sub = (sub - 1) & open {
		t.set(fourHash(uint32(piece) | sub | foldMask&0xffffffff))
		if sub == 0 {
			return
		}
	}
}

func (t *table) set(hash uint32) { t.bitmap[hash>>6] |= 1 << (hash & 63) }
