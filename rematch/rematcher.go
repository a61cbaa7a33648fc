package rematch

import (
	"context"
	"log/slog"

	"plimsoll"
	"plimsoll/match"
)

// Rematcher judges stored packages by the newest advisories, for all sets that contain them. Only
// one may run at a time.
type Rematcher struct {
	Store      Store
	Advisories Advisories
	Logger     *slog.Logger
}

// Outcome counts what one rematch did.
type Outcome struct {
	All      bool // every package was judged: it was not known what changed
	Packages int  // judged
	Rows     int  // of judgement that were written
	Images   int  // image rows that were rewritten
}

// Work runs rematches until none is due. It has the signature of a worker of the backlog and
// does not use the unit. After an interruption the next call resumes.
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

// Once runs one rematch to the newest revision, due or not. It judges the packages that changed
// advisories affect, or all packages if it is not known what changed.
func (r *Rematcher) Once(ctx context.Context) (Outcome, error) {
	state, err := r.Store.RematchState(ctx, match.Version)
	if err != nil {
		return Outcome{}, err
	}
	changes, known, err := r.Advisories.ChangedSince(ctx, state.Through)
	if err != nil {
		return Outcome{}, err
	}
	w := &walk{Rematcher: r}
	if w.rematch, err = r.Store.BeginRematch(ctx, match.Version, changes.Through); err != nil {
		return Outcome{}, err
	}
	err = w.run(ctx, plimsoll.RematchScope{All: !known, Changes: changes})
	out := Outcome{All: !known, Packages: int(w.packages.Load()), Rows: w.rows, Images: w.images}
	if err == nil {
		r.Logger.InfoContext(ctx, "packages judged again", "packages", out.Packages, "rows_changed", out.Rows,
			"images_changed", out.Images, "all", out.All, "revision", changes.Through)
	}
	return out, err
}
