package scan

import (
	"context"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"plimsoll"
	"plimsoll/match"
)

// RematchStore is what a rematch asks of the inventory.
type RematchStore interface {
	JudgedThrough(ctx context.Context, matcher string) (plimsoll.Revision, error)
	SetsBehind(ctx context.Context) (bool, error)
	BeginRematch(ctx context.Context, matcher string, through plimsoll.Revision) (plimsoll.Rematch, error)
	PackagesAffected(ctx context.Context, c plimsoll.AdvisoryChanges) ([]int64, error)
	PackageIDs(ctx context.Context) ([]int64, error)
	Packages(ctx context.Context, ids []int64) ([]plimsoll.StoredPackage, error)
	BehindSets(ctx context.Context) (sets, packages []int64, err error)
	ForgetBehind(ctx context.Context, sets []int64) error
	SaveMalicious(ctx context.Context, js []plimsoll.PackageJudgement) (artifacts int, err error)
	JudgementChanges(ctx context.Context, js []plimsoll.PackageJudgement) (plimsoll.PackageChanges, error)
	SaveChanges(ctx context.Context, r plimsoll.Rematch, c plimsoll.PackageChanges) (rows int, err error)
	RecountChanged(ctx context.Context, r plimsoll.Rematch) (images int, err error)
	FinishRematch(ctx context.Context, r plimsoll.Rematch) (done bool, err error)
}

// Revisions tells the newest advisory revision and what led to it.
type Revisions interface {
	Advisories
	Revision(ctx context.Context) (plimsoll.Revision, error)
	ChangedSince(ctx context.Context, since plimsoll.Revision) (changes plimsoll.AdvisoryChanges, known bool, err error)
	Origins(ctx context.Context, ids []string, since plimsoll.Revision) (map[string]plimsoll.AdvisoryOrigin, error)
}

// Rematcher judges stored packages against the newest advisories, for all sets that hold
// them. It reads no registry.
type Rematcher struct {
	Store      RematchStore
	Advisories Revisions
	Logger     *slog.Logger
}

// RematchOutcome counts what a rematch did.
type RematchOutcome struct {
	All      bool // nobody could tell what changed
	Packages int  // judged
	Rows     int  // of judgement that were written
	Images   int  // rows of images that were rewritten
}

// Due reports whether stored sets are judged by another revision or another matcher. An
// advisory database that was made anew has a lower revision.
func (r *Rematcher) Due(ctx context.Context) (bool, error) {
	newest, err := r.Advisories.Revision(ctx)
	if err != nil {
		return false, err
	}
	through, err := r.Store.JudgedThrough(ctx, match.Version)
	if err != nil || newest != through {
		return true, err
	}
	return r.Store.SetsBehind(ctx)
}

// Work judges stored packages until none is behind the newest revision: those that changes
// of advisories touch, or all of them if nobody can tell what changed. Cut off at any
// point, the next call goes on.
func (r *Rematcher) Work(ctx context.Context, _ plimsoll.Work) error {
	for {
		due, err := r.Due(ctx)
		if err != nil || !due {
			return err
		}
		if _, err := r.Once(ctx); err != nil {
			return err
		}
	}
}

// Once runs one rematch to the newest revision, due or not.
func (r *Rematcher) Once(ctx context.Context) (RematchOutcome, error) {
	since, err := r.Store.JudgedThrough(ctx, match.Version)
	if err != nil {
		return RematchOutcome{}, err
	}
	changes, known, err := r.Advisories.ChangedSince(ctx, since)
	if err != nil {
		return RematchOutcome{}, err
	}
	w := &walk{Rematcher: r}
	if w.rematch, err = r.Store.BeginRematch(ctx, match.Version, changes.Through); err != nil {
		return RematchOutcome{}, err
	}
	// Sets that scans store from here on are judged by this revision, or are left behind.
	var ids []int64
	if known {
		ids, err = r.Store.PackagesAffected(ctx, changes)
	} else {
		ids, err = r.Store.PackageIDs(ctx)
	}
	if err == nil {
		err = w.judge(ctx, ids)
	}
	for done := false; err == nil && !done; {
		done, err = w.end(ctx)
	}
	out := RematchOutcome{All: !known, Packages: int(w.packages.Load()), Rows: w.rows, Images: w.images}
	if err == nil {
		r.Logger.InfoContext(ctx, "packages judged again", "packages", out.Packages, "rows_changed", out.Rows,
			"images_changed", out.Images, "all", out.All, "revision", changes.Through)
	}
	return out, err
}

// walk is one rematch: what it has done so far.
type walk struct {
	*Rematcher
	rematch  plimsoll.Rematch
	packages atomic.Int64
	rows     int
	images   int

	mu      sync.Mutex // of what follows, and of writing
	changes plimsoll.PackageChanges
}

