package scan

import (
	"context"
	"log/slog"
	"slices"

	"plimsoll"
	"plimsoll/match"
)

// SetStore is what a rematch asks of the inventory.
type SetStore interface {
	PackageSets(ctx context.Context, after int64, limit int) ([]plimsoll.StoredSet, error)
	SetsTouched(ctx context.Context, c plimsoll.AdvisoryChanges) (ids []int64, newest int64, err error)
	StoredSets(ctx context.Context, ids []int64) ([]plimsoll.StoredSet, error)
	SaveJudgements(ctx context.Context, matcher string, js []plimsoll.SetJudgement) (changedRows int, err error)
	JudgedThrough(ctx context.Context, matcher string) (plimsoll.Revision, error)
	FinishRematch(ctx context.Context, matcher string, through plimsoll.Revision, newest int64) (done bool, err error)
}

// Revisions tells the newest advisory revision and what led to it.
type Revisions interface {
	Advisories
	Revision(ctx context.Context) (plimsoll.Revision, error)
	ChangedSince(ctx context.Context, since plimsoll.Revision) (changes plimsoll.AdvisoryChanges, known bool, err error)
}

// Rematcher judges stored package sets against the newest advisories. It reads no registry.
type Rematcher struct {
	Store      SetStore
	Advisories Revisions
	Logger     *slog.Logger
}

const rematchBatch = 50 // sets judged and saved in one transaction

// Due reports whether stored sets are judged by another revision or another matcher. An
// advisory database that was made anew has a lower revision.
func (r *Rematcher) Due(ctx context.Context) (bool, error) {
	newest, err := r.Advisories.Revision(ctx)
	if err != nil {
		return false, err
	}
	through, err := r.Store.JudgedThrough(ctx, match.Version)
	return newest != through, err
}

// Work judges stored sets until none is behind the newest revision: those that changes
// of advisories touch, or all of them if nobody can tell what changed.
func (r *Rematcher) Work(ctx context.Context, _ plimsoll.Work) error {
	for {
		due, err := r.Due(ctx)
		if err != nil || !due {
			return err
		}
		if err := r.once(ctx); err != nil {
			return err
		}
	}
}

// walk is one rematch: what it has judged so far.
type walk struct {
	*Rematcher
	sets, changed int
	last          int64 // every set up to this id is judged, or untouched
}

func (r *Rematcher) once(ctx context.Context) error {
	since, err := r.Store.JudgedThrough(ctx, match.Version)
	if err != nil {
		return err
	}
	changes, known, err := r.Advisories.ChangedSince(ctx, since)
	if err != nil {
		return err
	}
	w := &walk{Rematcher: r}
	if known {
		if err := w.touched(ctx, changes); err != nil {
			return err
		}
	}
	// What was stored meanwhile may be judged by older advisories: walk on until nothing was.
	for done := false; !done; {
		if err := w.rest(ctx); err != nil {
			return err
		}
		if done, err = r.Store.FinishRematch(ctx, match.Version, changes.Through, w.last); err != nil {
			return err
		}
	}
	r.Logger.InfoContext(ctx, "package sets judged again", "sets", w.sets, "rows_changed", w.changed, "all", !known, "revision", changes.Through)
	return nil
}

// touched judges the sets that changes touch.
func (w *walk) touched(ctx context.Context, changes plimsoll.AdvisoryChanges) error {
	ids, newest, err := w.Store.SetsTouched(ctx, changes)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(ids, rematchBatch) {
		sets, err := w.Store.StoredSets(ctx, part)
		if err != nil {
			return err
		}
		if err := w.judge(ctx, sets); err != nil {
			return err
		}
	}
	w.last = newest
	return nil
}

// rest judges every set after the last.
func (w *walk) rest(ctx context.Context) error {
	for {
		sets, err := w.Store.PackageSets(ctx, w.last, rematchBatch)
		if err != nil || len(sets) == 0 {
			return err
		}
		if err := w.judge(ctx, sets); err != nil {
			return err
		}
		w.last = sets[len(sets)-1].ID
	}
}

func (w *walk) judge(ctx context.Context, sets []plimsoll.StoredSet) error {
	rows, err := w.batch(ctx, sets)
	w.sets, w.changed = w.sets+len(sets), w.changed+rows
	return err
}

func (r *Rematcher) batch(ctx context.Context, batch []plimsoll.StoredSet) (int, error) {
	judged := make([]plimsoll.SetJudgement, len(batch))
	for i, set := range batch {
		j, err := judgeSet(ctx, r.Advisories, set.PackageSet)
		if err != nil {
			return 0, err
		}
		judged[i] = plimsoll.SetJudgement{SetID: set.ID, Judgement: j}
	}
	return r.Store.SaveJudgements(ctx, match.Version, judged)
}
