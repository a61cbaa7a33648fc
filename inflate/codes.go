package inflate

// fillBits fills the bit buffer to 56 bits or more, enough for any symbol and its extra bits, or to the end of the input.
func (z *Reader) fillBits() {
	z.fillInput()
	for z.count < 56 && z.pos < len(z.in) {
		z.bits |= uint64(z.in[z.pos]) << z.count
		z.count += 8
		z.pos++
	}
}

// dropBits removes n bits from the bit buffer.
func (z *Reader) dropBits(n uint) error {
	if n > z.count {
		return z.missingInput()
	}
	z.bits >>= n
	z.count -= n
	return nil
}

// readBits returns the next n bits and removes them. n is at most 16.
func (z *Reader) readBits(n uint) (int, error) {
	if z.count < n {
		z.fillBits()
	}
	v := int(z.bits & (1<<n - 1))
	return v, z.dropBits(n)
}

// codeLengthOrder is the order in which a block lists the lengths of the code length code (RFC 1951, section 3.2.7).
var codeLengthOrder = [...]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// readCodes reads the two codes of a dynamic block and builds their tables (RFC 1951, section 3.2.7).
func (z *Reader) readCodes() error {
	counts, err := z.readBits(14)
	if err != nil {
		return err
	}
	literals, distances, lengths := counts&31+257, counts>>5&31+1, counts>>10+4
	if literals > 286 || distances > 30 {
		return ErrCorrupt
	}
	var small [19]uint8
	for _, i := range codeLengthOrder[:lengths] {
		n, err := z.readBits(3)
		if err != nil {
			return err
		}
		small[i] = uint8(n)
	}
	var table [1 << lengthBits]uint32
	if !buildTable(table[:], lengthBits, small[:], lengthSymbols[:]) {
		return ErrCorrupt
	}
	var all [286 + 30]uint8
	if err := z.readCodeLengths(all[:literals+distances], &table); err != nil {
		return err
	}
	if !buildTable(z.dynamic.literals[:], literalBits, all[:literals], literalSymbols[:]) ||
		!buildTable(z.dynamic.distances[:], distanceBits, all[literals:literals+distances], distanceSymbols[:]) {
		return ErrCorrupt
	}
	return nil
}

// readCodeLengths reads the code lengths of both codes. They are Huffman-coded themselves; table decodes them.
func (z *Reader) readCodeLengths(all []uint8, table *[1 << lengthBits]uint32) error {
	for i := 0; i < len(all); {
		if z.count < lengthBits {
			z.fillBits()
		}
		e := table[z.bits&(1<<lengthBits-1)]
		if e&specialFlag != 0 {
			return z.invalidCode()
		}
		if err := z.dropBits(uint(e & 0xff)); err != nil {
			return err
		}
		v := uint8(e >> 16)
		if v < 16 {
			all[i] = v
			i++
			continue
		}
		length, extra, least := uint8(0), uint(7), 11
		switch v {
		case 16:
			if i == 0 {
				return ErrCorrupt
			}
			length, extra, least = all[i-1], 2, 3
		case 17:
			extra, least = 3, 3
		}
		n, err := z.readBits(extra)
		if err != nil {
			return err
		}
		if n += least; i+n > len(all) {
			return ErrCorrupt
		}
		for range n {
			all[i] = length
			i++
		}
	}
	return nil
}

// invalidCode returns the error for bits that match no code: ErrCorrupt, or an early end if the input stops inside a code.
func (z *Reader) invalidCode() error {
	if z.count < maxCodeBits {
		return z.missingInput()
	}
	return ErrCorrupt
}
