package intake

import (
	"context"
	"slices"

	"plimsoll"
	"plimsoll/registry"
)

// artifacts reads what the tags point to and is not stored, members of indexes
// included. Tags whose artifact could not be read are left out and counted.
func (r *syncRun) artifacts(ctx context.Context, name string, tags []plimsoll.TagSeen) ([]plimsoll.Artifact, []plimsoll.TagSeen, error) {
	tenant := plimsoll.Tenant{ProjectID: r.reg.ProjectID, EnterpriseProject: r.reg.EnterpriseProject}
	var digests []plimsoll.Digest
	for _, t := range tags {
		digests = append(digests, t.Digest)
	}
	known, err := r.Store.KnownArtifacts(ctx, tenant, digests)
	if err != nil {
		return nil, nil, err
	}
	read := reader{repo: r.client.Repository(name), budget: r.Budget, done: map[plimsoll.Digest]bool{}}
	unreadable := map[plimsoll.Digest]bool{}
	for _, t := range tags {
		if known[t.Digest] || read.done[t.Digest] || unreadable[t.Digest] {
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

// reader collects artifacts of one repository.
type reader struct {
	repo   *registry.Repository
	budget plimsoll.Budget
	done   map[plimsoll.Digest]bool
	out    []plimsoll.Artifact
}

func (r *reader) artifact(ctx context.Context, d plimsoll.Digest) error {
	mediaType, raw, err := r.repo.Manifest(ctx, d)
	if err != nil {
		return err
	}
	a, err := plimsoll.ParseManifest(mediaType, raw, r.budget)
	if err != nil {
		// It exists and must be seen in the list: its scan will tell what is wrong with it.
		r.add(plimsoll.Artifact{Digest: d, MediaType: mediaType, Kind: plimsoll.KindImage})
		return nil //nolint:nilerr // see above
	}
	switch a.Kind {
	case plimsoll.KindImage:
		if a, err = r.withConfig(ctx, a); err != nil {
			return err
		}
	case plimsoll.KindIndex:
		if a.Size, err = r.children(ctx, a.Children); err != nil {
			return err
		}
	}
	r.add(a)
	return nil
}

func (r *reader) add(a plimsoll.Artifact) {
	r.done[a.Digest] = true
	r.out = append(r.out, a)
}

// children reads the members of an index that can be scanned and returns the sum of their sizes.
func (r *reader) children(ctx context.Context, children []plimsoll.Child) (int64, error) {
	var size int64
	for _, c := range children {
		if c.Unscannable != "" {
			continue
		}
		if !r.done[c.Digest] {
			if err := r.child(ctx, c); err != nil {
				return 0, err
			}
		}
		for _, a := range r.out {
			if a.Digest == c.Digest {
				size += a.Size
			}
		}
	}
	return size, nil
}

func (r *reader) child(ctx context.Context, c plimsoll.Child) error {
	err := r.artifact(ctx, c.Digest)
	if plimsoll.FailureOf(err) == plimsoll.FailureNotFound || (err == nil && !r.done[c.Digest]) {
		r.add(plimsoll.Artifact{Digest: c.Digest, MediaType: c.MediaType, Kind: plimsoll.KindImage, Platform: c.Platform})
		return nil
	}
	return err
}

// withConfig reads the config of an image. One that is missing or broken leaves the
// image without layers' diff IDs; its scan will tell.
func (r *reader) withConfig(ctx context.Context, a plimsoll.Artifact) (plimsoll.Artifact, error) {
	config, err := r.config(ctx, a.Config)
	switch code := plimsoll.FailureOf(err); {
	case code == "":
		if joined, err := a.WithConfig(config); err == nil {
			return joined, nil
		}
		return a, nil
	case code == plimsoll.FailureNotFound || plimsoll.ErrorCode(err) == plimsoll.Invalid:
		return a, nil
	default:
		return plimsoll.Artifact{}, err
	}
}

func (r *reader) config(ctx context.Context, d plimsoll.Descriptor) (plimsoll.ImageConfig, error) {
	body, err := r.repo.Blob(ctx, d)
	if err != nil {
		return plimsoll.ImageConfig{}, err
	}
	defer body.Close() //nolint:errcheck // read to its end
	return plimsoll.ReadConfig(body, r.budget)
}
