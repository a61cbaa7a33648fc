package bundle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"plimsoll"
)

// maxBundle bounds what is pulled, in bytes.
const maxBundle = 16 << 30

// configType marks the manifest as that of a bundle: registries without support for
// artifactType (OCI image spec 1.1) distinguish artifacts by the media type of the config.
const configType = types.MediaType("application/vnd.plimsoll.advisories.config.v1+json")

// Registry pushes bundles to a registry and pulls them from it.
type Registry struct {
	Transport  http.RoundTripper
	Credential plimsoll.Credential
	PlainHTTP  bool
}

// Push stores the file as the only layer of an artifact under the reference, and returns
// the digest of its manifest.
func (r Registry) Push(ctx context.Context, path, reference string) (plimsoll.Digest, error) {
	ref, options, err := r.parseReference(ctx, reference)
	if err != nil {
		return "", err
	}
	layer, err := newFileLayer(path)
	if err != nil {
		return "", err
	}
	image, err := mutate.Append(mutate.MediaType(mutate.ConfigMediaType(empty.Image, configType), types.OCIManifestSchema1), mutate.Addendum{Layer: layer})
	if err != nil {
		return "", plimsoll.Errorf(plimsoll.Internal, "bundle: make an artifact: %w", err)
	}
	if err := remote.Write(ref, image, options...); err != nil {
		return "", registryError("push", err)
	}
	digest, err := image.Digest()
	return plimsoll.Digest(digest.String()), err
}

// Pull writes the bundle under the reference to a new file. It verifies the digests of the
// registry; the signature is verified by Open.
func (r Registry) Pull(ctx context.Context, reference, path string) (plimsoll.Digest, error) {
	ref, options, err := r.parseReference(ctx, reference)
	if err != nil {
		return "", err
	}
	image, err := remote.Image(ref, options...)
	if err != nil {
		return "", registryError("pull", err)
	}
	layers, err := image.Layers()
	if err != nil {
		return "", registryError("pull", err)
	}
	if len(layers) != 1 {
		return "", plimsoll.Errorf(plimsoll.Invalid, "bundle: the artifact has %d layers, not one", len(layers))
	}
	if kind, err := layers[0].MediaType(); err != nil || string(kind) != MediaType {
		return "", plimsoll.Errorf(plimsoll.Invalid, "bundle: the artifact is not a bundle but %.100q", kind)
	}
	size, err := layers[0].Size()
	if err != nil || size > maxBundle {
		return "", plimsoll.Errorf(plimsoll.TooLarge, "bundle: it has %d bytes, more than %d", size, int64(maxBundle))
	}
	if err := saveLayer(layers[0], path); err != nil {
		return "", err
	}
	digest, err := image.Digest()
	return plimsoll.Digest(digest.String()), err
}

func saveLayer(layer v1.Layer, path string) error {
	body, err := layer.Compressed() // verifies size and digest at its end
	if err != nil {
		return registryError("pull", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return errors.Join(plimsoll.Errorf(plimsoll.Invalid, "bundle: %w", err), body.Close())
	}
	_, err = io.Copy(f, body)
	if err := errors.Join(err, body.Close(), f.Close()); err != nil {
		return errors.Join(registryError("pull", err), os.Remove(path))
	}
	return nil
}

func (r Registry) parseReference(ctx context.Context, reference string) (name.Reference, []remote.Option, error) {
	options := []name.Option{name.StrictValidation}
	if r.PlainHTTP {
		options = append(options, name.Insecure)
	}
	ref, err := name.ParseReference(reference, options...)
	if err != nil {
		return nil, nil, plimsoll.Errorf(plimsoll.Invalid, "bundle: reference: %w", err).
			WithHint("write it in full: registry.example.org/security/advisories:latest")
	}
	auth := authn.Anonymous
	if r.Credential.Username != "" || r.Credential.Secret != "" {
		auth = &authn.Basic{Username: r.Credential.Username, Password: r.Credential.Secret}
	}
	return ref, []remote.Option{remote.WithContext(ctx), remote.WithTransport(r.Transport), remote.WithAuth(auth)}, nil
}

// registryError returns our own errors (such as a refused connection) as they are, and makes
// any other Unavailable.
func registryError(what string, err error) error {
	if own, ok := errors.AsType[*plimsoll.Error](err); ok {
		return own
	}
	return plimsoll.Errorf(plimsoll.Unavailable, "bundle: %s: %w", what, err)
}

// fileLayer is a v1.Layer that reads a file when it is pushed.
type fileLayer struct {
	path   string
	digest v1.Hash
	size   int64
}

func newFileLayer(path string) (*fileLayer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.NotFound, "bundle: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read from
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "bundle: %w", err)
	}
	return &fileLayer{path: path, size: size, digest: v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum.Sum(nil))}}, nil
}

func (l *fileLayer) Digest() (v1.Hash, error)             { return l.digest, nil }
func (l *fileLayer) DiffID() (v1.Hash, error)             { return l.digest, nil }
func (l *fileLayer) Size() (int64, error)                 { return l.size, nil }
func (l *fileLayer) MediaType() (types.MediaType, error)  { return MediaType, nil }
func (l *fileLayer) Compressed() (io.ReadCloser, error)   { return os.Open(l.path) }
func (l *fileLayer) Uncompressed() (io.ReadCloser, error) { return os.Open(l.path) }