// end judges what scans left behind, counts, and finishes if nothing was left meanwhile.
func (w *walk) end(ctx context.Context) (done bool, err error) {
	sets, packages, err := w.Store.BehindSets(ctx)
	if err != nil {
		return false, err
	}
	if err := w.judge(ctx, packages); err != nil {
		return false, err
	}
	if err := w.Store.ForgetBehind(ctx, sets); err != nil {
		return false, err
	}
	images, err := w.Store.RecountChanged(ctx, w.rematch)
	w.images += images
	if err != nil {
		return false, err
	}
	return w.Store.FinishRematch(ctx, w.rematch)
}

const (
	packagesPerBatch = 200     // bounds the evidence that one batch holds in memory
	rowsPerSave      = 500_000 // bounds the changes that are held until they are written, in order of their sets
)

// judge judges packages, several batches at once, and writes what differs.
func (w *walk) judge(ctx context.Context, ids []int64) error {
	g, within := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for part := range slices.Chunk(ids, packagesPerBatch) {
		g.Go(func() error { return w.batch(within, part) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.save(ctx)
}

// save writes the changes that are held; w.mu is locked.
func (w *walk) save(ctx context.Context) error {
	rows, err := w.Store.SaveChanges(ctx, w.rematch, w.changes)
	w.rows += rows
	w.changes = plimsoll.PackageChanges{}
	return err
}

func (w *walk) batch(ctx context.Context, ids []int64) error {
	stored, err := w.Store.Packages(ctx, ids)
	if err != nil {
		return err
	}
	js, err := w.judgements(ctx, stored)
	if err != nil {
		return err
	}
	if _, err := w.Store.SaveMalicious(ctx, js); err != nil {
		return err
	}
	changes, err := w.Store.JudgementChanges(ctx, js)
	if err != nil {
		return err
	}
	if err := w.reason(ctx, changes.Findings); err != nil {
		return err
	}
	w.packages.Add(int64(len(stored)))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changes.Findings = append(w.changes.Findings, changes.Findings...)
	w.changes.Rows += changes.Rows
	if w.changes.NotJudged == nil {
		w.changes.NotJudged = map[int64]string{}
	}
	maps.Copy(w.changes.NotJudged, changes.NotJudged)
	if w.changes.Rows < rowsPerSave {
		return nil
	}
	return w.save(ctx)
}

// judgements judges each package by itself: what is wrong with one does not depend on others.
func (w *walk) judgements(ctx context.Context, stored []plimsoll.StoredPackage) ([]plimsoll.PackageJudgement, error) {
	packages := make([]plimsoll.Package, len(stored))
	index := make(map[plimsoll.Package]int, len(stored))
	out := make([]plimsoll.PackageJudgement, len(stored))
	for i, p := range stored {
		packages[i], out[i].PackageID, index[p.Package] = p.Package, p.ID, i
	}
	j, err := judgeSet(ctx, w.Advisories, plimsoll.PackageSet{Packages: packages})
	for _, v := range j.Vulnerabilities {
		of := &out[index[v.Package]]
		of.Vulnerabilities = append(of.Vulnerabilities, v)
	}
	for _, m := range j.Malicious {
		out[index[m.Package]].Malicious = m.Advisories
	}
	for _, n := range j.NotJudged {
		out[index[n.Package]].NotJudged = n.Reason
	}
	return out, err
}

// reason says why each finding begins or ends, as far as the advisories still tell.
func (w *walk) reason(ctx context.Context, changes []plimsoll.FindingChange) error {
	var ids []string
	for _, c := range changes {
		ids = append(ids, c.Advisories...)
	}
	slices.Sort(ids)
	origins, err := w.Advisories.Origins(ctx, slices.Compact(ids), w.rematch.Since)
	for i := range changes {
		changes[i].Reason = w.reasonOf(changes[i], origins)
	}
	return err
}

func (w *walk) reasonOf(c plimsoll.FindingChange, origins map[string]plimsoll.AdvisoryOrigin) plimsoll.ChangeReason {
	stands := func(id string) bool { return origins[id].Stands }
	before := func(id string) bool { return origins[id].Before }
	switch {
	case w.rematch.OtherMatcher && w.rematch.Since == w.rematch.Revision:
		return plimsoll.ReasonMatcher
	case c.Ends && !slices.ContainsFunc(c.Advisories, stands):
		return plimsoll.ReasonWithdrawn
	case !c.Ends && !slices.ContainsFunc(c.Advisories, before):
		return plimsoll.ReasonNewAdvisory
	case w.rematch.OtherMatcher:
		return plimsoll.ReasonMatcher
	default:
		return plimsoll.ReasonChangedAdvisory
	}
}
