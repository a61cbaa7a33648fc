package app

import (
	"context"
	"crypto/ed25519"
	"errors"
	"os"
	"time"

	"plimsoll"
	"plimsoll/advisory/bundle"
)

// Trust is which bundles of advisories are imported.
type Trust = bundle.Trust

// BundleManifest lists the feeds of a bundle.
type BundleManifest = bundle.Manifest

// ReadTrust reads public keys that bundles may be signed with. unsigned accepts any bundle instead.
func ReadTrust(keyFiles []string, unsigned bool) (Trust, error) {
	trust := Trust{Unsigned: unsigned}
	for _, path := range keyFiles {
		key, err := bundle.ReadPublicKey(path)
		if err != nil {
			return trust, err
		}
		trust.Keys = append(trust.Keys, key)
	}
	if unsigned && len(keyFiles) > 0 {
		return trust, plimsoll.Errorf(plimsoll.Invalid, "--verify-key and --insecure-unsigned contradict each other")
	}
	return trust, nil
}

// NewSigningKey writes a new private key to a file, and the public key beside it with .pub at the end of the name. It
// returns the id of the key.
func NewSigningKey(path string) (id string, err error) {
	public, err := bundle.NewKey(path)
	if err != nil {
		return "", err
	}
	return bundle.KeyID(public), nil
}

// ReadSigningKey reads a private key that bundles are signed with.
func ReadSigningKey(path string) (ed25519.PrivateKey, error) { return bundle.ReadPrivateKey(path) }

// Export writes every feed into a bundle in a new file. A nil key leaves it unsigned.
func (a *Advisories) Export(ctx context.Context, path string, key ed25519.PrivateKey) (BundleManifest, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644) //nolint:gosec // a bundle is made to be handed on
	if err != nil {
		return BundleManifest{}, plimsoll.Errorf(plimsoll.Invalid, "export: %w", err)
	}
	m, err := bundle.Write(ctx, f, a.advisories, key, a.tempDir, time.Now())
	if err := errors.Join(err, f.Close()); err != nil {
		return m, errors.Join(err, os.Remove(path))
	}
	return m, nil
}

// PushBundle stores a bundle in a registry, and returns the digest of its manifest.
func PushBundle(ctx context.Context, c Config, path, reference string, access RegistryAccess) (plimsoll.Digest, error) {
	r, err := c.openRegistry(reference, access)
	if err != nil {
		return "", err
	}
	return r.Push(ctx, path, reference)
}

// PullBundle fetches a bundle from a registry into a new file, and returns the digest of its manifest. It verifies no
// signature: Import does.
func PullBundle(ctx context.Context, c Config, reference, path string, access RegistryAccess) (plimsoll.Digest, error) {
	r, err := c.openRegistry(reference, access)
	if err != nil {
		return "", err
	}
	return r.Pull(ctx, reference, path)
}

// openRegistry makes the client of the registry of a reference. The operator typed its address, so it may be a
// private one.
func (c Config) openRegistry(reference string, access RegistryAccess) (bundle.Registry, error) {
	named, err := plimsoll.ParseReference(reference)
	if err != nil {
		return bundle.Registry{}, err
	}
	scheme := access.scheme(named.Registry)
	transport, err := c.transport(withPort(named.Registry, scheme))
	return bundle.Registry{Transport: transport, Credential: access.credential(), PlainHTTP: scheme == "http"}, err
}
