package bundle

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"time"

	"plimsoll"
)

// MediaType is the media type of a bundle in a registry.
const MediaType = "application/vnd.plimsoll.advisories.v1.tar+zstd"

// The format in the manifest, and the names of the last two files.
const (
	manifestFormat  = "plimsoll advisories"
	manifestVersion = 1
	manifestName    = "manifest.json"
	sigName         = "manifest.sig"
)

// Kinds of feeds: OSV records, or threats.
const (
	KindRecords = "osv"
	KindThreats = "threats"
)

// Manifest lists the contents of a bundle.
type Manifest struct {
	Format  string    `json:"format"`
	Version int       `json:"version"`
	Created time.Time `json:"created"`
	Feeds   []Feed    `json:"feeds"`
}

// Feed is one feed of a bundle.
type Feed struct {
	Name      string    `json:"name"`
	Kind      string    `json:"kind"`
	Source    string    `json:"source"`
	CheckedAt time.Time `json:"checked_at"` // when it was last compared with its upstream
	Newest    time.Time `json:"newest_modified,omitzero"`
	Records   int       `json:"records"`
	File      string    `json:"file"`
	Size      int64     `json:"size"`   // bytes
	SHA256    string    `json:"sha256"` // hex
}

// manifestSignature is manifest.sig.
type manifestSignature struct {
	Key       string `json:"key"` // KeyID of the key it was made with
	Signature string `json:"signature"`
}

// signatureContext precedes the manifest in the signed message, so that the signature is
// valid for nothing else.
const signatureContext = "plimsoll advisory bundle v1\n"

// KeyID returns a short name of a public key: the first 16 hex digits of its SHA-256.
func KeyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:8])
}

func signManifest(key ed25519.PrivateKey, manifest []byte) ([]byte, error) {
	public, _ := key.Public().(ed25519.PublicKey)
	return json.Marshal(manifestSignature{KeyID(public), base64.StdEncoding.EncodeToString(ed25519.Sign(key, append([]byte(signatureContext), manifest...)))})
}

// ErrUnsigned and ErrSignature refuse a bundle that has no signature, or one by a key that
// is not trusted.
var (
	ErrUnsigned  = plimsoll.Errorf(plimsoll.Invalid, "bundle: it is not signed, or there is no key to check it with")
	ErrSignature = plimsoll.Errorf(plimsoll.Forbidden, "bundle: no trusted key signed this")
)

// Trust configures which bundles are accepted. The zero value accepts none.
type Trust struct {
	Keys     []ed25519.PublicKey // one of them must have signed
	Unsigned bool                // accept any bundle, without checking its signature
}

// verify checks the signature of a manifest with the trusted keys.
func (t Trust) verify(manifest, sig []byte) error {
	switch {
	case t.Unsigned && len(t.Keys) > 0:
		return plimsoll.Errorf(plimsoll.Invalid, "bundle: trusted keys and accepting unsigned bundles exclude each other")
	case t.Unsigned:
		return nil
	case len(t.Keys) == 0 || len(sig) == 0:
		return ErrUnsigned
	}
	var s manifestSignature
	if err := json.Unmarshal(sig, &s); err != nil {
		return plimsoll.Errorf(plimsoll.Invalid, "bundle: signature: %w", err)
	}
	raw, err := base64.StdEncoding.DecodeString(s.Signature)
	if err != nil {
		return plimsoll.Errorf(plimsoll.Invalid, "bundle: signature: %w", err)
	}
	signed := append([]byte(signatureContext), manifest...)
	for _, key := range t.Keys {
		if ed25519.Verify(key, signed, raw) {
			return nil
		}
	}
	return ErrSignature
}
