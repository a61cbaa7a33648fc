package intake

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"plimsoll"
	"plimsoll/manifest"
)

// Store is the part of the inventory that a sync reads and writes.
type Store interface {
	KnownRepositories(ctx context.Context, registryID int64) ([]string, error)
	KnownTags(ctx context.Context, registryID int64, repository string) (map[string]plimsoll.Digest, error)
	KnownArtifacts(ctx context.Context, t plimsoll.Tenant, digests []plimsoll.Digest) (map[plimsoll.Digest]bool, error)
	ApplySync(ctx context.Context, r plimsoll.Registry, c plimsoll.RepositoryChange, task *plimsoll.Task) error
}

// Parallelism of one sync. At most the product of both requests run at once.
const (
	parallelRepositories = 4
	parallelTags         = 4
)

// Syncer brings the inventory up to date with registries.
type Syncer struct {
	Store     Store
	Connector *Connector
	Budget    plimsoll.Budget

	// Redact masks secrets in configs; nil masks nothing. Values of variables are never stored.
	Redact manifest.Redactor

	// Wake is called when there may be new work for the queue. nil means no queue.
	Wake func()
}

// referrerTag matches tags that name referrers or signatures of another
// artifact (OCI distribution specification, "Referrers Tag Schema"; cosign).
var referrerTag = regexp.MustCompile(`^sha256-[0-9a-f]{64}(\.[a-z]+)?$`)

// Work syncs the registry that w names. What could be read is stored even if other parts
// could not; the error then contains how much is missing.
func (s *Syncer) Work(ctx context.Context, w plimsoll.Work) error {
	id, err := strconv.ParseInt(w.Key, 10, 64)
	if err != nil {
		return plimsoll.Errorf(plimsoll.Internal, "sync work with key %q", w.Key)
	}
	source, reg, err := s.Connector.Source(ctx, w.ProjectID, id)
	if err != nil {
		return err
	}
	return s.Sync(ctx, source, reg)
}

// Sync compares the source of a registry with what is stored and writes the difference, one
// transaction per repository.
func (s *Syncer) Sync(ctx context.Context, source Source, reg plimsoll.Registry) error {
	repositories, err := s.repositories(ctx, source, reg)
	if err != nil {
		return err
	}
	run := &syncRun{Syncer: s, source: source, reg: reg, task: plimsoll.Task{
		Tenant: reg.Tenant, Kind: plimsoll.WorkScan, By: plimsoll.TaskBySync,
	}}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelRepositories)
	for _, name := range repositories {
		group.Go(func() error { return run.syncRepository(ctx, name) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return run.outcome()
}

// repositories returns the repositories of the source and those stored of it, so
// that the images of a repository that vanished are removed.
func (s *Syncer) repositories(ctx context.Context, source Source, reg plimsoll.Registry) ([]string, error) {
	listed := reg.Repositories
	if listed == nil {
		var err error
		if listed, err = source.Repositories(ctx); err != nil {
			return nil, err
		}
	}
	known, err := s.Store.KnownRepositories(ctx, reg.ID)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(listed, known)
	slices.Sort(all)
	return slices.Compact(all), nil
}

// syncRun is one sync of one registry.
type syncRun struct {
	*Syncer
	source Source
	reg    plimsoll.Registry

	mu      sync.Mutex
	task    plimsoll.Task
	skipped []error
	count   int
}

// skip records that something could not be read. The first few reasons are kept.
func (r *syncRun) skip(what string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	if len(r.skipped) < 3 {
		r.skipped = append(r.skipped, fmt.Errorf("%s: %w", what, err))
	}
}

func (r *syncRun) outcome() error {
	if r.count == 0 {
		return nil
	}
	// The first reason decides the code, and so whether the queue tries again.
	return plimsoll.Fail(plimsoll.FailureOf(r.skipped[0]), &plimsoll.Error{
		Code:    plimsoll.ErrorCode(r.skipped[0]),
		Message: fmt.Sprintf("%d of the registry's tags or repositories could not be read", r.count),
		Err:     errors.Join(r.skipped...),
	})
}

func (r *syncRun) syncRepository(ctx context.Context, name string) error {
	listed, err := r.source.Tags(ctx, name)
	if plimsoll.FailureOf(err) == plimsoll.FailureNotFound {
		listed, err = nil, nil
	}
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.skip(name, err)
		return nil
	}
	known, err := r.Store.KnownTags(ctx, r.reg.ID, name)
	if err != nil {
		return err
	}
	change := plimsoll.RepositoryChange{Repository: name, Gone: goneTags(known, listed)}
	if change.Tags, err = r.movedTags(ctx, name, listed, known, &change.Gone); err != nil {
		return err
	}
	if change.Artifacts, change.Tags, err = r.newArtifacts(ctx, name, change.Tags); err != nil {
		return err
	}
	if change.Empty() {
		return nil
	}
	return r.apply(ctx, change)
}

// apply writes one repository. Scans of one sync share one task, so writers take turns.
func (r *syncRun) apply(ctx context.Context, change plimsoll.RepositoryChange) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.Store.ApplySync(ctx, r.reg, change, &r.task); err != nil {
		return err
	}
	if r.Wake != nil {
		r.Wake()
	}
	return nil
}

// goneTags returns the stored tags that are not listed any more.
func goneTags(known map[string]plimsoll.Digest, listed []plimsoll.TagSeen) []string {
	isListed := make(map[string]bool, len(listed))
	for _, tag := range listed {
		isListed[tag.Tag] = true
	}
	var gone []string
	for tag := range known {
		if !isListed[tag] {
			gone = append(gone, tag)
		}
	}
	slices.Sort(gone)
	return gone
}

// movedTags returns the listed tags whose digest is not the stored one, with their digests.
// A tag that vanished since it was listed is added to gone.
func (r *syncRun) movedTags(ctx context.Context, name string, listed []plimsoll.TagSeen, known map[string]plimsoll.Digest, gone *[]string) ([]plimsoll.TagSeen, error) {
	var mu sync.Mutex
	var moved []plimsoll.TagSeen
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelTags)
	for _, tag := range listed {
		if referrerTag.MatchString(tag.Tag) {
			continue
		}
		group.Go(func() error {
			tag, err := r.resolved(ctx, name, tag)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case plimsoll.FailureOf(err) == plimsoll.FailureNotFound:
				if _, stored := known[tag.Tag]; stored {
					*gone = append(*gone, tag.Tag)
				}
			case err != nil:
				r.skip(name+":"+tag.Tag, err)
			case known[tag.Tag] != tag.Digest:
				moved = append(moved, tag)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	slices.SortFunc(moved, func(a, b plimsoll.TagSeen) int { return strings.Compare(a.Tag, b.Tag) })
	return moved, nil
}

// resolved returns a tag with its digest, which the source is asked for where its list does not contain it.
func (r *syncRun) resolved(ctx context.Context, name string, tag plimsoll.TagSeen) (plimsoll.TagSeen, error) {
	if tag.Digest != "" {
		return tag, nil
	}
	d, err := r.source.Resolve(ctx, name, tag.Tag)
	tag.Digest = d.Digest
	return tag, err
}
