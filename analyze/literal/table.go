package literal

import (
	"cmp"
	"math/bits"
	"slices"
)

// pieceKind is a mask of the bytes that a piece determines in the eight bytes at a position.
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
	factorLong = 0x9E3779B97F4A7C15 // 2⁶⁴ divided by the golden ratio: distributes adjacent values
	factor     = 0x9E3779B1         // the same for 2³²

	factorSieve = 0xD6E8FEB86659FD93 // odd, and different from the others
)

// The sizes are constant, so that the loop needs neither bounds checks nor variable shifts. Both bitmaps fit into the
// second-level cache.
const (
	bitmapBits  = 21
	sieveBits   = 19
	bitmapWords = 1 << (bitmapBits - 6)
	sieveWords  = 1 << (sieveBits - 6)
)

// sieveHash hashes a piece. It is independent of the hashes for the bitmap and the buckets.
func sieveHash(piece uint64) uint64 { return (piece ^ piece>>23) * factorSieve >> (64 - sieveBits) }

// fourHash hashes four folded bytes.
func fourHash(w uint32) uint32 { return w * factor >> (32 - bitmapBits) }

// pieceEntry is a piece of a pattern. If the folded and masked bytes at a position are equal to piece, and the four
// folded bytes at extraAt from the position are equal to extra, the pattern may start distance bytes before the position.
// Pieces of different kinds are never equal, because a folded byte is never zero.
type pieceEntry struct {
	piece    uint64
	extra    uint32 // 0 means that the pattern is too short for extra bytes
	pattern  uint32
	distance int32
	extraAt  int32 // distance of the extra bytes from the position
}

// pieceTable contains the pieces of all patterns.
type pieceTable struct {
	bitmap      []uint64    // by hash of four folded bytes: whether a piece may match
	kinds       []pieceKind // the kinds in use
	sieve       []uint64    // by sieveHash of a piece: whether an entry may exist; avoids most lookups in starts
	starts      []uint32    // by bucket: index of its first entry; one more at the end
	bucketShift uint8       // shift of the hash in bucketOf
	entries     []pieceEntry
}

// build sorts the entries by bucket and fills the bitmap, the sieve and the buckets.
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

// kindOf returns the kind of a piece.
func kindOf(piece uint64) pieceKind {
	var k pieceKind
	for i := range 8 {
		if piece>>(8*i)&0xff != 0 {
			k |= 0xff << (8 * i)
		}
	}
	return k
}

// bucketOf returns the bucket of a piece.
func (t *pieceTable) bucketOf(piece uint64) uint64 { return piece * factorLong >> t.bucketShift }

// markWords sets the bits of all four-byte words that match a piece.
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
