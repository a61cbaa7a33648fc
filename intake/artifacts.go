package intake

import (
	"context"
	"slices"

	"plimsoll"
	"plimsoll/manifest"
)

// newArtifacts reads the artifacts that tags point to and that are not stored, with the members of
// indexes. Tags whose artifact could not be read are left out and counted.
func (r *syncRun) newArtifacts(ctx context.Context, name string, tags []plimsoll.TagSeen) ([]plimsoll.Artifact, []plimsoll.TagSeen, error) {
	tenant := r.reg.Tenant
	var digests []plimsoll.Digest
	for _, t := range tags {
		digests = append(digests, t.Digest)
	}
	known, err := r.Store.KnownArtifacts(ctx, tenant, digests)
	if err != nil {
		return nil, nil, err
	}
	read := artifactReader{repository: Repository{Source: r.source, Path: name}, budget: r.Budget, redact: r.Redact, done: map[plimsoll.Digest]int64{}}
	unreadable := map[plimsoll.Digest]bool{}
	for _, t := range tags {
		if known[t.Digest] || read.has(t.Digest) || unreadable[t.Digest] {
			continue
		}
		if err := read.artifact(ctx, t.Digest); err != nil {
			if ctx.Err() != nil {
				return nil, nil, ctx.Err()
			}
			unreadable[t.Digest] = true
			r.skip(name+":"+t.Tag, err)
		}
	}
	tags = slices.DeleteFunc(slices.Clone(tags), func(t plimsoll.TagSeen) bool { return unreadable[t.Digest] })
	return read.out, tags, nil
}

// artifactReader collects artifacts of one repository.
type artifactReader struct {
	repository Repository
	budget     plimsoll.Budget
	redact     manifest.Redactor
	done       map[plimsoll.Digest]int64 // sizes of the artifacts in out
	out        []plimsoll.Artifact
}

func (r *artifactReader) has(d plimsoll.Digest) bool {
	_, ok := r.done[d]
	return ok
}

// artifact reads the artifact that a tag points to. One that exists but is defective is kept
// without content, so that the list shows it: its scan reports what is wrong with it.
func (r *artifactReader) artifact(ctx context.Context, d plimsoll.Digest) error {
	a, err := r.read(ctx, d)
	if err != nil {
		return err
	}
	if a.Kind == plimsoll.KindIndex {
		if a.Size, err = r.children(ctx, a.Children); err != nil {
			return err
		}
	}
	r.add(a)
	return nil
}

func (r *artifactReader) read(ctx context.Context, d plimsoll.Digest) (plimsoll.Artifact, error) {
	mediaType, raw, err := r.repository.Manifest(ctx, d)
	if err != nil && !isDefective(err) {
		return plimsoll.Artifact{}, err
	}
	var a plimsoll.Artifact
	if err == nil {
		a, err = manifest.Parse(mediaType, raw, r.budget)
	}
	if err != nil {
		//nolint:nilerr // it exists and the list shows it: its scan reports what is wrong with it
		return plimsoll.Artifact{Digest: d, MediaType: mediaType, Kind: plimsoll.KindImage}, nil
	}
	if a.Kind == plimsoll.KindImage {
		return r.withConfig(ctx, a)
	}
	return a, nil
}

// isDefective reports whether another attempt would fail the same way: the bytes break a rule or a budget.
func isDefective(err error) bool {
	code := plimsoll.ErrorCode(err)
	return code == plimsoll.Invalid || code == plimsoll.TooLarge
}

func (r *artifactReader) add(a plimsoll.Artifact) {
	r.done[a.Digest] = a.Size
	r.out = append(r.out, a)
}

// children reads the members of an index that can be scanned and returns the sum of their sizes.
func (r *artifactReader) children(ctx context.Context, children []plimsoll.Child) (int64, error) {
	var size int64
	for _, c := range children {
		if c.Unscannable != "" {
			continue
		}
		if !r.has(c.Digest) {
			if err := r.child(ctx, c); err != nil {
				return 0, err
			}
		}
		size += r.done[c.Digest]
	}
	return size, nil
}

// child reads a member of an index. One that is an index itself, though its descriptor
// has another type, is not followed: a chain of them could be endless.
func (r *artifactReader) child(ctx context.Context, c plimsoll.Child) error {
	a, err := r.read(ctx, c.Digest)
	if plimsoll.FailureOf(err) == plimsoll.FailureNotFound {
		a, err = plimsoll.Artifact{Digest: c.Digest, MediaType: c.MediaType, Kind: plimsoll.KindImage, Platform: c.Platform}, nil
	}
	if err != nil {
		return err
	}
	if a.Kind == plimsoll.KindIndex {
		a.Children, a.Unscannable = nil, plimsoll.ReasonNotAnImage
	}
	r.add(a)
	return nil
}

// withConfig reads the config of an image. If it is missing, broken or too large, the
// layers have no diff IDs, and the scan reports why.
func (r *artifactReader) withConfig(ctx context.Context, a plimsoll.Artifact) (plimsoll.Artifact, error) {
	config, err := r.config(ctx, a.Config)
	switch code := plimsoll.FailureOf(err); {
	case code == "":
		if joined, err := manifest.WithConfig(a, config); err == nil {
			return joined, nil
		}
		return a, nil
	case code == plimsoll.FailureNotFound || isDefective(err):
		return a, nil
	default:
		return plimsoll.Artifact{}, err
	}
}

// config reads the config of an image, as it may be stored.
func (r *artifactReader) config(ctx context.Context, d plimsoll.Descriptor) (plimsoll.ImageConfig, error) {
	body, err := r.repository.Blob(ctx, d)
	if err != nil {
		return plimsoll.ImageConfig{}, err
	}
	defer body.Close() //nolint:errcheck // read to its end
	config, err := manifest.ReadConfig(body, r.budget)
	if err != nil {
		return plimsoll.ImageConfig{}, err
	}
	return r.redact.Storable(config), nil
}
