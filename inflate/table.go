package inflate

import (
	"math/bits"
	"sync"
)

// The next bits of the stream, lowest first, are the index into a table. The entry describes the code they begin with:
//
//	bits 0 to 7    length of the code and its extra bits together
//	bits 8 to 15   length of the code
//	bits 16 to 30  a literal, or the base of a length or distance
//	bit 30         a literal (of lengths and literals only)
//	bit 31         a special entry: see below
const (
	literalFlag = 1 << 30
	specialFlag = 1 << 31

	// Bits 28 and 29 give the kind of a special entry. If both are zero it is a link to a subtable: bits 0 to 7 are the number
	// of bits to drop, bits 8 to 15 the number of bits that index the subtable, bits 16 to 27 the subtable's first entry.
	endOfBlockEntry = specialFlag | 1<<29
	invalidEntry    = specialFlag | 1<<28
)

// Sizes of the tables. Codes that are longer than the index of the first table need subtables. The largest number of
// entries for an alphabet and an index size, with codes of up to 15 bits, comes from the program "enough" in zlib's examples.
const (
	maxCodeBits = 15

	literalBits, literalEntries   = 11, 2342 // 288 symbols
	distanceBits, distanceEntries = 8, 402   // 32 symbols
	lengthBits                    = 7        // 19 symbols of up to 7 bits: no subtables
)

type (
	literalTable  [literalEntries]uint32
	distanceTable [distanceEntries]uint32
)

// Entries of all symbols without the bits of the code (RFC 1951, sections 3.2.5 and 3.2.7).
var (
	literalSymbols  = symbolsOfLiterals()
	distanceSymbols = symbolsOfDistances()
	lengthSymbols   = symbolsOfLengths()
)

// symbolEntry returns an entry without the bits of the code.
func symbolEntry(base, extra int) uint32 { return uint32(base)<<16 | uint32(extra) }

func symbolsOfLiterals() (s [288]uint32) {
	for i := range 256 {
		s[i] = literalFlag | symbolEntry(i, 0)
	}
	s[256] = endOfBlockEntry
	base := 3
	for i := 257; i < 285; i++ {
		extra := max(0, (i-261)/4)
		s[i] = symbolEntry(base, extra)
		base += 1 << extra
	}
	s[285], s[286], s[287] = symbolEntry(258, 0), invalidEntry, invalidEntry
	return s
}

func symbolsOfDistances() (s [32]uint32) {
	base := 1
	for i := range 30 {
		extra := max(0, i/2-1)
		s[i] = symbolEntry(base, extra)
		base += 1 << extra
	}
	s[30], s[31] = invalidEntry, invalidEntry
	return s
}

// symbolsOfLengths returns the symbols of the code length code.
func symbolsOfLengths() (s [19]uint32) {
	for i := range s {
		s[i] = symbolEntry(i, 0)
	}
	return s
}

// buildTable fills a table for the code with these lengths (RFC 1951, section 3.2.2); length 0 means that the symbol is
// not used. It returns false for a code that is over-subscribed or incomplete; codes of one symbol or none are allowed.
func buildTable(table []uint32, first uint, lengths []uint8, symbols []uint32) bool {
	var count [maxCodeBits + 1]int
	for _, n := range lengths {
		count[n]++
	}
	used, space, longest := len(lengths)-count[0], 1<<maxCodeBits, uint(0)
	for n := uint(1); n <= maxCodeBits; n++ {
		if space -= count[n] << (maxCodeBits - n); space < 0 {
			return false
		}
		if count[n] > 0 {
			longest = n
		}
	}
	if space > 0 {
		if used > 1 || used == 1 && count[1] != 1 {
			return false
		}
		for i := range 1 << first {
			table[i] = invalidEntry
		}
	}
	var at [maxCodeBits + 2]int // index of the first symbol of each length
	for n := 1; n <= maxCodeBits; n++ {
		at[n+1] = at[n] + count[n]
	}
	var sorted [288]uint16
	for i, n := range lengths {
		if n > 0 {
			sorted[at[n]] = uint16(i)
			at[n]++
		}
	}
	placeCodes(table, first, longest, &count, sorted[:used], symbols)
	return true
}

// placeCodes writes an entry for every code. The sorted symbols determine the codes.
func placeCodes(table []uint32, first, longest uint, count *[maxCodeBits + 1]int, sorted []uint16, symbols []uint32) {
	code, next := 0, 1<<first // next: first free entry for subtables
	prefix, start, sub := -1, 0, uint(0)
	for n := uint(1); n <= longest; n++ {
		code <<= 1
		for ; count[n] > 0; count[n]-- {
			reversed := int(bits.Reverse16(uint16(code)) >> (16 - n))
			code++
			s := symbols[sorted[0]]
			sorted = sorted[1:]
			if n <= first {
				for i := reversed; i < 1<<first; i += 1 << n {
					table[i] = s + uint32(n)*0x101
				}
				continue
			}
			if low := reversed & (1<<first - 1); low != prefix {
				prefix, start, sub = low, next, subtableBits(n-first, first, longest, count)
				next += 1 << sub
				table[low] = specialFlag | uint32(start)<<16 | uint32(sub)<<8 | uint32(first)
			}
			for i := reversed >> first; i < 1<<sub; i += 1 << (n - first) {
				table[start+i] = s + uint32(n-first)*0x101
			}
		}
	}
}

// subtableBits returns the number of index bits of a subtable whose shortest code has n bits beyond the first table.
func subtableBits(n, first, longest uint, count *[maxCodeBits + 1]int) uint {
	left := 1 << n
	for n+first < longest {
		if left -= count[n+first]; left <= 0 {
			break
		}
		n++
		left <<= 1
	}
	return n
}

// fixedTables returns the tables for blocks with fixed codes (RFC 1951, section 3.2.6).
var fixedTables = sync.OnceValues(func() (*literalTable, *distanceTable) {
	var lengths [288]uint8
	for i := range lengths {
		switch {
		case i < 144, i >= 280:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		default:
			lengths[i] = 7
		}
	}
	l, d := new(literalTable), new(distanceTable)
	buildTable(l[:], literalBits, lengths[:], literalSymbols[:])
	for i := range 32 {
		lengths[i] = 5
	}
	buildTable(d[:], distanceBits, lengths[:32], distanceSymbols[:])
	return l, d
})
