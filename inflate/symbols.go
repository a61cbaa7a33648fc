package inflate

import "encoding/binary"

// decodeSymbols decodes until the block ends or the window is full.
func (z *Reader) decodeSymbols() error {
	for z.writeAt < decodeLimit {
		z.fillInput()
		decode := (*Reader).decodeFast
		if len(z.in)-z.pos < inputMargin {
			decode = (*Reader).decodeSlow
		}
		if done, err := decode(z); done || err != nil {
			if done {
				z.endBlock()
			}
			return err
		}
	}
	return nil
}

// decodeSlow decodes one symbol near the end of the input, where decodeFast could read too far.
func (z *Reader) decodeSlow() (done bool, err error) {
	z.fillBits()
	e, more, err := z.decodeEntry(z.literals[:], literalBits)
	switch {
	case err != nil:
		return false, err
	case e&endOfBlockEntry == endOfBlockEntry:
		return true, nil
	case e&literalFlag != 0:
		z.window[z.writeAt] = byte(e >> 16)
		z.writeAt++
		return false, nil
	}
	length := int(e>>16&0x1ff) + more
	if e, more, err = z.decodeEntry(z.distances[:], distanceBits); err != nil {
		return false, err
	}
	distance := int(e>>16&0x7fff) + more
	if distance > z.writeAt-z.memberStart {
		return false, ErrCorrupt
	}
	for range length {
		z.window[z.writeAt] = z.window[z.writeAt-distance]
		z.writeAt++
	}
	return false, nil
}

// decodeEntry reads one code with its extra bits. It returns the code's table entry and the value of the extra bits.
func (z *Reader) decodeEntry(table []uint32, first uint) (e uint32, more int, err error) {
	e = table[z.bits&(1<<first-1)]
	if isLink(e) {
		if err := z.dropBits(first); err != nil {
			return 0, 0, err
		}
		e = table[linkTarget(e, z.bits)]
	}
	if e&invalidEntry == invalidEntry {
		return 0, 0, z.invalidCode()
	}
	more = extraBits(z.bits, e)
	return e, more, z.dropBits(uint(e & 0xff))
}

// isLink reports whether an entry points to a subtable.
func isLink(e uint32) bool { return e&specialFlag != 0 && e&^specialFlag>>28 == 0 }

// linkTarget returns the index of the subtable entry for the bits that follow a link.
func linkTarget(e uint32, bits uint64) uint32 {
	return e>>16&0xfff + uint32(bits)&(1<<(e>>8&0x3f)-1)
}

// extraBits returns the value of the extra bits that follow the code of an entry.
func extraBits(bits uint64, e uint32) int {
	return int(bits & (1<<(e&0x3f) - 1) >> (e >> 8 & 0x3f))
}

// decodeFast decodes while input and window have space for any symbol. Each iteration begins with at least 56 bits: a
// length, a distance and their extra bits need at most 48. The lowest six bits of an entry are the number of bits to drop.
func (z *Reader) decodeFast() (done bool, err error) {
	in, pos, bits, count := z.in, z.pos, z.bits, z.count
	window, to := &z.window, z.writeAt
	literals, distances := z.literals, z.distances
loop:
	for pos+inputMargin <= len(in) && to < decodeLimit {
		bits |= binary.LittleEndian.Uint64(in[pos:]) << (count & 63)
		pos += int((63 - count) >> 3)
		count |= 56
		e := literals[bits&(1<<literalBits-1)]
		if e&literalFlag != 0 {
			bits, count = bits>>(e&0x3f), count-uint(e&0x3f)
			window[to] = byte(e >> 16)
			to++
			if e = literals[bits&(1<<literalBits-1)]; e&literalFlag != 0 {
				bits, count = bits>>(e&0x3f), count-uint(e&0x3f)
				window[to] = byte(e >> 16)
				to++
				if e = literals[bits&(1<<literalBits-1)]; e&literalFlag != 0 {
					bits, count = bits>>(e&0x3f), count-uint(e&0x3f)
					window[to] = byte(e >> 16)
					to++
					continue
				}
			}
			bits |= binary.LittleEndian.Uint64(in[pos:]) << (count & 63)
			pos += int((63 - count) >> 3)
			count |= 56
		}
		if e&specialFlag != 0 {
			if isLink(e) {
				bits >>= literalBits
				count -= literalBits
				e = literals[linkTarget(e, bits)]
			}
			switch {
			case e&invalidEntry == invalidEntry:
				err = ErrCorrupt
				break loop
			case e&endOfBlockEntry == endOfBlockEntry:
				bits, count = bits>>(e&0x3f), count-uint(e&0x3f)
				done = true
				break loop
			case e&literalFlag != 0:
				bits, count = bits>>(e&0x3f), count-uint(e&0x3f)
				window[to] = byte(e >> 16)
				to++
				continue
			}
		}
		length := int(e>>16&0x1ff) + extraBits(bits, e)
		bits, count = bits>>(e&0x3f), count-uint(e&0x3f)

		e = distances[bits&(1<<distanceBits-1)]
		if e&specialFlag != 0 {
			if isLink(e) {
				bits >>= distanceBits
				count -= distanceBits
				e = distances[linkTarget(e, bits)]
			}
			if e&invalidEntry == invalidEntry {
				err = ErrCorrupt
				break
			}
		}
		distance := int(e>>16&0x7fff) + extraBits(bits, e)
		bits, count = bits>>(e&0x3f), count-uint(e&0x3f)
		if distance > to-z.memberStart {
			err = ErrCorrupt
			break
		}
		to = copyMatch(window, to, length, distance)
	}
	z.pos, z.bits, z.count, z.writeAt = pos, bits, count, to
	return done, err
}

// copyMatch copies length bytes from distance bytes back and returns the new end. Without overlap it copies eight bytes at
// a time and may write up to copyOverrun bytes too many; later data overwrites them.
func copyMatch(window *[windowSize]byte, to, length, distance int) int {
	end, src := to+length, to-distance
	if distance >= 8 {
		for {
			binary.LittleEndian.PutUint64(window[to:], binary.LittleEndian.Uint64(window[src:]))
			if to += 8; to >= end {
				return end
			}
			src += 8
		}
	}
	for ; to < end; to++ {
		window[to] = window[src]
		src++
	}
	return end
}
