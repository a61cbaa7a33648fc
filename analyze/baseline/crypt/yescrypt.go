package crypt

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"strings"

	"golang.org/x/crypto/pbkdf2"
)

// yescrypt, password hashing (A. Peslyak, "yescrypt: password hashing scalable beyond
// bcrypt and scrypt", version 1; the string format is that of crypt(5)). Written from the
// specification without ROM and shared memory, which the string format does not use. The tests
// have the published strings.

// Flags of the string format.
const (
	flagWorm = 1
	flagRW   = 2
	// rwDefaults are read-write mode with six rounds, four lanes, pairs, and S-boxes of 12 KiB.
	rwDefaults = 0xb6
)

type yesParams struct {
	flags uint32
	n     uint64 // blocks, a power of two
	r, p  uint32
	t     uint32
}

// Limits of the parameters. The memory is 128·n·r bytes.
const (
	maxYesMemory = 64 << 20
	maxYesCheap  = 32 << 20 // guessing in a layer uses no more; distributions use 16 MiB
	maxYesLanes  = 64
	maxYesTime   = 16
)

// cost returns the cost of an attempt as Cost does. Memory is filled once and read (1/3 + t) times. The
// cost of parameters that Verify refuses is above every allowance.
func (p yesParams) cost() int64 {
	if p.isRefused() || 128*p.n*uint64(p.r) > maxYesCheap {
		return 1 << 40
	}
	mebibytes := float64(128*p.n*uint64(p.r)) / (1 << 20)
	passes := 1.4 + float64(p.t)*1.5
	if p.needsPrehash() {
		passes *= 1 + 1.0/64
	}
	return max(50, int64(mebibytes*passes*2300))
}

func (p yesParams) isRefused() bool {
	return 128*p.n*uint64(p.r) > maxYesMemory || p.p > maxYesLanes || p.t > maxYesTime || p.n > 1<<24
}

// needsPrehash reports whether the password is first hashed with smaller parameters, as it is for large ones.
func (p yesParams) needsPrehash() bool {
	per := p.n / uint64(p.p)
	return p.flags&flagRW != 0 && per >= 0x100 && per*uint64(p.r) >= 0x20000
}

// parseYescrypt splits "$y$params$salt$sum". head is the text before the sum.
func parseYescrypt(field string) (p yesParams, salt []byte, head string, err error) {
	params, rest, ok := strings.Cut(strings.TrimPrefix(field, "$y$"), "$")
	if !ok {
		return p, nil, "", ErrHash
	}
	text, _, ok := strings.Cut(rest, "$")
	if !ok {
		return p, nil, "", ErrHash
	}
	in := yesReader{text: params}
	flavour, log, r := in.readNumber(0), in.readNumber(1), in.readNumber(1)
	p = yesParams{flags: flavour, r: r, p: 1}
	if flavour >= flagRW {
		p.flags = flagRW + (flavour-flagRW)<<2
	}
	if in.text != "" {
		have := in.readNumber(1)
		if have&1 != 0 {
			p.p = in.readNumber(2)
		}
		if have&2 != 0 {
			p.t = in.readNumber(1)
		}
		if have&^3 != 0 { // a ROM or upgrades, which shadow files do not have
			return p, nil, "", ErrHash
		}
	}
	known := p.flags == 0 || p.flags == flagWorm || p.flags == rwDefaults
	if in.malformed || in.text != "" || !known || log < 1 || log > 40 || r < 1 || r > 1<<20 || p.p < 1 {
		return p, nil, "", ErrHash
	}
	p.n = 1 << log
	salt, ok = decodeSalt(text)
	if !ok || p.flags&flagRW != 0 && p.n/uint64(p.p) <= 3 {
		return p, nil, "", ErrHash
	}
	return p, salt, "$y$" + params + "$" + text + "$", nil
}

// yesReader reads the numbers of the string format. The first digit determines the length.
type yesReader struct {
	text      string
	malformed bool
}

func (r *yesReader) readDigit() uint32 {
	if r.text == "" {
		r.malformed = true
		return 0
	}
	at := strings.IndexByte(cryptDigits, r.text[0])
	r.text = r.text[1:]
	r.malformed = r.malformed || at < 0
	return uint32(max(at, 0))
}

func (r *yesReader) readNumber(least uint32) uint32 {
	start, end, chars, shift := uint32(0), uint32(47), 1, 0
	c := r.readDigit()
	value := least
	for c > end {
		value += (end + 1 - start) << shift
		start = end + 1
		end = start + (62-end)/2
		chars++
		shift += 6
	}
	value += (c - start) << shift
	for chars--; chars > 0; chars-- {
		shift -= 6
		value += r.readDigit() << shift
	}
	return value
}

