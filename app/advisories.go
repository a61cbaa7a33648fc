package app

import (
	"context"
	"errors"
	"os"
	"time"

	"plimsoll"
	"plimsoll/advisory"
	"plimsoll/advisory/bundle"
	"plimsoll/advisory/feed"
	"plimsoll/rematch"
	"plimsoll/store/advisories"
)

// Advisories imports advisories and keeps them current. Whenever they change, stored images are judged again: by the
// backlog if this process works on it, else before the change returns. No registry is asked.
type Advisories struct {
	advisories *advisories.Store
	tasks      *Tasks
	rematcher  *rematch.Rematcher
	updater    *feed.Updater
	staleAfter time.Duration
	tempDir    string
}

// AdvisoryStatus returns revision, age and feeds.
func (a *Advisories) AdvisoryStatus(ctx context.Context) (plimsoll.AdvisoryStatus, error) {
	status, err := a.advisories.Status(ctx)
	status.Judge(a.staleAfter)
	return status, err
}

// Import is one import of advisories.
type Import struct {
	Path  string // of a zip, a folder of OSV records, or a bundle
	Feed  string // name of the feed, unless Path is a bundle; "" = after the path
	Trust Trust  // of bundles

	By    string            // who asks, as tasks name them
	Watch func(records int) // called with the number of records so far; nil = not called
}

// Import reads a bundle, or a zip or a folder as all records of a feed.
func (a *Advisories) Import(ctx context.Context, in Import) (plimsoll.ImportOutcome, error) {
	outcome, err := a.importFile(ctx, in)
	if err != nil {
		return outcome, err
	}
	return outcome, a.follow(ctx, in.By)
}

func (a *Advisories) importFile(ctx context.Context, in Import) (plimsoll.ImportOutcome, error) {
	if _, err := os.Stat(in.Path); err != nil {
		return plimsoll.ImportOutcome{}, plimsoll.Errorf(plimsoll.NotFound, "advisories: %w", err)
	}
	progress := func(done, _ int) {
		if in.Watch != nil {
			in.Watch(done)
		}
	}
	if bundle.IsBundle(in.Path) {
		b, err := bundle.Open(ctx, in.Path, a.tempDir, in.Trust)
		if err != nil {
			return plimsoll.ImportOutcome{}, hintTrust(err)
		}
		defer b.Close() //nolint:errcheck // the directory is emptied at each start
		return b.Import(ctx, a.advisories, progress)
	}
	if in.Feed == "" {
		in.Feed = advisory.FeedName(in.Path)
	}
	src, err := advisory.Open(in.Path)
	if err != nil {
		return plimsoll.ImportOutcome{}, err
	}
	defer src.Close() //nolint:errcheck // only read from
	return advisory.Import(ctx, src, in.Feed, a.advisories, progress)
}

// FeedName is the name of the feed in a file to import, after its path.
func FeedName(path string) string {
	if bundle.IsBundle(path) {
		return "bundle"
	}
	return advisory.FeedName(path)
}

// follow makes the judgement follow changed advisories.
func (a *Advisories) follow(ctx context.Context, by string) error {
	if a.tasks.currentQueue() != nil {
		return a.RequestRematch(ctx, by)
	}
	return a.rematcher.Work(ctx, plimsoll.Work{})
}

// RequestRematch adds a rematch to the backlog if stored images were judged by older advisories than there are.
func (a *Advisories) RequestRematch(ctx context.Context, by string) error {
	return a.rematcher.Request(ctx, a.tasks, by)
}

// Feed is a feed to be read from its upstream.
type Feed = feed.Feed

// ParseFeeds reads the settings of feeds: an ecosystem of OSV, kev, epss, malicious-packages, or NAME=ADDRESS of a zip.
// from are addresses and folders that ecosystems are read from, in this order; none = the public bucket of OSV.
func ParseFeeds(entries, from []string) ([]Feed, error) { return feed.Parse(entries, from) }

// Update reads feeds from their upstreams. watch is called with the name of each. A feed that cannot be read does not
// stop the others; failed has the reasons.
func (a *Advisories) Update(ctx context.Context, feeds []Feed, watch func(feed string)) (outcomes []plimsoll.ImportOutcome, failed []error, err error) {
	for _, f := range feeds {
		watch(f.Name)
		out, err := a.updater.Update(ctx, f)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		outcomes = append(outcomes, out)
	}
	return outcomes, failed, a.follow(ctx, byOperator)
}

// KeepCurrent reads feeds again and again until ctx ends, each about this often.
func (a *Advisories) KeepCurrent(ctx context.Context, feeds []Feed, every time.Duration) error {
	schedule := &feed.Schedule{
		Updater: a.updater, Feeds: feeds, Every: every,
		Changed: func(ctx context.Context) error { return a.follow(ctx, "feeds") },
	}
	return schedule.Run(ctx)
}

// hintTrust adds what to do about a bundle that is not trusted.
func hintTrust(err error) error {
	if errors.Is(err, bundle.ErrUnsigned) {
		return plimsoll.Errorf(plimsoll.Invalid, "%w", err).WithHint("name the key of who made it with --verify-key, or accept anybody's with --insecure-unsigned")
	}
	return err
}
