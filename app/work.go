package app

import (
	"context"
	"runtime"
	"time"

	"plimsoll"
	"plimsoll/analyze/all"
	"plimsoll/intake"
	"plimsoll/queue"
	"plimsoll/scan"
)

// newQueue makes a queue with a handler for every kind of work.
func (s *Site) newQueue(o WorkOptions) (*queue.Queue, error) {
	worker, err := s.newScanWorker(o)
	if err != nil {
		return nil, err
	}
	syncer := &intake.Syncer{Store: s.inventory, Connector: s.connector, Budget: s.config.Budget, Redact: s.Analysis.Redact()}
	q := queue.New(queue.Options{
		Store: s.inventory, Concurrency: o.Concurrency, Grace: o.Grace, Logger: s.config.Logger,
		Handlers: map[plimsoll.WorkKind]queue.Handler{
			plimsoll.WorkSync:      syncer.Work,
			plimsoll.WorkScan:      worker.Work,
			plimsoll.WorkRematch:   s.Advisories.rematcher.Work,
			plimsoll.WorkDecisions: func(ctx context.Context, _ plimsoll.Work) error { return s.Decisions.settle(ctx) },
			plimsoll.WorkPasswords: s.PasswordLists.lists.Work,
		},
	})
	syncer.Wake = q.Wake
	return q, nil
}

// newScanWorker wires the scan of one unit of work.
func (s *Site) newScanWorker(o WorkOptions) (*scan.Worker, error) {
	inspector := &scan.Inspector{
		Reports: s.inventory, Advisories: s.advisories, Kinds: all.KindsOf(s.config.kinds()),
		Budget: s.config.Budget, Parallel: o.Parallel, Now: time.Now, Sealer: s.key,
	}
	if o.Concurrency <= 0 {
		o.Concurrency = runtime.NumCPU() // the queue's meaning of 0
	}
	if err := s.Analysis.ConfigureInspector(inspector, o.Concurrency*max(o.Parallel, 1)); err != nil {
		return nil, err
	}
	return &scan.Worker{
		Store: s.inventory, Inspector: inspector, Lists: s.PasswordLists.lists,
		Open: func(ctx context.Context, w plimsoll.Work) (scan.Source, bool, error) {
			source, reg, err := s.connector.Source(ctx, w.ProjectID, w.RegistryID)
			if err != nil {
				return nil, false, err
			}
			return intake.Repository{Source: source, Path: w.Repository}, reg.SharedBytes, nil
		},
	}, nil
}
