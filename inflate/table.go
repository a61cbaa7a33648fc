package inflate

import (
	"math/bits"
	"sync"
)

// A table is looked up with the next bits of the stream, lowest first. An entry says what they begin with:
//
//	bits 0 to 7    how many bits it takes, extra bits included
//	bits 8 to 15   how many of them are the code
//	bits 16 to 30  a literal, or the base of a length or distance
//	bit 30         a literal (of lengths and literals only)
//	bit 31         something special: see below
const (
	literal = 1 << 30
	special = 1 << 31

	// Of a special entry bits 24 to 27 say what it is. A link leads to further entries: bits 0 to 7 are the bits to drop, bits
	// 8 to 15 how many choose among them, bits 16 to 27 and above none.
	endOfBlock = special | 1<<29
	invalid    = special | 1<<28
)

// Sizes of the tables. Codes longer than the first bits need further entries; how many at most is known for an alphabet,
// a first size and codes of up to 15 bits (computed by "enough" of zlib's examples).
const (
	maxCode = 15

	literalBits, literalEntries   = 11, 2342 // 288 symbols
	distanceBits, distanceEntries = 8, 402   // 32 symbols
	lengthBits                    = 7        // 19 symbols of up to 7 bits: no further entries
)

type (
	literalTable  [literalEntries]uint32
	distanceTable [distanceEntries]uint32
)

// RFC 1951, section 3.2.5.
var (
	literalSymbols  = symbolsOfLiterals()
	distanceSymbols = symbolsOfDistances()
	lengthSymbols   = symbolsOfLengths()
)

// symbol is an entry without the bits of the code.
func symbol(base, extra int) uint32 { return uint32(base)<<16 | uint32(extra) }

func symbolsOfLiterals() (s [288]uint32) {
	for i := range 256 {
		s[i] = literal | symbol(i, 0)
	}
	s[256] = endOfBlock
	base := 3
	for i := 257; i < 285; i++ {
		extra := max(0, (i-261)/4)
		s[i] = symbol(base, extra)
		base += 1 << extra
	}
	s[285], s[286], s[287] = symbol(258, 0), invalid, invalid
	return s
}

func symbolsOfDistances() (s [32]uint32) {
	base := 1
	for i := range 30 {
		extra := max(0, i/2-1)
		s[i] = symbol(base, extra)
		base += 1 << extra
	}
	s[30], s[31] = invalid, invalid
	return s
}

// symbolsOfLengths are those of the code that codes the lengths of the other codes.
func symbolsOfLengths() (s [19]uint32) {
	for i := range s {
		s[i] = symbol(i, 0)
	}
	return s
}

// build fills a table for the code with these lengths (RFC 1951, section 3.2.2), 0 = the symbol is not used. It
// refuses a code that is over-subscribed or incomplete, other than that of one symbol and that of none.
func build(table []uint32, first uint, lengths []uint8, symbols []uint32) bool {
	var count [maxCode + 1]int
	for _, n := range lengths {
		count[n]++
	}
	used, space, longest := len(lengths)-count[0], 1<<maxCode, uint(0)
	for n := uint(1); n <= maxCode; n++ {
		if space -= count[n] << (maxCode - n); space < 0 {
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
			table[i] = invalid
		}
	}
	var at [maxCode + 2]int // where symbols of a length begin
	for n := 1; n <= maxCode; n++ {
		at[n+1] = at[n] + count[n]
	}
	var sorted [288]uint16
	for i, n := range lengths {
		if n > 0 {
			sorted[at[n]] = uint16(i)
			at[n]++
		}
	}
	place(table, first, longest, &count, sorted[:used], symbols)
	return true
}

// place enters the codes, which follow from the order of the symbols.
func place(table []uint32, first, longest uint, count *[maxCode + 1]int, sorted []uint16, symbols []uint32) {
	code, next := 0, 1<<first // next free further entry
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
				prefix, start, sub = low, next, further(n-first, first, longest, count)
				next += 1 << sub
				table[low] = special | uint32(start)<<16 | uint32(sub)<<8 | uint32(first)
			}
			for i := reversed >> first; i < 1<<sub; i += 1 << (n - first) {
				table[start+i] = s + uint32(n-first)*0x101
			}
		}
	}
}

// further is how many bits choose among the further entries of a prefix, of whose codes the first has n more bits.
func further(n, first, longest uint, count *[maxCode + 1]int) uint {
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

// fixed are the tables of blocks with fixed codes (RFC 1951, section 3.2.6).
var fixed = sync.OnceValues(func() (*literalTable, *distanceTable) {
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
	build(l[:], literalBits, lengths[:], literalSymbols[:])
	for i := range 32 {
		lengths[i] = 5
	}
	build(d[:], distanceBits, lengths[:32], distanceSymbols[:])
	return l, d
})
