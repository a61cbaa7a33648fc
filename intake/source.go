package intake

import (
	"context"
	"io"

	"plimsoll"
	"plimsoll/registry"
)

// Source is a place that images are read from: a registry, by whichever protocol lists it best. Implementations are safe
// for concurrent use, prove digests and sizes, and bound every read. Their errors carry a plimsoll.FailureCode:
// FailureNotFound if a repository, tag or digest does not exist, FailureAuth if the credential may not read it.
type Source interface {
	// Ping checks that the source can be reached and accepts the credential. authHost is the host:port of a token
	// service besides the source itself, "" if there is none; it is returned with an error too.
	Ping(ctx context.Context) (authHost string, err error)

	// Repositories lists the paths of the repositories.
	Repositories(ctx context.Context) ([]string, error)

	// Tags lists the tags of a repository. Digest and PushedAt are set where the list contains them. A tag
	// without a digest needs Resolve.
	Tags(ctx context.Context, repository string) ([]plimsoll.TagSeen, error)

	// Resolve returns the descriptor of the manifest that a tag or digest points to.
	Resolve(ctx context.Context, repository, tagOrDigest string) (plimsoll.Descriptor, error)

	// Manifest returns a manifest by digest, and its media type, "" if the source declares none.
	Manifest(ctx context.Context, repository string, d plimsoll.Digest) (mediaType string, raw []byte, err error)

	// Blob returns a blob. Reading it to the end proves its digest and size. The caller closes it.
	Blob(ctx context.Context, repository string, d plimsoll.Descriptor) (io.ReadCloser, error)
}

// Referrers is a capability that a Source may have beside its own methods: it lists the manifests that refer to another
// manifest, such as signatures, SBOMs and VEX documents. No caller yet: registry.Client has it.
type Referrers interface {
	Referrers(ctx context.Context, repository string, d plimsoll.Digest) ([]plimsoll.Descriptor, error)
}

var (
	_ Source    = (*registry.Client)(nil)
	_ Referrers = (*registry.Client)(nil)
)

// Repository reads the manifests and blobs of one repository of a source. It is what a scan reads an image from.
type Repository struct {
	Source Source
	Path   string
}

// Manifest returns a manifest by digest, as Source.Manifest does.
func (r Repository) Manifest(ctx context.Context, d plimsoll.Digest) (mediaType string, raw []byte, err error) {
	return r.Source.Manifest(ctx, r.Path, d)
}

// Blob returns a blob, as Source.Blob does.
func (r Repository) Blob(ctx context.Context, d plimsoll.Descriptor) (io.ReadCloser, error) {
	return r.Source.Blob(ctx, r.Path, d)
}
