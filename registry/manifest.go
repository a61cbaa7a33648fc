package registry

import (
	"context"
	"net/http"
	"strings"

	"plimsoll"
	"plimsoll/manifest"
)

// Docker manifests of version 1 are accepted so that they can be recognised and reported. They are not read.
const (
	mediaSchema1       = "application/vnd.docker.distribution.manifest.v1+json"
	mediaSchema1Signed = "application/vnd.docker.distribution.manifest.v1+prettyjws"
	mediaIndex         = "application/vnd.oci.image.index.v1+json"
)

func acceptManifests() string {
	return strings.Join(append(manifest.MediaTypes(), mediaSchema1Signed, mediaSchema1), ", ")
}

// Resolve returns the descriptor of the manifest that a tag or digest points to. It reads the manifest only if the
// headers do not contain enough, or if the registry refuses HEAD: some refuse it with 401, 403, 404 or 405 and answer
// GET, so only the answer to GET is final. 429 is final for both.
func (c *Client) Resolve(ctx context.Context, repository, reference string) (plimsoll.Descriptor, error) {
	r, err := c.manifestRequest(repository, reference)
	if err != nil {
		return plimsoll.Descriptor{}, err
	}
	head := r
	head.method = http.MethodHead
	resp, err := c.send(ctx, head)
	if err != nil {
		return plimsoll.Descriptor{}, err
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		return plimsoll.Descriptor{}, statusError(r.doing, resp)
	}
	drainBody(resp)
	declared, err := plimsoll.ParseDigest(resp.Header.Get("Docker-Content-Digest"))
	d := plimsoll.Descriptor{MediaType: declaredMediaType(resp.Header), Digest: declared, Size: resp.ContentLength}
	if resp.StatusCode != http.StatusOK || err != nil || d.Size <= 0 || d.MediaType == "" {
		return c.resolveByReading(ctx, r, reference)
	}
	return d, checkDigest(r.doing, reference, declared)
}

// resolveByReading reads the manifest and computes its digest.
func (c *Client) resolveByReading(ctx context.Context, r request, reference string) (plimsoll.Descriptor, error) {
	got, err := c.fetch(ctx, r)
	if err != nil {
		return plimsoll.Descriptor{}, err
	}
	d := plimsoll.Descriptor{MediaType: declaredMediaType(got.header), Digest: plimsoll.DigestOf(got.body), Size: int64(len(got.body))}
	if d.MediaType == mediaSchema1Signed {
		if declared, err := plimsoll.ParseDigest(got.header.Get("Docker-Content-Digest")); err == nil {
			d.Digest = declared // of the document without its signatures
		}
		return d, nil
	}
	return d, checkDigest(r.doing, reference, d.Digest)
}

// checkDigest fails if a reference is a digest and the answer has another one.
func checkDigest(doing, reference string, got plimsoll.Digest) error {
	if !strings.Contains(reference, ":") || reference == string(got) {
		return nil
	}
	return plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Invalid, "%s: the registry answers with digest %s", doing, got.Short()))
}

// manifestRequest makes the request for a manifest by tag or digest.
func (c *Client) manifestRequest(repository, reference string) (request, error) {
	path, err := repositoryPath(repository, "manifests/"+reference)
	if err != nil {
		return request{}, err
	}
	separator := ":"
	if !plimsoll.ValidTag(reference) {
		if _, err := plimsoll.ParseDigest(reference); err != nil {
			return request{}, plimsoll.Fail(plimsoll.FailureNotFound, plimsoll.Errorf(plimsoll.Invalid, "%.80q is neither a tag nor a digest", reference))
		}
		separator = "@"
	}
	return request{
		doing:  "reading the manifest of " + repository + separator + reference,
		path:   path,
		scope:  pullScope(repository),
		accept: acceptManifests(),
		limit:  c.budget.ManifestBytes,
	}, nil
}

// Manifest returns the manifest with digest d and the media type that the registry
// declares, "" if it declares none. A signed manifest of Docker's version 1 is returned
// unproven, because its digest leaves the signatures out; the caller can only refuse it.
func (c *Client) Manifest(ctx context.Context, repository string, d plimsoll.Digest) (mediaType string, raw []byte, err error) {
	if _, err := plimsoll.ParseDigest(string(d)); err != nil {
		return "", nil, plimsoll.Fail(plimsoll.FailureDownload, err)
	}
	r, err := c.manifestRequest(repository, string(d))
	if err != nil {
		return "", nil, err
	}
	got, err := c.fetch(ctx, r)
	if err != nil {
		return "", nil, err
	}
	declared := declaredMediaType(got.header)
	if declared != mediaSchema1Signed {
		if err := checkDigest(r.doing, string(d), plimsoll.DigestOf(got.body)); err != nil {
			return "", nil, err
		}
	}
	return declared, got.body, nil
}
