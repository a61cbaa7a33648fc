package crypt

import (
	"crypto/subtle"
	"errors"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// Scheme is the algorithm of a hash, by its name in crypt(5).
type Scheme string

// The schemes. Verify supports those for which Checkable is true.
const (
	None       Scheme = "none"   // the field is empty: the account needs no password
	Locked     Scheme = "locked" // no password matches ("*", "!", "x")
	DES        Scheme = "descrypt"
	BSDI       Scheme = "bsdicrypt"
	MD5        Scheme = "md5crypt"
	NT         Scheme = "nt"
	SHA1       Scheme = "sha1crypt"
	SunMD5     Scheme = "sunmd5"
	Bcrypt     Scheme = "bcrypt"
	SHA256     Scheme = "sha256crypt"
	SHA512     Scheme = "sha512crypt"
	Scrypt     Scheme = "scrypt"
	GostYes    Scheme = "gost-yescrypt"
	Yescrypt   Scheme = "yescrypt"
	Unknown    Scheme = "unknown"
	maxHash           = 512 // bytes
	maxAttempt        = 128 // bytes of a password to verify
	lockMarker        = "!*"
)

// Identify returns the scheme of a hash field of shadow(5). A hash after "!" belongs to a locked
// account.
func Identify(field string) Scheme {
	switch {
	case field == "":
		return None
	case strings.ContainsAny(field[:1], lockMarker), field == "x", len(field) > maxHash:
		return Locked
	}
	for prefix, scheme := range schemePrefixes {
		if strings.HasPrefix(field, prefix) {
			return scheme
		}
	}
	switch {
	case strings.HasPrefix(field, "$"):
		return Unknown
	case len(field) == 13 && base64Only(field):
		return DES
	case field[0] == '_' && len(field) == 20 && base64Only(field[1:]):
		return BSDI
	}
	return Locked // a field in no known format matches no password
}

var schemePrefixes = map[string]Scheme{
	"$1$": MD5, "$3$": NT, "$sha1$": SHA1, "$md5": SunMD5, "$5$": SHA256, "$6$": SHA512,
	"$2a$": Bcrypt, "$2b$": Bcrypt, "$2y$": Bcrypt, "$7$": Scrypt, "$gy$": GostYes, "$y$": Yescrypt,
}

// Weak reports whether the scheme is broken or far too fast for today's machines.
func (s Scheme) Weak() bool {
	switch s {
	case DES, BSDI, MD5, NT, SHA1, SunMD5:
		return true
	default:
		return false
	}
}

// HasPassword reports whether a password can match a hash of this scheme.
func (s Scheme) HasPassword() bool { return s != None && s != Locked }

// Checkable reports whether Verify supports the scheme.
func (s Scheme) Checkable() bool {
	switch s {
	case MD5, SHA256, SHA512, Bcrypt, Yescrypt:
		return true
	default:
		return false
	}
}

// ErrHash is the error for a hash that is malformed or of an unsupported scheme.
var ErrHash = errors.New("not a valid hash")

// Cost returns the cost of one attempt in microseconds, roughly, on one core of a machine of 2024. It
// depends on the hash's parameters, never on a clock, so that every machine checks the same hashes.
// The error is ErrHash.
func Cost(hash string) (int64, error) {
	switch Identify(hash) {
	case MD5:
		return 400, nil
	case SHA256:
		return shaCryptCost(hash, &sha256Scheme)
	case SHA512:
		return shaCryptCost(hash, &sha512Scheme)
	case Bcrypt:
		n, err := bcrypt.Cost([]byte(hash))
		if err != nil || n < bcrypt.MinCost || n > bcrypt.MaxCost {
			return 0, ErrHash
		}
		return 85 << n, nil
	case Yescrypt:
		p, _, _, err := parseYescrypt(hash)
		if err != nil {
			return 0, err
		}
		return p.cost(), nil
	default:
		return 0, ErrHash
	}
}

// Verify reports whether a password matches a hash. A password that crypt(3) would cut is cut the
// same way; one over 128 bytes matches nothing. The error is ErrHash.
func Verify(password, hash string) (bool, error) {
	if len(password) > maxAttempt {
		return false, nil
	}
	var got string
	var err error
	switch Identify(hash) {
	case MD5:
		got, err = md5Crypt(password, hash)
	case SHA256:
		got, err = sha256Scheme.crypt(password, hash)
	case SHA512:
		got, err = sha512Scheme.crypt(password, hash)
	case Yescrypt:
		got, err = yescryptHash(password, hash)
	case Bcrypt:
		err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(password))
		if err == nil || errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) || errors.Is(err, bcrypt.ErrPasswordTooLong) {
			return err == nil, nil
		}
		return false, ErrHash
	default:
		return false, ErrHash
	}
	return err == nil && subtle.ConstantTimeCompare([]byte(got), []byte(hash)) == 1, err
}

// cryptDigits are the base-64 digits of crypt(5).
const cryptDigits = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func base64Only(s string) bool { return strings.Trim(s, cryptDigits) == "" }

// encode24 writes the lowest 6·chars bits of v, at most 24, as digits, the lowest six bits first.
func encode24(b *strings.Builder, v uint32, chars int) {
	for range chars {
		b.WriteByte(cryptDigits[v&63])
		v >>= 6
	}
}
