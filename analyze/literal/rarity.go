package literal

import (
	_ "embed" // the table below
	"math/bits"
)

// pairs has, for each two neighbouring folded bytes, how often they come in 2²⁸ bytes of programs, text and
// archives taken in equal parts, as a logarithm in quarters of a doubling. TestPairs -update measures it anew.
//
//go:embed pairs.bin
var pairs string

// class numbers the 128 folded bytes.
func class(c byte) int { return int(c&0x1f | c>>1&0x60) }

// pairsOf is the logarithm of how often a byte begins a pair.
var pairsOf = func() (t [128]int) {
	for a := range t {
		sum := uint64(0)
		for b := range 128 {
			sum += uint64(1) << (pairs[a<<7|b] >> 2)
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
		a, b := class(piece[i]), class(piece[i+1])
		n += int(pairs[a<<7|b])
		if i > 0 {
			n -= pairsOf[a]
		}
	}
	return n >> 2
}

// cost estimates what a piece costs a scan: calls where its hash is met, comparisons where the piece is
// met, more if other patterns have it too. Only the order counts.
func cost(p []byte, e entry, k kind, seen map[uint64]int) uint64 {
	often := func(from, n int) uint64 {
		from = max(from, 0)
		return 1 << min(max(Frequency(p[from:min(from+n, len(p))])+24, 0), 56)
	}
	var c uint64
	switch back := int(e.back); k {
	case six, four:
		c = often(back, 4)
	case three, highThree:
		c = often(back, 3) + 1<<42 // the marks of an open byte are met by chance
	default:
		c = often(back, 2) + 1<<49
	}
	if others := seen[e.piece]; others > 0 {
		c <<= min(bits.Len(uint(others)), 3)
	}
	return c
}
