package literal

import (
	_ "embed" // the table below
	"encoding/binary"
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

// rarest chooses where to take a number of neighbouring pieces of n bytes of a pattern from: where its bytes
// are unusual in files, and not where many other patterns have theirs.
func rarest(p []byte, n, pieces int, k kind, seen map[uint64]int) int {
	best, lowest := 0, ^uint64(0)
	for at := 0; at+n+pieces-1 <= len(p) && at < 256; at++ {
		cost := uint64(0)
		for i := range pieces {
			var word [8]byte
			copy(word[:n], p[at+i:])
			c := uint64(1) << max(Frequency(p[at+i:at+i+n])+24, 0)
			if others := seen[(binary.LittleEndian.Uint64(word[:])|foldMask)&uint64(k)]; others > 0 {
				c <<= min(bits.Len(uint(others)), 3)
			}
			cost += c
		}
		if cost < lowest {
			best, lowest = at, cost
		}
	}
	return best
}
