package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"plimsoll"
	"plimsoll/advisory"
)

// Store keeps the records and threats of feeds, and the state of each feed.
type Store interface {
	advisory.Store
	FeedState(ctx context.Context, feed string) (plimsoll.FeedState, error)
	SaveFeedState(ctx context.Context, s plimsoll.FeedState) error
	Threats(ctx context.Context, feed string) (map[string]plimsoll.Threat, error)
	SaveThreats(ctx context.Context, list []plimsoll.Threat, out *plimsoll.ImportOutcome) error
}

// Updater updates feeds from their upstreams.
type Updater struct {
	Store  Store
	Remote *Remote
	Dir    string // for downloads; "" = the system's
	Now    func() time.Time
	Logger *slog.Logger
}

const (
	fullDumpInterval   = 7 * 24 * time.Hour // only a dump shows which records are gone
	withdrawAfterDumps = 2                  // dumps that must lack a record before it is withdrawn
	maxParallelFetches = 8                  // records fetched at a time
)

// SkippedAbsent is the reason for skipping a record that an index lists and the upstream does
// not have.
const SkippedAbsent = "listed, but absent"

// Update updates one feed from the first upstream that can be read. If none can, the stored
// feed stays as it is, and the failure is stored in its state.
func (u *Updater) Update(ctx context.Context, f Feed) (plimsoll.ImportOutcome, error) {
	state, err := u.Store.FeedState(ctx, f.Name)
	if err != nil {
		return plimsoll.ImportOutcome{}, err
	}
	var failed []error
	for _, upstream := range f.Upstreams {
		next := state
		next.FailedAt, next.Failure = time.Time{}, ""
		if next.Upstream != upstream { // validators and times of another upstream do not apply
			next = plimsoll.FeedState{Feed: f.Name, Upstream: upstream}
		}
		out, err := u.updateFrom(ctx, f, upstream, &next)
		if err == nil {
			return out, u.Store.SaveFeedState(ctx, next)
		}
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		u.Logger.WarnContext(ctx, "feed could not be read", "feed", f.Name, "upstream", withoutQuery(upstream), "error", err)
		failed = append(failed, fmt.Errorf("%s: %w", withoutQuery(upstream), err))
	}
	err = errors.Join(failed...)
	state.FailedAt, state.Failure = u.Now(), fmt.Sprintf("%.500s", err)
	return plimsoll.ImportOutcome{Feed: f.Name}, errors.Join(err, u.Store.SaveFeedState(ctx, state))
}

