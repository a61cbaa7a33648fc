package inflate

// fill takes input until there are bits for any symbol with what follows it, or no more input.
func (z *Reader) fill() {
	z.more()
	for z.count < 56 && z.pos < len(z.in) {
		z.bits |= uint64(z.in[z.pos]) << z.count
		z.count += 8
		z.pos++
	}
}

// drop uses up n bits.
func (z *Reader) drop(n uint) error {
	if n > z.count {
		return z.end()
	}
	z.bits >>= n
	z.count -= n
	return nil
}

// get returns the next n bits, at most 16.
func (z *Reader) get(n uint) (int, error) {
	if z.count < n {
		z.fill()
	}
	v := int(z.bits & (1<<n - 1))
	return v, z.drop(n)
}

// order is that in which the lengths of the code for lengths come (RFC 1951, section 3.2.7).
var order = [...]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// codes reads the codes of a block and fills its tables.
func (z *Reader) codes() error {
	counts, err := z.get(14)
	if err != nil {
		return err
	}
	literals, distances, lengths := counts&31+257, counts>>5&31+1, counts>>10+4
	if literals > 286 || distances > 30 {
		return ErrCorrupt
	}
	var small [19]uint8
	for _, i := range order[:lengths] {
		n, err := z.get(3)
		if err != nil {
			return err
		}
		small[i] = uint8(n)
	}
	var table [1 << lengthBits]uint32
	if !build(table[:], lengthBits, small[:], lengthSymbols[:]) {
		return ErrCorrupt
	}
	var all [286 + 30]uint8
	if err := z.lengths(all[:literals+distances], &table); err != nil {
		return err
	}
	if !build(z.own.literals[:], literalBits, all[:literals], literalSymbols[:]) ||
		!build(z.own.distance[:], distanceBits, all[literals:literals+distances], distanceSymbols[:]) {
		return ErrCorrupt
	}
	return nil
}

// lengths reads the lengths of codes, which are coded themselves.
func (z *Reader) lengths(all []uint8, table *[1 << lengthBits]uint32) error {
	for i := 0; i < len(all); {
		if z.count < lengthBits {
			z.fill()
		}
		e := table[z.bits&(1<<lengthBits-1)]
		if e&special != 0 {
			return z.broken()
		}
		if err := z.drop(uint(e & 0xff)); err != nil {
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
		n, err := z.get(extra)
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

// broken is the error of bits that are no code, or would be one if more followed.
func (z *Reader) broken() error {
	if z.count < maxCode {
		return z.end()
	}
	return ErrCorrupt
}
