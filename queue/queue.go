package queue

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"plimsoll"
)

// Handler works on one unit. It must return soon after ctx ends. The unit is tried again after an
// error with the code Unavailable or Throttled, after a failure of the database or an external
// engine, and after the first error of the unit that wraps plimsoll.ErrDied. Any other error is
// final, and stored with its failure code and text.
type Handler func(ctx context.Context, w plimsoll.Work) error

// Store is the part of the store that the queue uses. Methods that take a generation return
// Conflict if the unit no longer has it, or is no longer in the expected state.
type Store interface {
	Claim(ctx context.Context, limit int, lease time.Time) ([]plimsoll.Work, error)
	Heartbeat(ctx context.Context, held map[int64]int64, lease time.Time) (lost []int64, err error)
	Finish(ctx context.Context, id, generation int64, failure plimsoll.FailureCode, detail string) error
	Retry(ctx context.Context, id, generation int64, notBefore time.Time) error
	Died(ctx context.Context, id, generation int64, notBefore time.Time) error
	Release(ctx context.Context, id, generation int64) error
	Reclaim(ctx context.Context, now time.Time) (int, error)
	Sweep(ctx context.Context) (int, error)
	PendingCounts(ctx context.Context) (map[plimsoll.WorkState]int, error)
	Task(ctx context.Context, projectID string, id int64) (plimsoll.Task, error)
}

// Options configure a queue. Store and Handlers are required.
type Options struct {
	Store    Store
	Handlers map[plimsoll.WorkKind]Handler

	Concurrency int              // units at a time; 0 = one per core
	Grace       time.Duration    // for running units when the queue stops; 0 = 20 s
	Logger      *slog.Logger     // nil = discard
	Now         func() time.Time // nil = time.Now
}

// pollTiming are the intervals of the queue's loops.
type pollTiming struct {
	poll      time.Duration // between looks for work that no call of Wake reported, such as retries that are due
	heartbeat time.Duration // between extensions of leases
	lease     time.Duration // duration of a lease
}

// Queue claims units of the backlog and calls the handlers.
type Queue struct {
	Options
	timing pollTiming

	wake         chan struct{} // requests a claim
	heartbeatNow chan struct{} // requests a heartbeat
	changed      broadcast     // a unit or task may have ended

	running atomic.Int64   // units whose worker has not ended
	workers sync.WaitGroup // one goroutine per running unit

	mu   sync.Mutex
	held map[int64]*heldUnit // by unit
}

// New makes a queue. Run starts it.
func New(o Options) *Queue {
	if o.Concurrency <= 0 {
		o.Concurrency = runtime.NumCPU()
	}
	if o.Grace <= 0 {
		o.Grace = 20 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Queue{
		Options:      o,
		timing:       pollTiming{poll: time.Second, heartbeat: 5 * time.Second, lease: 20 * time.Second},
		wake:         make(chan struct{}, 1),
		heartbeatNow: make(chan struct{}, 1),
		changed:      broadcast{next: make(chan struct{})},
		held:         map[int64]*heldUnit{},
	}
}

// Run works on the backlog until ctx ends. Then it claims nothing more, lets running units
// continue for Options.Grace, cancels the others, and returns when all have ended. At the start
// it reclaims the units of an earlier process, so no other process may use the database. Run must
// not be called again before it has returned.
func (q *Queue) Run(ctx context.Context) error {
	n, err := q.Store.Sweep(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if n > 0 {
		q.Logger.Info("reclaimed work of an earlier process", "units", n)
	}
	handling, cancelHandlers := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelHandlers()
	heartbeats, stopHeartbeats := context.WithCancel(context.WithoutCancel(ctx))
	defer stopHeartbeats()
	var heartbeatLoop sync.WaitGroup
	heartbeatLoop.Go(func() { q.keepAlive(heartbeats) })
	q.claimUntilStopped(ctx, handling)
	grace := time.AfterFunc(q.Grace, cancelHandlers)
	defer grace.Stop()
	q.workers.Wait()
	stopHeartbeats()
	heartbeatLoop.Wait()
	return nil
}

// Wake makes the queue look at the backlog at once. Callers use it after they have added or stopped
// work. It never blocks.
func (q *Queue) Wake() {
	notify(q.wake)
	notify(q.heartbeatNow)
	q.changed.announce()
}

// notify sends to a channel with a buffer of one, unless it is full.
func notify(signal chan struct{}) {
	select {
	case signal <- struct{}{}:
	default:
	}
}
