package literal

import (
	_ "embed" // for pairTable
	"math/bits"
)

// pairTable contains, for every pair of adjacent folded bytes, how often it occurs in 2²⁸ bytes of programs, text and
// archives in equal parts, as four times the logarithm to the base 2. TestPairs -update measures it.
//
//go:embed pairs.bin
var pairTable string

// foldedClass numbers the 128 folded bytes.
func foldedClass(c byte) int { return int(c&0x1f | c>>1&0x60) }

// pairTotals is the logarithm of how often pairs begin with a byte.
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

// Frequency estimates how often bytes, with letters folded, occur in a gibibyte of ordinary files, as a logarithm to the
// base 2; it may be negative. Engines use it to choose the rarest part of a pattern. A single byte counts as most
// frequent.
func Frequency(piece []byte) int {
	if len(piece) < 2 {
		return 30
	}
	n := 8 // pairTable counts a quarter of a gibibyte
	for i := range len(piece) - 1 {
		a, b := foldedClass(piece[i]), foldedClass(piece[i+1])
		n += int(pairTable[a<<7|b])
		if i > 0 {
			n -= pairTotals[a]
		}
	}
	return n >> 2
}

// pieceCost estimates the cost of a piece for a scan: a call where its hash matches, a comparison where the piece
// matches, more if other patterns share it. Only the order of costs matters.
func pieceCost(p []byte, e pieceEntry, k pieceKind, seen map[uint64]int) uint64 {
	occurrences := func(from, n int) uint64 {
		from = max(from, 0)
		return 1 << min(max(Frequency(p[from:min(from+n, len(p))])+24, 0), 56)
	}
	var c uint64
	switch distance := int(e.distance); k {
	case kindSix, kindFour:
		c = occurrences(distance, 4)
	case kindThree, kindHighThree:
		c = occurrences(distance, 3) + 1<<42 // any value of an undetermined byte sets bits, which match by chance
	default:
		c = occurrences(distance, 2) + 1<<49
	}
	if others := seen[e.piece]; others > 0 {
		c <<= min(bits.Len(uint(others)), 3)
	}
	return c
}
