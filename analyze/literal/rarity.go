package literal

import (
	"encoding/binary"
	"math/bits"
)

// rarest chooses where to take the two pieces of n bytes of a pattern from: where its bytes are
// unusual in files, and not where many other patterns have theirs.
func rarest(p []byte, n int, k kind, seen map[uint64]int) int {
	best, lowest := 0, ^uint64(0)
	for at := 0; at+n < len(p) && at < 256; at++ {
		cost := uint64(0)
		for i := range 2 {
			var word [8]byte
			copy(word[:n], p[at+i:])
			cost += 1 << min(commonness(p[at+i:at+i+n]), 60)
			if others := seen[(binary.LittleEndian.Uint64(word[:])|foldMask)&uint64(k)]; others > 0 {
				cost <<= min(bits.Len(uint(others)), 3)
			}
		}
		if cost < lowest {
			best, lowest = at, cost
		}
	}
	return best
}

// commonness says how usual some bytes are in files, folded, in doublings over the
// rarest: what counts is only the order.
func commonness(piece []byte) int {
	n, same := 0, 0
	for i, c := range piece {
		n += int(usual[c|0x20])
		if i > 0 && c == piece[i-1] {
			same++
		}
	}
	return n + 4*same // runs of one byte are far more usual than its share says
}

// usual has, for each folded byte, how often it comes in programs, text and archives together,
// in doublings over the rarest.
var usual = func() (t [256]uint8) {
	for i := range t {
		t[i] = 2
	}
	for c := 0x20; c < 0x7f; c++ {
		t[c] = 3
	}
	for _, c := range []byte("\x20") { // blank and, folded, NUL
		t[c] = 9
	}
	for _, c := range []byte("etaoinsr") {
		t[c] = 7
	}
	for _, c := range []byte("lcdupm") {
		t[c] = 6
	}
	for _, c := range []byte("fghbvxy_./-0123,*()=\x2a\x2d") {
		t[c] = 5
	}
	for _, c := range []byte("wk456789:;\"'") {
		t[c] = 4
	}
	for _, c := range []byte("\xff\xe8\x6c\x2c\x28\x24") {
		t[c] = max(t[c], 6)
	}
	return t
}()
