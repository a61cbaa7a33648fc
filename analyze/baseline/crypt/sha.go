package crypt

import (
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"strconv"
	"strings"
)

// shaScheme is one of the two SHA-crypt methods (U. Drepper, "Unix crypt using SHA-256 and
// SHA-512", version 0.6).
type shaScheme struct {
	prefix   string
	new      func() hash.Hash
	third    int   // a third of the sum's length: the sum is encoded in triples of bytes this far apart
	rotation int   // each triple is rotated this much more than the one before
	nanos    int64 // per round
}

var (
	sha256Scheme = shaScheme{"$5$", sha256.New, 10, 2, 250}
	sha512Scheme = shaScheme{"$6$", sha512.New, 21, 1, 400}
)

// Limits and default of the specification.
const (
	minRounds     = 1000
	maxRounds     = 999_999_999
	defaultRounds = 5000
	maxSalt       = 16
)

func shaCryptCost(field string, s *shaScheme) (int64, error) {
	rounds, _, _, err := s.parse(field)
	return max(1, int64(rounds)*s.nanos/1000), err
}

// parse splits "$6$rounds=N$salt$sum". head is the text before the sum.
func (s *shaScheme) parse(field string) (rounds int, salt, head string, err error) {
	rest := strings.TrimPrefix(field, s.prefix)
	rounds, head = defaultRounds, s.prefix
	if tail, ok := strings.CutPrefix(rest, "rounds="); ok {
		number, after, found := strings.Cut(tail, "$")
		n, err := strconv.ParseUint(number, 10, 63)
		if err != nil || !found {
			return 0, "", "", ErrHash
		}
		rounds = int(min(max(n, minRounds), maxRounds))
		head += "rounds=" + strconv.Itoa(rounds) + "$"
		rest = after
	}
	salt, _, found := strings.Cut(rest, "$")
	if !found {
		return 0, "", "", ErrHash
	}
	salt = salt[:min(len(salt), maxSalt)]
	return rounds, salt, head + salt + "$", nil
}

// crypt computes the hash field of a password with the parameters of another field. The numbers in
// comments are steps of the specification.
func (s *shaScheme) crypt(password, field string) (string, error) {
	rounds, salt, head, err := s.parse(field)
	if err != nil {
		return "", err
	}
	key, saltBytes := []byte(password), []byte(salt)
	sum := s.sumA(key, saltBytes) // 1-12
	p := s.byteSequence(key, len(key), len(key))
	q := s.byteSequence(saltBytes, 16+int(sum[0]), len(saltBytes))
	h := s.new()
	for i := range rounds { // 21
		h.Reset()
		s.writeEither(h, i%2 != 0, p, sum)
		if i%3 != 0 {
			h.Write(q)
		}
		if i%7 != 0 {
			h.Write(p)
		}
		s.writeEither(h, i%2 == 0, p, sum)
		sum = h.Sum(sum[:0])
	}
	return head + s.encode(sum), nil
}

func (s *shaScheme) writeEither(h hash.Hash, first bool, a, b []byte) {
	if first {
		h.Write(a)
		return
	}
	h.Write(b)
}

// sumA returns the sum A of the specification (steps 1 to 12).
func (s *shaScheme) sumA(key, salt []byte) []byte {
	h := s.new()
	h.Write(key)
	h.Write(salt)
	h.Write(key)
	b := h.Sum(nil)
	h.Reset()
	h.Write(key)
	h.Write(salt)
	h.Write(repeatTo(b, len(key)))
	for n := len(key); n > 0; n >>= 1 {
		s.writeEither(h, n&1 != 0, b, key)
	}
	return h.Sum(nil)
}

// byteSequence repeats the sum of text, written times times, to n bytes: the sequences P and S of the
// specification.
func (s *shaScheme) byteSequence(text []byte, times, n int) []byte {
	h := s.new()
	for range times {
		h.Write(text)
	}
	return repeatTo(h.Sum(nil), n)
}

func repeatTo(block []byte, n int) []byte {
	out := make([]byte, 0, n)
	for len(out) < n {
		out = append(out, block[:min(len(block), n-len(out))]...)
	}
	return out
}

func (s *shaScheme) encode(sum []byte) string {
	var b strings.Builder
	for i := range s.third {
		var triple [3]byte
		for j := range triple {
			triple[j] = sum[i+s.third*((j+i*s.rotation)%3)]
		}
		encode24(&b, uint32(triple[0])<<16|uint32(triple[1])<<8|uint32(triple[2]), 4)
	}
	if rest := sum[3*s.third:]; len(rest) == 2 {
		encode24(&b, uint32(rest[1])<<8|uint32(rest[0]), 3)
	} else {
		encode24(&b, uint32(rest[0]), 2)
	}
	return b.String()
}
