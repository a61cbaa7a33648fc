package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"plimsoll"
)

// The length of passwords. The upper bound prevents requests that make the server hash megabytes.
const (
	MinPasswordChars = 12
	MaxPasswordBytes = 256
)

// The cost of new argon2id hashes (RFC 9106): 19 MiB, two passes, one lane, as OWASP recommends
// for servers; concurrent sign-ins then need tens of MiB. Each hash contains its own cost, so
// these values may be raised.
const (
	hashMemory  = 19 * 1024 // KiB
	hashPasses  = 2
	hashThreads = 1
	saltSize    = 16
	sumSize     = 32
)

// Passwords hashes and verifies passwords, no more than a fixed number at once,
// because each takes 19 MiB. It is safe for concurrent use.
type Passwords struct {
	slots chan struct{}
	dummy phcHash // compared with the password of an unknown user
}

// NewPasswords returns a Passwords that computes at most atOnce hashes at a time; other calls wait.
func NewPasswords(atOnce int) *Passwords {
	return &Passwords{slots: make(chan struct{}, max(1, atOnce)), dummy: newPHC()}
}

// Hash returns the argon2id hash of a password as a PHC string. Invalid if the password is too
// short or too long.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	if n := utf8.RuneCountInString(password); n < MinPasswordChars || len(password) > MaxPasswordBytes {
		return "", plimsoll.Errorf(plimsoll.Invalid, "a password has at least %d characters and at most %d bytes", MinPasswordChars, MaxPasswordBytes)
	}
	h := newPHC()
	sum, err := p.computeSum(ctx, password, h)
	if err != nil {
		return "", err
	}
	h.sum = sum
	return h.String(), nil
}

// Verify reports whether hash is the hash of password. An empty hash means an unknown user: it
// takes the same time and returns false.
func (p *Passwords) Verify(ctx context.Context, password, hash string) (bool, error) {
	if len(password) > MaxPasswordBytes {
		return false, nil
	}
	h := p.dummy
	if hash != "" {
		var err error
		if h, err = parsePHC(hash); err != nil {
			return false, err
		}
	}
	sum, err := p.computeSum(ctx, password, h)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(sum, h.sum) == 1 && hash != "", nil
}

// computeSum waits for a slot or the end of ctx, and computes the hash.
func (p *Passwords) computeSum(ctx context.Context, password string, h phcHash) ([]byte, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-p.slots }()
	return argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.threads, uint32(len(h.sum))), nil
}

// phcHash is an argon2id hash with its parameters. Its string form is that of the Password Hashing
// Competition: $argon2id$v=19$m=<KiB>,t=<passes>,p=<lanes>$<salt>$<sum>, base64 without padding.
type phcHash struct {
	memory, passes uint32
	threads        uint8
	salt, sum      []byte
}

func newPHC() phcHash {
	h := phcHash{memory: hashMemory, passes: hashPasses, threads: hashThreads, salt: make([]byte, saltSize), sum: make([]byte, sumSize)}
	rand.Read(h.salt) //nolint:errcheck,gosec // crypto/rand never returns an error
	return h
}

// String returns the PHC string.
func (h phcHash) String() string {
	enc := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.threads, enc(h.salt), enc(h.sum))
}

// parsePHC parses a PHC string and bounds the cost of verifying it. Its errors do not contain the
// string.
func parsePHC(s string) (h phcHash, err error) {
	bad := plimsoll.Errorf(plimsoll.Internal, "the stored password hash has an unknown form").
		WithHint("set the user's password again")
	parts := strings.Split(s, "$")
	if len(parts) != 6 {
		return phcHash{}, bad
	}
	_, costErr := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.threads)
	h.salt, _ = base64.RawStdEncoding.DecodeString(parts[4])
	h.sum, _ = base64.RawStdEncoding.DecodeString(parts[5])
	cheap := h.memory <= 256*1024 && h.passes >= 1 && h.passes <= 16 && h.threads >= 1 && h.threads <= 16
	sized := len(h.salt) >= 8 && len(h.salt) <= 64 && len(h.sum) >= 16 && len(h.sum) <= 64
	// A string that is not reproduced has another function, version or form.
	if costErr != nil || !cheap || !sized || h.String() != s {
		return phcHash{}, bad
	}
	return h, nil
}
