package literal

import (
	"cmp"
	"math/bits"
	"slices"
)

// pieceKind says which of the eight bytes at a position a piece fixes.
type pieceKind uint64

const (
	kindNone      pieceKind = 0
	kindSix       pieceKind = 0x0000ffffffffffff
	kindFour      pieceKind = 0xffffffff
	kindThree     pieceKind = 0x00ffffff
	kindHighThree pieceKind = 0xffffff00
	kindTwo       pieceKind = 0x0000ffff
	kindMiddleTwo pieceKind = 0x00ffff00
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

// pieceEntry is a piece of a pattern: if the bytes at a position, folded and masked, are piece, and the four folded bytes at a
// distance are extra, then the pattern may start at the position minus back. Pieces of different kinds are
// never equal, because a folded byte is never zero.
type pieceEntry struct {
	piece    uint64
	extra    uint32 // 0 = the pattern is too short for one
	pattern  uint32
	distance int32
	extraAt  int32 // distance of extra from the position
}

// pieceTable has the pieces of all patterns.
type pieceTable struct {
	bitmap      []uint64    // hash of the folded bytes → "perhaps"
	kinds       []pieceKind // the kinds in use
	sieve       []uint64    // another hash of a piece → "perhaps": spares most looks into what follows
	starts      []uint32    // hash of a piece → its first entry; one more at the end
	bucketShift uint8       // shift of the hash for starts
	entries     []pieceEntry
}

// build sorts the entries by the hash of their pieces and fills bitmap and buckets.
func (t *pieceTable) build() {
	t.bitmap, t.sieve = make([]uint64, bitmapWords), make([]uint64, sieveWords)
	t.bucketShift = uint8(64 - min(max(bits.Len(uint(len(t.entries))), 8), 18))
	for _, e := range t.entries {
		k := kindOf(e.piece)
		if !slices.Contains(t.kinds, k) {
			t.kinds = append(t.kinds, k)
		}
		t.markWords(e.piece, k)
		h := sieveHash(e.piece)
		t.sieve[h>>6] |= 1 << (h & 63)
	}
	slices.SortStableFunc(t.entries, func(a, b pieceEntry) int {
		return cmp.Compare(t.bucketOf(a.piece), t.bucketOf(b.piece))
	})
	t.starts = make([]uint32, 1<<(64-t.bucketShift)+1)
	for _, e := range t.entries {
		t.starts[t.bucketOf(e.piece)+1]++
	}
	for i := 1; i < len(t.starts); i++ {
		t.starts[i] += t.starts[i-1]
	}
}

// kindOf says which bytes a piece fixes.
func kindOf(piece uint64) pieceKind {
	var k pieceKind
	for i := range 8 {
		if piece>>(8*i)&0xff != 0 {
			k |= 0xff << (8 * i)
		}
	}
	return k
}

// bucketOf is the bucket of a piece.
func (t *pieceTable) bucketOf(piece uint64) uint64 { return piece * factorLong >> t.bucketShift }

// markWords sets the bits of every word that has the piece in it.
func (t *pieceTable) markWords(piece uint64, k pieceKind) {
	open := ^uint32(k) & 0xdfdfdfdf // a folded byte always has the bit 0x20
	for sub := open; ; sub = (sub - 1) & open {
		t.setBit(fourHash(uint32(piece) | sub | foldMask&0xffffffff))
		if sub == 0 {
			return
		}
	}
}

func (t *pieceTable) setBit(hash uint32) { t.bitmap[hash>>6] |= 1 << (hash & 63) }
