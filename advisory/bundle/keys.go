package bundle

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"os"

	"plimsoll"
)

// NewKey makes a key pair and writes the private key to path (PKCS #8 in PEM, mode 0600) and
// the public key to path.pub (PKIX in PEM). Conflict if a file exists, which is not changed.
func NewKey(path string) (ed25519.PublicKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Internal, "bundle: make a key: %w", err)
	}
	privateDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Internal, "bundle: make a key: %w", err)
	}
	publicDER, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Internal, "bundle: make a key: %w", err)
	}
	return public, errors.Join(writeNewPEM(path, 0o600, "PRIVATE KEY", privateDER), writeNewPEM(path+".pub", 0o644, "PUBLIC KEY", publicDER))
}

func writeNewPEM(path string, mode os.FileMode, kind string, der []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if errors.Is(err, os.ErrExist) {
		return plimsoll.Errorf(plimsoll.Conflict, "bundle: %s exists already", path)
	}
	if err != nil {
		return plimsoll.Errorf(plimsoll.Invalid, "bundle: write a key: %w", err)
	}
	return errors.Join(pem.Encode(f, &pem.Block{Type: kind, Bytes: der}), f.Close())
}

const maxKey = 64 << 10

func readPEM(path, kind string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "bundle: key: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read from
	raw, err := io.ReadAll(io.LimitReader(f, maxKey))
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "bundle: key: %w", err)
	}
	block, _ := pem.Decode(raw)
	if block == nil || block.Type != kind {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "bundle: %s is not a %s in PEM", path, kind)
	}
	return block.Bytes, nil
}

// ReadPrivateKey reads what NewKey wrote at path.
func ReadPrivateKey(path string) (ed25519.PrivateKey, error) {
	der, err := readPEM(path, "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if private, ok := key.(ed25519.PrivateKey); ok && err == nil {
		return private, nil
	}
	return nil, plimsoll.Errorf(plimsoll.Invalid, "bundle: %s is not an Ed25519 key", path)
}

// ReadPublicKey reads what NewKey wrote at path.pub.
func ReadPublicKey(path string) (ed25519.PublicKey, error) {
	der, err := readPEM(path, "PUBLIC KEY")
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if public, ok := key.(ed25519.PublicKey); ok && err == nil {
		return public, nil
	}
	return nil, plimsoll.Errorf(plimsoll.Invalid, "bundle: %s is not an Ed25519 key", path)
}
