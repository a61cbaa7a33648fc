package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"

	"plimsoll"
)

const (
	formatVersion = 1
	idSize        = 8
	headerSize    = 1 + idSize
	nonceSize     = chacha20poly1305.NonceSizeX

	// KeySize is the length of a key and of its file, in bytes.
	KeySize = chacha20poly1305.KeySize

	// Overhead is the number of bytes by which a sealed value is longer than the plain one.
	Overhead = headerSize + nonceSize + chacha20poly1305.Overhead
)

// Key seals and opens secrets. It is safe for concurrent use, and formatting it never prints its
// bytes.
type Key struct {
	id   [idSize]byte
	aead cipher.AEAD
}

// New returns a key for secret, which are KeySize random bytes.
func New(secret []byte) (*Key, error) {
	aead, err := chacha20poly1305.NewX(secret)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "a sealing key has %d bytes, not %d", KeySize, len(secret))
	}
	sum := sha256.Sum256(append([]byte("plimsoll sealing key id\x00"), secret...))
	k := &Key{aead: aead}
	copy(k.id[:], sum[:])
	return k, nil
}

// ID returns the key's id, 16 hex digits of a hash of the key.
func (k *Key) ID() string { return hex.EncodeToString(k.id[:]) }

// Format prints only the id, for every verb.
func (k Key) Format(f fmt.State, _ rune) {
	io.WriteString(f, "sealing key "+k.ID()) //nolint:errcheck,gosec // fmt keeps the error
}

// Seal encrypts plain for the place that ad names. Every call returns a different value, because
// the nonce is random.
func (k *Key) Seal(plain, ad []byte) []byte {
	out := make([]byte, headerSize+nonceSize, len(plain)+Overhead)
	out[0] = formatVersion
	copy(out[1:], k.id[:])
	nonce := out[headerSize:]
	rand.Read(nonce) //nolint:errcheck,gosec // crypto/rand never returns an error
	return k.aead.Seal(out, nonce, plain, k.additionalData(ad))
}

// Open decrypts a value that Seal made for the same place. Conflict means that another key sealed
// it; Internal that it was changed, cut, or sealed for another place.
func (k *Key) Open(sealed, ad []byte) ([]byte, error) {
	id, err := KeyID(sealed)
	if err != nil {
		return nil, err
	}
	if id != k.ID() {
		return nil, otherKeyError("a secret was", id, k.ID())
	}
	nonce, body := sealed[headerSize:headerSize+nonceSize], sealed[headerSize+nonceSize:]
	plain, err := k.aead.Open(nil, nonce, body, k.additionalData(ad))
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Internal, "a sealed secret does not open: it was changed or belongs to another place").
			WithHint("enter the secret again")
	}
	return plain, nil
}

// KeyID returns the id of the key that sealed a value.
func KeyID(sealed []byte) (string, error) {
	if len(sealed) < Overhead || sealed[0] != formatVersion {
		return "", plimsoll.Errorf(plimsoll.Internal, "a sealed secret has an unknown form").
			WithHint("enter the secret again")
	}
	return hex.EncodeToString(sealed[1:headerSize]), nil
}

// additionalData joins the header and the caller's data. The header has a fixed length, so the
// result is unambiguous.
func (k *Key) additionalData(ad []byte) []byte {
	out := make([]byte, 0, headerSize+len(ad))
	out = append(out, formatVersion)
	out = append(out, k.id[:]...)
	return append(out, ad...)
}

func otherKeyError(what, theirs, ours string) error {
	return plimsoll.Errorf(plimsoll.Conflict, "%s sealed with key %s, and the key here is %s", what, theirs, ours).
		WithHint("restore the key file that belongs to this database")
}
