package crypt

// The block functions of yescrypt. A block is a sequence of pairs of 32-bit words in the shuffled
// order of the specification, in which the diagonals of Salsa20 are columns.

const (
	pwxRounds = 6
	boxPairs  = 1 << 8 * 2 // 64-bit entries of one S-box
	boxMask   = (1<<8 - 1) * 2
)

// sbox is the state of pwxform: three S-boxes, which rotate, and the position of the next write.
type sbox struct {
	memory  [3 * boxPairs]uint64
	a, b, c []uint64
	at      int
}

// newSbox fills the S-boxes from the first 128 bytes of a lane, and changes them.
func newSbox(lane []uint32) *sbox {
	s := new(sbox)
	s.c, s.b, s.a = s.memory[:boxPairs], s.memory[boxPairs:2*boxPairs], s.memory[2*boxPairs:]
	smix1(lane[:32], s.memory[:], 3*boxPairs/16, nil)
	return s
}

// pwxform mixes a block of four lanes of two 64-bit values.
func (s *sbox) pwxform(x *[8]uint64) {
	a, b, c := (*[boxPairs]uint64)(s.a), (*[boxPairs]uint64)(s.b), (*[boxPairs]uint64)(s.c)
	at := s.at
	for round := range pwxRounds {
		write := round != 0 && round != pwxRounds-1
		for j := 0; j < 8; j += 2 {
			low, high := uint32(x[j])>>3&boxMask, uint32(x[j]>>32)>>3&boxMask
			first := (x[j]>>32*(x[j]&0xffffffff) + a[low]) ^ b[high]
			second := (x[j+1]>>32*(x[j+1]&0xffffffff) + a[low+1]) ^ b[high+1]
			x[j], x[j+1] = first, second
			if write {
				c[at&(boxPairs-1)], c[(at+1)&(boxPairs-1)] = first, second
				at += 2
			}
		}
	}
	s.a, s.b, s.c = s.c, s.a, s.b
	s.at = at & (boxPairs - 1)
}

// blockMix is BlockMix_pwxform, the block function with S-boxes.
func (s *sbox) blockMix(x []uint64) {
	last := len(x) - 8
	state := *(*[8]uint64)(x[last:])
	for i := 0; i < len(x); i += 8 {
		block := (*[8]uint64)(x[i:])
		for k := range state {
			state[k] ^= block[k]
		}
		s.pwxform(&state)
		*block = state
	}
	salsa20((*[8]uint64)(x[last:]), 2)
}

// blockMixSalsa8 is scryptBlockMix (RFC 7914, section 4).
func blockMixSalsa8(x, y []uint64) {
	state := *(*[8]uint64)(x[len(x)-8:])
	half := len(x) / 2
	for i := 0; i < len(x); i += 8 {
		block := (*[8]uint64)(x[i:])
		for k := range state {
			state[k] ^= block[k]
		}
		salsa20(&state, 8)
		to := i / 2
		if i/8%2 != 0 {
			to = half + (i-8)/2
		}
		*(*[8]uint64)(y[to:]) = state
	}
	copy(x, y)
}

// salsa20 applies a number of rounds of the Salsa20 core (RFC 7914, section 3).
func salsa20(b *[8]uint64, rounds int) {
	var x, in [16]uint32
	for i := range 8 {
		in[2*i], in[2*i+1] = uint32(b[i]), uint32(b[i]>>32)
	}
	for i := range in {
		x[i*5%16] = in[i]
	}
	for range rounds / 2 {
		for i := range 4 { // columns
			quarterRound(&x[5*i%16], &x[(5*i+4)%16], &x[(5*i+8)%16], &x[(5*i+12)%16])
		}
		for i := range 4 { // rows
			row := 4 * i
			quarterRound(&x[row+i], &x[row+(i+1)%4], &x[row+(i+2)%4], &x[row+(i+3)%4])
		}
	}
	for i := range 8 {
		b[i] = uint64(in[2*i]+x[2*i*5%16]) | uint64(in[2*i+1]+x[(2*i+1)*5%16])<<32
	}
}

func quarterRound(a, b, c, d *uint32) {
	rotate := func(v uint32, n int) uint32 { return v<<n | v>>(32-n) }
	*b ^= rotate(*a+*d, 7)
	*c ^= rotate(*b+*a, 9)
	*d ^= rotate(*c+*b, 13)
	*a ^= rotate(*d+*c, 18)
}

// shuffleLane converts a lane to the order of this file, unshuffleLane converts it back.
func shuffleLane(lane []uint32) []uint64 {
	x := make([]uint64, len(lane)/2)
	for i := range x {
		block := i / 8 * 16
		low, high := 2*(i%8), 2*(i%8)+1
		x[i] = uint64(lane[block+low*5%16]) | uint64(lane[block+high*5%16])<<32
	}
	return x
}

func unshuffleLane(lane []uint32, x []uint64) {
	for i, pair := range x {
		block := i / 8 * 16
		low, high := 2*(i%8), 2*(i%8)+1
		lane[block+low*5%16], lane[block+high*5%16] = uint32(pair), uint32(pair>>32)
	}
}

// integerify is Integerify, the number that selects a block. Memory has fewer than 2^32 blocks here.
func integerify(x []uint64) uint64 { return x[len(x)-8] & 0xffffffff }

func xorBlock(x, v []uint64) {
	v = v[:len(x)]
	for i := range x {
		x[i] ^= v[i]
	}
}

// smix1 is SMix1: it writes n blocks of memory. With S-boxes, blocks depend on earlier ones.
func smix1(lane []uint32, v []uint64, n uint64, box *sbox) {
	x := shuffleLane(lane)
	y := make([]uint64, len(x))
	for i := range n {
		copy(v[int(i)*len(x):], x)
		if box == nil {
			blockMixSalsa8(x, y)
			continue
		}
		if i > 1 {
			below := powerBelow(i)
			j := integerify(x)&(below-1) + (i - below)
			xorBlock(x, v[int(j)*len(x):])
		}
		box.blockMix(x)
	}
	unshuffleLane(lane, x)
}

// smix2 is SMix2: it reads the memory in an order that depends on the data. With write it changes the
// blocks that it reads.
func smix2(lane []uint32, v []uint64, n, loops uint64, write bool, box *sbox) {
	x := shuffleLane(lane)
	y := make([]uint64, len(x))
	for range loops {
		block := v[int(integerify(x)&(n-1))*len(x):]
		xorBlock(x, block)
		if write {
			copy(block, x)
		}
		if box == nil {
			blockMixSalsa8(x, y)
			continue
		}
		box.blockMix(x)
	}
	unshuffleLane(lane, x)
}
