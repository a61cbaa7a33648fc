package ruleset

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"plimsoll"
	"plimsoll/advisory/bundle"
	"plimsoll/analyze/all"
	"plimsoll/layer"
)

// TitleAnnotation names the file that a layer of an artifact is (OCI image specification 1.1, Annotations).
const TitleAnnotation = "org.opencontainers.image.title"

// Media types of an artifact of rules and of a file in it. Registries that do not know artifact types (OCI image
// specification 1.1) identify artifacts by the type of their config.
const (
	configType = types.MediaType("application/vnd.plimsoll.rules.config.v1+json")
	fileType   = types.MediaType("application/vnd.plimsoll.rules.file.v1")
)

// artifactManifest is what is read of an artifact's manifest (OCI image specification 1.1, Image Manifest).
type artifactManifest struct {
	Layers []struct {
		MediaType   string            `json:"mediaType"`
		Digest      plimsoll.Digest   `json:"digest"`
		Size        int64             `json:"size"`
		Annotations map[string]string `json:"annotations"`
	} `json:"layers"`
}

// Repository is the part of a repository that artifacts are read from. Both methods verify the digest.
type Repository interface {
	Manifest(ctx context.Context, d plimsoll.Digest) (mediaType string, raw []byte, err error)
	Blob(ctx context.Context, d plimsoll.Descriptor) (io.ReadCloser, error)
}

// ReadArtifact reads the files of an artifact. Its layers are files with TitleAnnotation, or tar archives of files.
func ReadArtifact(ctx context.Context, src Repository, digest plimsoll.Digest, budget plimsoll.Budget) ([]all.RuleFile, error) {
	_, raw, err := src.Manifest(ctx, digest)
	if err != nil {
		return nil, err
	}
	if int64(len(raw)) > budget.ManifestBytes {
		return nil, plimsoll.Errorf(plimsoll.TooLarge, "manifest of %d bytes", len(raw))
	}
	var m artifactManifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "manifest is not valid: %w", err)
	}
	if len(m.Layers) == 0 {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "the artifact has no layers, so it has no rules")
	}
	set := boundedFiles{}
	seen := map[string]bool{}
	for _, l := range m.Layers {
		d := plimsoll.Descriptor{MediaType: l.MediaType, Digest: l.Digest, Size: l.Size}
		if l.Size < 0 || l.Size > maxBytes {
			return nil, plimsoll.Errorf(plimsoll.TooLarge, "layer %s has %d bytes, more than %d MiB", l.Digest.Short(), l.Size, maxBytes>>20)
		}
		if err := set.addLayer(ctx, src, d, l.Annotations[TitleAnnotation], budget); err != nil {
			return nil, err
		}
	}
	for _, f := range set.files {
		if seen[f.Name] {
			return nil, plimsoll.Errorf(plimsoll.Invalid, "the artifact has %.200q twice", f.Name)
		}
		seen[f.Name] = true
	}
	return set.files, nil
}

// addLayer adds the file that a layer is, or the files of a tar archive if it has no title.
func (s *boundedFiles) addLayer(ctx context.Context, src Repository, d plimsoll.Descriptor, title string, budget plimsoll.Budget) error {
	blob, err := src.Blob(ctx, d)
	if err != nil {
		return err
	}
	defer blob.Close() //nolint:errcheck // only read from
	if title != "" {
		return s.add(title, blob)
	}
	if !strings.Contains(d.MediaType, "tar") {
		return plimsoll.Errorf(plimsoll.Invalid, "a layer of type %.80q has no title and is no tar archive", d.MediaType)
	}
	budget.ImageUnpacked, budget.LayerEntries = 2*maxBytes, 2*maxFiles // folders and headers take their part
	_, err = layer.Read(ctx, blob, layer.Options{MediaType: d.MediaType, CompressedSize: d.Size, Budget: budget}, func(e plimsoll.Entry, r io.Reader) error {
		switch e.Type {
		case plimsoll.EntryDir:
			return nil
		case plimsoll.EntryFile:
			return s.add(e.Path, r)
		default:
			return plimsoll.Errorf(plimsoll.Invalid, "%.200q is not a file", e.Path)
		}
	})
	return err
}

// PushArtifact stores files under a reference, a layer per file, and returns the reference by digest. The same files
// have the same digest.
func PushArtifact(ctx context.Context, to bundle.Registry, reference string, files []all.RuleFile) (string, error) {
	options := []name.Option{name.StrictValidation}
	if to.PlainHTTP {
		options = append(options, name.Insecure)
	}
	ref, err := name.ParseReference(reference, options...)
	if err != nil {
		return "", plimsoll.Errorf(plimsoll.Invalid, "reference: %w", err).WithHint("write it in full: registry.example.org/security/rules:latest")
	}
	image, err := newArtifact(files)
	if err != nil {
		return "", plimsoll.Errorf(plimsoll.Internal, "make an artifact: %w", err)
	}
	auth := authn.Anonymous
	if to.Credential != (plimsoll.Credential{}) {
		auth = &authn.Basic{Username: to.Credential.Username, Password: to.Credential.Secret}
	}
	err = remote.Write(ref, image, remote.WithContext(ctx), remote.WithTransport(to.Transport), remote.WithAuth(auth))
	if own, ok := errors.AsType[*plimsoll.Error](err); ok {
		return "", own // what the policy for connections refused
	}
	if err != nil {
		return "", plimsoll.Errorf(plimsoll.Unavailable, "push: %w", err)
	}
	digest, err := image.Digest()
	return ref.Context().Digest(digest.String()).String(), err
}

// newArtifact has a layer for each file, with its name as the title. Nothing in it depends on when or where it is made.
func newArtifact(files []all.RuleFile) (v1.Image, error) {
	layers := make([]mutate.Addendum, len(files))
	for i, f := range files {
		layers[i] = mutate.Addendum{Layer: static.NewLayer(f.Data, fileType), Annotations: map[string]string{TitleAnnotation: f.Name}}
	}
	return mutate.Append(mutate.MediaType(mutate.ConfigMediaType(empty.Image, configType), types.OCIManifestSchema1), layers...)
}