func (u *Updater) updateFrom(ctx context.Context, f Feed, upstream string, state *plimsoll.FeedState) (out plimsoll.ImportOutcome, err error) {
	dir, err := os.MkdirTemp(u.Dir, "plimsoll-feed-")
	if err != nil {
		return out, plimsoll.Errorf(plimsoll.Internal, "feed: make a temporary directory: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // leftovers are removed at the next start
	switch f.Kind {
	case KindOSV:
		return u.updateOSV(ctx, f, upstream, dir, state)
	case KindDump:
		return u.updateDump(ctx, f, upstream, dir, state)
	case KindKEV:
		return u.updateThreats(ctx, f, upstream, state, readKEV)
	default:
		return u.updateThreats(ctx, f, upstream, state, readEPSS)
	}
}

// updateOSV fetches the records that changed since the last update, or the whole dump: the
// first time, once a week, and if the index is absent or lists too many changes.
func (u *Updater) updateOSV(ctx context.Context, f Feed, bucket, dir string, state *plimsoll.FeedState) (plimsoll.ImportOutcome, error) {
	listed, err := u.fetchIndex(ctx, bucketFile(bucket, f.Name, "modified_id.csv"), state.ReadThrough)
	if err != nil && !errors.Is(err, errAbsent) {
		return plimsoll.ImportOutcome{}, err
	}
	full := u.Now().Sub(state.FullAt) >= fullDumpInterval || state.ReadThrough.IsZero() || listed.truncated || err != nil
	if !full {
		out, err := u.updateRecords(ctx, f, bucket, dir, listed)
		if err == nil && listed.newest.After(state.ReadThrough) {
			state.ReadThrough = listed.newest
		}
		return out, err
	}
	before := validators{state.ETag, state.LastModified}
	out, err := u.updateDump(ctx, f, bucketFile(bucket, f.Name, "all.zip"), dir, state)
	if fresh := before != (validators{state.ETag, state.LastModified}); err == nil && (fresh || state.ReadThrough.IsZero()) {
		state.ReadThrough = dumpCompleteUntil(listed.newest, state.LastModified)
	}
	return out, err
}

// maxDumpAge bounds the time between the start of writing a dump and its Last-Modified.
const maxDumpAge = time.Hour

// dumpCompleteUntil returns the time up to which a dump surely contains every change. The
// index is newer than the dump, so later changes in it must still be fetched.
func dumpCompleteUntil(newest time.Time, modified string) time.Time {
	at, err := http.ParseTime(modified)
	if at = at.Add(-maxDumpAge); err == nil && at.Before(newest) {
		return at
	}
	return newest
}

func (u *Updater) fetchIndex(ctx context.Context, address string, since time.Time) (indexChanges, error) {
	b, err := u.Remote.open(ctx, address, validators{}, maxList)
	if err != nil {
		return indexChanges{}, err
	}
	c, err := readIndex(b, since)
	return c, errors.Join(err, b.close())
}

// updateRecords fetches the changed records one by one and imports them as a partial dump.
func (u *Updater) updateRecords(ctx context.Context, f Feed, bucket, dir string, listed indexChanges) (plimsoll.ImportOutcome, error) {
	out := plimsoll.ImportOutcome{Feed: f.Name}
	absent := make([]bool, len(listed.ids))
	var total atomic.Int64
	g, fetching := errgroup.WithContext(ctx)
	g.SetLimit(maxParallelFetches)
	for i, id := range listed.ids {
		g.Go(func() error {
			file := id + ".json"
			if total.Load() > maxRecords {
				return upstreamTooLarge(maxRecords)
			}
			path := filepath.Join(dir, file)
			_, _, err := u.Remote.download(fetching, bucketFile(bucket, f.Name, file), path, validators{}, maxRecord)
			if absent[i] = errors.Is(err, errAbsent); absent[i] {
				return nil
			}
			if info, err := os.Stat(path); err == nil {
				total.Add(info.Size())
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return out, err
	}
	absentCount := 0
	for _, a := range absent {
		if a {
			absentCount++
		}
	}
	if absentCount < len(listed.ids) {
		var err error
		if out, err = u.importDump(ctx, dir, advisory.Plan{Feed: f.Name, Partial: true, Address: withoutQuery(bucketFile(bucket, f.Name))}); err != nil {
			return out, err
		}
	}
	if out.Skipped == nil {
		out.Skipped = map[string]int{}
	}
	if absentCount > 0 {
		out.Skipped[SkippedAbsent] = absentCount
	}
	if listed.skipped > 0 {
		out.Skipped[advisory.SkippedName] += listed.skipped
	}
	return out, nil
}

// updateDump replaces the feed with a zip, if the zip changed.
func (u *Updater) updateDump(ctx context.Context, f Feed, address, dir string, state *plimsoll.FeedState) (plimsoll.ImportOutcome, error) {
	file := filepath.Join(dir, "all.zip")
	now, unchanged, err := u.Remote.download(ctx, address, file, validators{state.ETag, state.LastModified}, maxDump)
	out := plimsoll.ImportOutcome{Feed: f.Name}
	if err == nil && !unchanged {
		out, err = u.importDump(ctx, file, advisory.Plan{Feed: f.Name, WithdrawAfter: withdrawAfterDumps, Address: withoutQuery(address)})
	}
	if err == nil {
		state.ETag, state.LastModified, state.FullAt = now.etag, now.modified, u.Now()
	}
	return out, err
}

func (u *Updater) importDump(ctx context.Context, path string, plan advisory.Plan) (plimsoll.ImportOutcome, error) {
	src, err := advisory.Open(path)
	if err != nil {
		return plimsoll.ImportOutcome{Feed: plan.Feed}, err
	}
	out, err := advisory.Update(ctx, src, u.Store, plan)
	return out, errors.Join(err, src.Close())
}

// updateThreats replaces the feed with a list of threats, if the list changed. A list that
// lost more than half of its entries is refused as broken.
func (u *Updater) updateThreats(ctx context.Context, f Feed, address string, state *plimsoll.FeedState, parse func(io.Reader) (threatList, error)) (plimsoll.ImportOutcome, error) {
	out := plimsoll.ImportOutcome{Feed: f.Name}
	b, err := u.Remote.open(ctx, address, validators{state.ETag, state.LastModified}, maxList)
	if err != nil || b == nil {
		return out, err
	}
	found, err := parse(b)
	if err := errors.Join(err, b.close()); err != nil {
		return out, err
	}
	before, err := u.Store.Threats(ctx, f.Name)
	if err != nil {
		return out, err
	}
	if 2*len(found.list) < len(before) {
		return out, plimsoll.Errorf(plimsoll.Invalid, "feed: the list has %d entries and had %d before: it looks broken", len(found.list), len(before))
	}
	if out, err = advisory.ImportThreats(ctx, u.Store, f.Name, withoutQuery(address), found.list); err != nil {
		return out, err
	}
	out.Skipped = found.skipped
	state.ETag, state.LastModified, state.FullAt = b.etag, b.modified, u.Now()
	return out, nil
}
