package plimsoll

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Digest is a content digest in the form of the OCI image specification,
// "sha256:" and 64 lower-case hex digits. Other algorithms are not accepted.
type Digest string

const digestPrefix = "sha256:"

// ParseDigest checks the form of s.
func ParseDigest(s string) (Digest, error) {
	h, ok := strings.CutPrefix(s, digestPrefix)
	if !ok || len(h) != sha256.Size*2 {
		return "", Errorf(Invalid, "digest %.80q is not sha256 with 64 hex digits", s)
	}
	for i := range len(h) {
		if c := h[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", Errorf(Invalid, "digest %.80q is not sha256 with 64 hex digits", s)
		}
	}
	return Digest(s), nil
}

// DigestOf returns the digest of b.
func DigestOf(b []byte) Digest {
	return DigestFrom(sha256.Sum256(b))
}

// DigestFrom turns a SHA-256 sum into a digest.
func DigestFrom(sum [sha256.Size]byte) Digest {
	return Digest(digestPrefix + hex.EncodeToString(sum[:]))
}

// Hex returns the hex digits without the algorithm.
func (d Digest) Hex() string { return strings.TrimPrefix(string(d), digestPrefix) }

// Short returns the first 12 hex digits, for people.
func (d Digest) Short() string {
	h := d.Hex()
	return h[:min(12, len(h))]
}
