package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"plimsoll/store"
)

// Schedule is what a server does by itself, once a minute.
type Schedule struct {
	store      *store.Store
	registries *Registries
	advisories *Advisories
	decisions  *Decisions
	signIns    *SignIns
	domainID   string
	logger     *slog.Logger
}

// Run asks, until ctx ends, for a sync of every registry whose last one is older than syncEvery (0 = never) and for a
// rematch that an import could not ask for itself. It removes old tasks and tokens, and makes counts follow decisions
// whose unit of work was given up.
func (s *Schedule) Run(ctx context.Context, syncEvery time.Duration) error {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-tick.C:
			if err := s.requestDueWork(ctx, now, syncEvery); err != nil && ctx.Err() == nil {
				s.logger.ErrorContext(ctx, "scheduled work could not be asked for", "error", err)
			}
		}
	}
}

func (s *Schedule) requestDueWork(ctx context.Context, now time.Time, syncEvery time.Duration) error {
	err := s.advisories.RequestRematch(ctx, bySchedule)
	err = errors.Join(err, s.removeOld(ctx, now), s.decisions.settle(ctx))
	if syncEvery > 0 {
		err = errors.Join(err, s.registries.requestDueSyncs(ctx, s.domainID, now.Add(-syncEvery)))
	}
	return err
}

// taskLifetime is how long tasks that have ended can be read.
const taskLifetime = 30 * 24 * time.Hour

// removeOld removes ended tasks and expired tokens.
func (s *Schedule) removeOld(ctx context.Context, now time.Time) error {
	_, err := s.store.PruneTasks(ctx, now.Add(-taskLifetime))
	return errors.Join(err, s.signIns.removeExpired(ctx))
}
