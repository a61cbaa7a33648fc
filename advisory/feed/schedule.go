package feed

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"plimsoll"
)

// Schedule updates feeds at a fixed interval.
type Schedule struct {
	Updater *Updater
	Feeds   []Feed
	Every   time.Duration // between two rounds, plus or minus a tenth

	// Changed is called after a round in which a feed changed.
	Changed func(ctx context.Context) error

	// Sleep waits for d or the end of ctx; nil = a timer. Tests replace it.
	Sleep func(ctx context.Context, d time.Duration) error
}

// maxFirstPause bounds the random pause before the first round, so that servers that start
// together do not all request at once.
const maxFirstPause = time.Minute

// Run updates the feeds until ctx ends. A feed that fails is tried again in the next round.
func (s *Schedule) Run(ctx context.Context) error {
	sleep := s.Sleep
	if sleep == nil {
		sleep = sleepContext
	}
	pause := rand.N(min(maxFirstPause, max(s.Every, 1))) //nolint:gosec // it need not be secret
	for {
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		s.updateAll(ctx)
		pause = withJitter(s.Every)
	}
}

func (s *Schedule) updateAll(ctx context.Context) {
	changed := false
	for _, f := range s.Feeds {
		out, err := s.Updater.Update(ctx, f)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.Updater.Logger.ErrorContext(ctx, "feed is not current", "feed", f.Name, "error", err)
			continue
		}
		LogOutcome(ctx, s.Updater.Logger, out)
		changed = changed || out.New+out.Changed+out.Withdrawn > 0
	}
	if !changed {
		return
	}
	if err := s.Changed(ctx); err != nil && ctx.Err() == nil {
		s.Updater.Logger.ErrorContext(ctx, "cannot start work after a change of feeds", "error", err)
	}
}

// LogOutcome logs the counts of an import in one line.
func LogOutcome(ctx context.Context, logger *slog.Logger, o plimsoll.ImportOutcome) {
	logger.InfoContext(ctx, "feed read", "feed", o.Feed, "records", o.Records, "new", o.New, "changed", o.Changed,
		"withdrawn", o.Withdrawn, "missing", o.Missing, "skipped", o.Skipped, "revision", o.Revision)
}

// withJitter returns d plus or minus a tenth, so that servers do not request at the same
// time.
func withJitter(d time.Duration) time.Duration {
	tenth := d / 10
	return d - tenth + rand.N(2*tenth+1) //nolint:gosec // as above
}

func sleepContext(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
