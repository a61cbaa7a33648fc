package inflate

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestTablesHoldAnyCode builds tables for random complete codes and looks up every code word.
func TestTablesHoldAnyCode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if rapid.Bool().Draw(t, "literals") {
			checkCode(t, new(literalTable)[:], literalBits, 286, literalSymbols[:])
		} else {
			checkCode(t, new(distanceTable)[:], distanceBits, 30, distanceSymbols[:])
		}
	})
}

// drawCode returns the lengths of a complete code. It splits code words until there are enough, with a preference for long ones.
func drawCode(t *rapid.T, symbols int) []uint8 {
	lengths := []uint8{1, 1}
	deep := rapid.IntRange(0, 3).Draw(t, "deep")
	for want := rapid.IntRange(2, symbols).Draw(t, "symbols"); len(lengths) < want; {
		at := rapid.IntRange(0, len(lengths)-1).Draw(t, "split")
		for range deep {
			if other := rapid.IntRange(0, len(lengths)-1).Draw(t, "or"); lengths[other] > lengths[at] && lengths[other] < maxCodeBits {
				at = other
			}
		}
		if lengths[at] == maxCodeBits {
			at = slices.IndexFunc(lengths, func(n uint8) bool { return n < maxCodeBits })
		}
		lengths[at]++
		lengths = append(lengths, lengths[at])
	}
	return rapid.Permutation(append(lengths, make([]uint8, symbols-len(lengths))...)).Draw(t, "lengths")
}

func checkCode(t *rapid.T, table []uint32, first uint, symbols int, meanings []uint32) {
	lengths := drawCode(t, symbols)
	if !buildTable(table, first, lengths, meanings) {
		t.Fatalf("a complete code was refused: %v", lengths)
	}
	word, last := 0, uint8(0)
	for n := uint8(1); n <= maxCodeBits; n++ {
		for i, length := range lengths {
			if length != n {
				continue
			}
			word <<= n - last
			last = n
			bits := uint64(0)
			for k := range int(n) { // codes come with their highest bit first
				bits |= uint64(word>>(int(n)-1-k)&1) << k
			}
			word++
			took := uint32(0)
			e := table[bits&(1<<first-1)]
			if isLink(e) {
				took = uint32(first)
				e = table[linkTarget(e, bits>>first)]
			}
			if took += e >> 8 & 0xff; took != uint32(n) || e>>16 != meanings[i]>>16 {
				t.Fatalf("symbol %d of %d bits: entry %x of %d bits", i, n, e, took)
			}
		}
	}
}

func TestCodesThatAreRefused(t *testing.T) {
	for name, lengths := range map[string][]uint8{
		"over-subscribed": {1, 1, 1}, "incomplete": {1, 2}, "one long word": {0, 2}, "far over": {1, 2, 2, 15},
	} {
		if buildTable(new(literalTable)[:], literalBits, lengths, literalSymbols[:]) {
			t.Errorf("%s code was accepted", name)
		}
	}
	for name, lengths := range map[string][]uint8{"no word": {0, 0}, "one word": {0, 1}} {
		table := new(literalTable)
		if !buildTable(table[:], literalBits, lengths, literalSymbols[:]) || table[1] != invalidEntry {
			t.Errorf("%s: refused, or more than it has", name)
		}
	}
}