// decodeSalt decodes digits of six bits, the lowest first, to at most 64 bytes.
func decodeSalt(text string) ([]byte, bool) {
	var out []byte
	for len(text) > 0 {
		n := min(4, len(text))
		var v uint32
		for i := range n {
			at := strings.IndexByte(cryptDigits, text[i])
			if at < 0 {
				return nil, false
			}
			v |= uint32(at) << (6 * i)
		}
		for range n * 6 / 8 {
			out = append(out, byte(v))
			v >>= 8
		}
		text = text[n:]
	}
	return out, len(out) <= 64
}

func yescryptHash(password, field string) (string, error) {
	p, salt, head, err := parseYescrypt(field)
	if err != nil {
		return "", err
	}
	if p.isRefused() {
		return "", ErrHash
	}
	key := []byte(password)
	if p.needsPrehash() {
		small := p
		small.n, small.t = p.n>>6, 0
		key = small.derive(key, salt, "yescrypt-prehash")
	}
	sum := p.derive(key, salt, "yescrypt")
	var b strings.Builder
	b.WriteString(head)
	for len(sum) > 0 {
		n := min(3, len(sum))
		var v uint32
		for i, c := range sum[:n] {
			v |= uint32(c) << (8 * i)
		}
		encode24(&b, v, (n*8+5)/6)
		sum = sum[n:]
	}
	return b.String(), nil
}

// derive derives a key of 32 bytes.
func (p yesParams) derive(key, salt []byte, label string) []byte {
	if p.flags != 0 {
		key = hmacSHA256([]byte(label), key)
	}
	size := 128 * int(p.r)
	raw := pbkdf2.Key(key, salt, 1, size*int(p.p), sha256.New)
	if p.flags != 0 {
		key = append([]byte(nil), raw[:32]...)
	}
	words := make([]uint32, len(raw)/4)
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(raw[4*i:])
	}
	key = p.smix(words, key)
	for i, w := range words {
		binary.LittleEndian.PutUint32(raw[4*i:], w)
	}
	sum := pbkdf2.Key(key, raw, 1, 32, sha256.New)
	if p.flags != 0 && label == "yescrypt" {
		stored := sha256.Sum256(hmacSHA256(sum, []byte("Client Key")))
		return stored[:]
	}
	return sum
}

func hmacSHA256(key, text []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(text)
	return h.Sum(nil)
}

// smix is the memory-hard function SMix over p lanes of b. It returns the key for the last step.
func (p yesParams) smix(b []uint32, key []byte) []byte {
	words := 32 * int(p.r)
	v := make([]uint64, int(p.n)*words/2)
	if p.flags&flagRW == 0 {
		for i := range int(p.p) {
			lane := b[i*words : (i+1)*words]
			smix1(lane, v, p.n, nil)
			smix2(lane, v, p.n, roundUpToEven(p.loops(p.n)), false, nil)
		}
		return key
	}
	chunk := p.n / uint64(p.p)
	all := p.loops(chunk)
	shared := roundUpToEven(all / uint64(p.p)) // loops over the lane's part of the memory
	all = roundUpToEven(all)
	chunk &^= 1
	boxes := make([]*sbox, p.p)
	for i := range uint64(p.p) {
		lane := b[int(i)*words : (int(i)+1)*words]
		n := chunk
		if i == uint64(p.p)-1 {
			n = p.n - i*chunk
		}
		part := v[int(i*chunk)*words/2:]
		boxes[i] = newSbox(lane)
		if i == 0 {
			tail := make([]byte, 64)
			for k, w := range lane[words-16:] {
				binary.LittleEndian.PutUint32(tail[4*k:], w)
			}
			key = hmacSHA256(tail, key)
		}
		smix1(lane, part, n, boxes[i])
		smix2(lane, part, powerBelow(n), shared, true, boxes[i])
	}
	for i := range int(p.p) {
		smix2(b[i*words:(i+1)*words], v, p.n, all-shared, false, boxes[i])
	}
	return key
}

// loops returns how many blocks of the memory are read, by the time parameter.
func (p yesParams) loops(n uint64) uint64 {
	t := uint64(p.t)
	switch {
	case p.flags&flagRW == 0 && t == 0:
		return n
	case p.flags&flagRW == 0 && t == 1:
		return n + (n+1)/2
	case p.flags&flagRW == 0:
		return n * t
	case t == 0:
		return (n + 2) / 3
	case t == 1:
		return (2*n + 2) / 3
	default:
		return n * (t - 1)
	}
}

func roundUpToEven(n uint64) uint64 { return (n + 1) &^ 1 }

func powerBelow(n uint64) uint64 { return 1 << (bits.Len64(n) - 1) }
