package scan

import (
	"context"
	"log/slog"

	"plimsoll"
	"plimsoll/match"
)

// SetStore is what a rematch asks of the inventory.
type SetStore interface {
	PackageSets(ctx context.Context, after int64, limit int) ([]plimsoll.StoredSet, error)
	SaveJudgements(ctx context.Context, matcher string, js []plimsoll.SetJudgement) (changedRows int, err error)
	JudgedThrough(ctx context.Context, matcher string) (plimsoll.Revision, error)
	FinishRematch(ctx context.Context, matcher string, through plimsoll.Revision) error
}

// Revisions tells the newest advisory revision.
type Revisions interface {
	Advisories
	Revision(ctx context.Context) (plimsoll.Revision, error)
}

// Rematcher judges stored package sets against the newest advisories. It reads no registry.
type Rematcher struct {
	Store      SetStore
	Advisories Revisions
	Logger     *slog.Logger
}

const rematchBatch = 50 // sets judged and saved in one transaction

// Due reports whether stored sets are judged by an older revision or another matcher.
func (r *Rematcher) Due(ctx context.Context) (bool, error) {
	newest, err := r.Advisories.Revision(ctx)
	if err != nil {
		return false, err
	}
	through, err := r.Store.JudgedThrough(ctx, match.Version)
	return newest > through, err
}

// Work judges every stored set until none is behind the newest revision.
func (r *Rematcher) Work(ctx context.Context, _ plimsoll.Work) error {
	for {
		due, err := r.Due(ctx)
		if err != nil || !due {
			return err
		}
		if err := r.all(ctx); err != nil {
			return err
		}
	}
}

func (r *Rematcher) all(ctx context.Context) error {
	through, err := r.Advisories.Revision(ctx)
	if err != nil {
		return err
	}
	sets, changed := 0, 0
	for after := int64(0); ; {
		batch, err := r.Store.PackageSets(ctx, after, rematchBatch)
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			break
		}
		rows, err := r.batch(ctx, batch)
		if err != nil {
			return err
		}
		sets, changed, after = sets+len(batch), changed+rows, batch[len(batch)-1].ID
	}
	r.Logger.InfoContext(ctx, "package sets judged again", "sets", sets, "rows_changed", changed, "revision", through)
	return r.Store.FinishRematch(ctx, match.Version, through)
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
