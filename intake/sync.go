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
	"plimsoll/registry"
)

// Store is what a sync asks of the inventory.
type Store interface {
	KnownRepositories(ctx context.Context, registryID int64) ([]string, error)
	KnownTags(ctx context.Context, registryID int64, repository string) (map[string]plimsoll.Digest, error)
	KnownArtifacts(ctx context.Context, t plimsoll.Tenant, digests []plimsoll.Digest) (map[plimsoll.Digest]bool, error)
	ApplySync(ctx context.Context, r plimsoll.Registry, c plimsoll.RepositoryChange, task *plimsoll.Task) error
}

// Parallelism of one sync. A registry is asked by at most the product of both.
const (
	parallelRepositories = 4
	parallelTags         = 4
)

// Syncer reads registries.
type Syncer struct {
	Store     Store
	Connector *Connector
	Budget    plimsoll.Budget

	// Redact takes secrets out of configs before they are stored; nil = nothing does.
	Redact func(plimsoll.ImageConfig) plimsoll.ImageConfig

	// Wake tells the queue that there may be new work. It may be nil.
	Wake func()
}

// referrerTag is the form of tags that stand for referrers or signatures of another
// artifact (OCI distribution specification, "Referrers Tag Schema"; cosign).
var referrerTag = regexp.MustCompile(`^sha256-[0-9a-f]{64}(\.[a-z]+)?$`)

// Work syncs the registry that w names. What could be read is stored even if some
// of it could not; the error then tells how much is missing.
func (s *Syncer) Work(ctx context.Context, w plimsoll.Work) error {
	id, err := strconv.ParseInt(w.Key, 10, 64)
	if err != nil {
		return plimsoll.Errorf(plimsoll.Internal, "sync work with key %q", w.Key)
	}
	client, reg, err := s.Connector.Client(ctx, w.ProjectID, id)
	if err != nil {
		return err
	}
	return s.Sync(ctx, client, reg)
}

// Sync compares a registry with what is stored and writes the difference, one
// transaction a repository.
func (s *Syncer) Sync(ctx context.Context, client *registry.Client, reg plimsoll.Registry) error {
	repositories, err := s.repositories(ctx, client, reg)
	if err != nil {
		return err
	}
	run := &syncRun{Syncer: s, client: client, reg: reg, task: plimsoll.Task{
		Tenant: reg.Tenant, Kind: plimsoll.WorkScan, By: plimsoll.TaskBySync,
	}}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelRepositories)
	for _, name := range repositories {
		group.Go(func() error { return run.repository(ctx, name) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return run.outcome()
}

// repositories lists what the registry has together with what is stored of it, so
// that a repository that vanished loses its images.
func (s *Syncer) repositories(ctx context.Context, client *registry.Client, reg plimsoll.Registry) ([]string, error) {
	listed := reg.Repositories
	if listed == nil {
		var err error
		if listed, err = client.Repositories(ctx); err != nil {
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
	client *registry.Client
	reg    plimsoll.Registry

	mu      sync.Mutex
	task    plimsoll.Task
	skipped []error
	count   int
}

// skip remembers that something could not be read. The first few reasons are kept.
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

func (r *syncRun) repository(ctx context.Context, name string) error {
	tags, err := r.client.Tags(ctx, name)
	if plimsoll.FailureOf(err) == plimsoll.FailureNotFound {
		tags, err = nil, nil
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
	change := plimsoll.RepositoryChange{Repository: name, Gone: gone(known, tags)}
	if change.Tags, err = r.moved(ctx, name, tags, known, &change.Gone); err != nil {
		return err
	}
	if change.Artifacts, change.Tags, err = r.artifacts(ctx, name, change.Tags); err != nil {
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

func gone(known map[string]plimsoll.Digest, tags []string) []string {
	listed := make(map[string]bool, len(tags))
	for _, t := range tags {
		listed[t] = true
	}
	var out []string
	for t := range known {
		if !listed[t] {
			out = append(out, t)
		}
	}
	slices.Sort(out)
	return out
}

// moved resolves every tag and returns those whose digest is not the stored one.
// A tag that vanished since it was listed joins the gone ones.
func (r *syncRun) moved(ctx context.Context, name string, tags []string, known map[string]plimsoll.Digest, gone *[]string) ([]plimsoll.TagSeen, error) {
	var mu sync.Mutex
	var out []plimsoll.TagSeen
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelTags)
	for _, tag := range tags {
		if referrerTag.MatchString(tag) {
			continue
		}
		group.Go(func() error {
			d, err := r.client.Resolve(ctx, name, tag)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case plimsoll.FailureOf(err) == plimsoll.FailureNotFound:
				if _, stored := known[tag]; stored {
					*gone = append(*gone, tag)
				}
			case err != nil:
				r.skip(name+":"+tag, err)
			case known[tag] != d.Digest:
				out = append(out, plimsoll.TagSeen{Tag: tag, Digest: d.Digest})
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b plimsoll.TagSeen) int { return strings.Compare(a.Tag, b.Tag) })
	return out, nil
}
