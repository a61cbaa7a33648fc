package inflate

import "encoding/binary"

// symbols decodes until the block or the room ends.
func (z *Reader) symbols() error {
	for z.to < full {
		z.more()
		decode := (*Reader).fast
		if len(z.in)-z.pos < ahead {
			decode = (*Reader).slow
		}
		if done, err := decode(z); done || err != nil {
			if done {
				z.blockEnd()
			}
			return err
		}
	}
	return nil
}

// slow decodes one symbol close to the end of the input.
func (z *Reader) slow() (done bool, err error) {
	z.fill()
	e, more, err := z.next(z.literals[:], literalBits)
	switch {
	case err != nil:
		return false, err
	case e&endOfBlock == endOfBlock:
		return true, nil
	case e&literal != 0:
		z.window[z.to] = byte(e >> 16)
		z.to++
		return false, nil
	}
	length := int(e>>16&0x1ff) + more
	if e, more, err = z.next(z.distance[:], distanceBits); err != nil {
		return false, err
	}
	distance := int(e>>16&0x7fff) + more
	if distance > z.to-z.begin {
		return false, ErrCorrupt
	}
	for range length {
		z.window[z.to] = z.window[z.to-distance]
		z.to++
	}
	return false, nil
}

// next takes what an entry of a table stands for, and its extra bits.
func (z *Reader) next(table []uint32, first uint) (e uint32, more int, err error) {
	e = table[z.bits&(1<<first-1)]
	if isLink(e) {
		if err := z.drop(first); err != nil {
			return 0, 0, err
		}
		e = table[linked(e, z.bits)]
	}
	if e&invalid == invalid {
		return 0, 0, z.broken()
	}
	more = extra(z.bits, e)
	return e, more, z.drop(uint(e & 0xff))
}

// isLink says that an entry leads to further ones.
func isLink(e uint32) bool { return e&special != 0 && e&^special>>28 == 0 }

// linked is where the further entry stands.
func linked(e uint32, bits uint64) uint32 {
	return e>>16&0xfff + uint32(bits)&(1<<(e>>8&0x3f)-1)
}

// extra is the value of the extra bits behind the code of an entry.
func extra(bits uint64, e uint32) int {
	return int(bits & (1<<(e&0x3f) - 1) >> (e >> 8 & 0x3f))
}

// fast decodes as long as there is input and room for any symbol. Each turn begins with 56 bits or more: a
// length, a distance and their extra bits take 48.
func (z *Reader) fast() (done bool, err error) {
	in, pos, bits, count := z.in, z.pos, z.bits, z.count
	window, to := &z.window, z.to
	literals, distances := z.literals, z.distance
loop:
	for pos+ahead <= len(in) && to < full {
		bits |= binary.LittleEndian.Uint64(in[pos:]) << (count & 63)
		pos += int((63 - count) >> 3)
		count |= 56
		e := literals[bits&(1<<literalBits-1)]
		if e&literal != 0 {
			bits >>= e & 0x3f
			count -= uint(e & 0x3f)
			window[to] = byte(e >> 16)
			to++
			if e = literals[bits&(1<<literalBits-1)]; e&literal != 0 {
				bits >>= e & 0x3f
				count -= uint(e & 0x3f)
				window[to] = byte(e >> 16)
				to++
				if e = literals[bits&(1<<literalBits-1)]; e&literal != 0 {
					bits >>= e & 0x3f
					count -= uint(e & 0x3f)
					window[to] = byte(e >> 16)
					to++
					continue
				}
			}
			bits |= binary.LittleEndian.Uint64(in[pos:]) << (count & 63)
			pos += int((63 - count) >> 3)
			count |= 56
		}
		if e&special != 0 {
			if isLink(e) {
				bits >>= literalBits
				count -= literalBits
				e = literals[linked(e, bits)]
			}
			switch {
			case e&invalid == invalid:
				err = ErrCorrupt
				break loop
			case e&endOfBlock == endOfBlock:
				bits >>= e & 0x3f
				count -= uint(e & 0x3f)
				done = true
				break loop
			case e&literal != 0:
				bits >>= e & 0x3f
				count -= uint(e & 0x3f)
				window[to] = byte(e >> 16)
				to++
				continue
			}
		}
		length := int(e>>16&0x1ff) + extra(bits, e)
		bits >>= e & 0x3f
		count -= uint(e & 0x3f)

		e = distances[bits&(1<<distanceBits-1)]
		if e&special != 0 {
			if isLink(e) {
				bits >>= distanceBits
				count -= distanceBits
				e = distances[linked(e, bits)]
			}
			if e&invalid == invalid {
				err = ErrCorrupt
				break
			}
		}
		distance := int(e>>16&0x7fff) + extra(bits, e)
		bits >>= e & 0x3f
		count -= uint(e & 0x3f)
		if distance > to-z.begin {
			err = ErrCorrupt
			break
		}
		to = match(window, to, length, distance)
	}
	z.pos, z.bits, z.count, z.to = pos, bits, count, to
	return done, err
}

// match copies what lies a distance back, by words where they do not overlap: some bytes too many, which are written
// over later. It returns the new end.
func match(window *[windowSize]byte, to, length, distance int) int {
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
