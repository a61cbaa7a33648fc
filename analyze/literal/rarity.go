package literal

import (
	_ "embed" // the table below
	"math/bits"
)

// pairTable has, for each two neighbouring folded bytes, how often they come in 2²⁸ bytes of programs, text and
// archives taken in equal parts, as a logarithm in quarters of a doubling. TestPairs -update measures it anew.
//
//go:embed pairs.bin
var pairTable string

// foldedClass numbers the 128 folded bytes.
func foldedClass(c byte) int { return int(c&0x1f | c>>1&0x60) }

// pairTotals is the logarithm of how often a byte begins a pair.
var pairTotals = func() (t [128]int) {
	for a := range t {
		sum := uint64(0)
		for b := range 128 {
			sum += uint64(1) << (pairTable[a<<7|b] >> 2)
		}
		t[a] = 4 * bits.Len64(sum)
	}
	return t
}()

// Frequency estimates how often some bytes, letters folded, come in a gibibyte of ordinary files, as a
// logarithm to the base 2; it may be negative. Owners choose by it where a pattern is rarest. Single
// bytes count as most frequent.
func Frequency(piece []byte) int {
	if len(piece) < 2 {
		return 30
	}
	n := 8 // the table is of a quarter of a gibibyte
	for i := range len(piece) - 1 {
		a, b := foldedClass(piece[i]), foldedClass(piece[i+1])
		n += int(pairTable[a<<7|b])
		if i > 0 {
			n -= pairTotals[a]
		}
	}
	return n >> 2
}

// pieceCost estimates what a piece costs a scan: calls where its hash is met, comparisons where the piece is
// met, more if other patterns have it too. Only the order counts.
func pieceCost(p []byte, e pieceEntry, k pieceKind, seen map[uint64]int) uint64 {
	often := func(from, n int) uint64 {
		from = max(from, 0)
		return 1 << min(max(Frequency(p[from:min(from+n, len(p))])+24, 0), 56)
	}
	var c uint64
	switch back := int(e.distance); k {
	case kindSix, kindFour:
		c = often(back, 4)
	case kindThree, kindHighThree:
		c = often(back, 3) + 1<<42 // the marks of an open byte are met by chance
	default:
		c = often(back, 2) + 1<<49
	}
	if others := seen[e.piece]; others > 0 {
		c <<= min(bits.Len(uint(others)), 3)
	}
	return c
}
