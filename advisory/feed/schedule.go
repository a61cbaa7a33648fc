package feed

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"plimsoll"
)

// Schedule brings feeds up to date again and again.
type Schedule struct {
	Updater *Updater
	Feeds   []Feed
	Every   time.Duration // between two rounds, give or take a tenth

	// Changed is called after a round that changed something.
	Changed func(ctx context.Context) error

	// Sleep waits, until ctx ends at most; nil is a timer. Tests do not wait.
	Sleep func(ctx context.Context, d time.Duration) error
}

// maxFirstPause spreads the first rounds of servers that start together.
const maxFirstPause = time.Minute

// Run works until ctx ends. A feed that fails is tried again in the next round.
func (s *Schedule) Run(ctx context.Context) error {
	sleep := s.Sleep
	if sleep == nil {
		sleep = sleepContext
	}
	pause := rand.N(min(maxFirstPause, max(s.Every, 1))) //nolint:gosec // nothing depends on its being secret
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
		s.Updater.Logger.ErrorContext(ctx, "work after a change of feeds could not be asked for", "error", err)
	}
}

// LogOutcome says in one line what an import did.
func LogOutcome(ctx context.Context, logger *slog.Logger, o plimsoll.ImportOutcome) {
	logger.InfoContext(ctx, "feed read", "feed", o.Feed, "records", o.Records, "new", o.New, "changed", o.Changed,
		"withdrawn", o.Withdrawn, "missing", o.Missing, "skipped", o.Skipped, "revision", o.Revision)
}

// withJitter is d, give or take a tenth, so that servers do not ask in step.
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
