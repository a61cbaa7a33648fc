package queue

import (
	"context"
	"database/sql"
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
	Dispatch(ctx context.Context, limit int, insert func(*sql.Tx, []plimsoll.Work) error) (int, error)
	Begin(ctx context.Context, id, generation int64, lease time.Time) (plimsoll.Work, error)
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

// Options configure a queue. Store, Writer and Handlers are required.
type Options struct {
	Store    Store
	Writer   *sql.DB // the store's writing pool, of one connection
	Handlers map[plimsoll.WorkKind]Handler

	Concurrency int              // units at a time; 0 = one per core
	Grace       time.Duration    // for running units when the queue stops; 0 = 20 s
	Logger      *slog.Logger     // nil = discard
	Now         func() time.Time // nil = time.Now
}

// pollTiming are the intervals of the queue's loops.
type pollTiming struct {
	poll      time.Duration // between looks for work without a call of Wake, and for retries that are due
	heartbeat time.Duration // between extensions of leases
	lease     time.Duration // duration of a lease
}

// Queue dispatches the backlog and calls the handlers.
type Queue struct {
	Options
	timing pollTiming

	wake         chan struct{} // wakes the dispatcher
	heartbeatNow chan struct{} // requests a heartbeat
	changed      broadcast     // a unit or task may have ended

	fillMu    sync.Mutex
	forceFill atomic.Bool  // new work may be pending: fill River even if few places are free
	inRiver   atomic.Int64 // units given to River and not finished

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

// Run works on the backlog until ctx ends. Then it dispatches nothing more, lets running units
// continue for Options.Grace, cancels the others, and returns when all have ended. At the start
// it reclaims the units of an earlier process, so no other process may use the database. Run must
// not be called again before it has returned.
func (q *Queue) Run(ctx context.Context) error {
	r, err := q.prepare(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	heartbeats, stopHeartbeats := context.WithCancel(context.WithoutCancel(ctx))
	defer stopHeartbeats()
	var loops sync.WaitGroup
	loops.Go(func() { q.keepRiverFilled(ctx, r) })
	loops.Go(func() { q.keepAlive(heartbeats, r) })
	<-r.client.Stopped()
	stopHeartbeats()
	loops.Wait()
	return nil
}

// prepare reclaims the units of an earlier process and starts River.
func (q *Queue) prepare(ctx context.Context) (*riverExecutor, error) {
	r, err := newRiver(ctx, q)
	if err != nil {
		return nil, err
	}
	n, err := q.Store.Sweep(ctx)
	if err != nil {
		return nil, err
	}
	if n > 0 {
		q.Logger.Info("reclaimed work of an earlier process", "units", n)
	}
	q.inRiver.Store(0)
	if err := r.client.Start(ctx); err != nil {
		return nil, plimsoll.Errorf(plimsoll.Internal, "start the queue: %w", err)
	}
	return r, nil
}

// Wake makes the queue look at the backlog at once. Callers use it after they have added or stopped
// work. It never blocks.
func (q *Queue) Wake() {
	q.forceFill.Store(true)
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

// keepRiverFilled keeps River filled until ctx ends.
func (q *Queue) keepRiverFilled(ctx context.Context, r *riverExecutor) {
	tick := time.NewTicker(q.timing.poll)
	defer tick.Stop()
	for {
		q.forceFill.Store(true)
		q.fillRiver(ctx, r)
		select {
		case <-ctx.Done():
			return
		case <-q.wake:
		case <-tick.C:
		}
	}
}

// fillRiver dispatches units until River has two per worker. Unless forceFill is set, it does
// nothing while fewer than half of these places are free, so that one transaction serves several
// units.
func (q *Queue) fillRiver(ctx context.Context, r *riverExecutor) {
	q.fillMu.Lock()
	defer q.fillMu.Unlock()
	capacity := 2*q.Concurrency - int(q.inRiver.Load())
	if capacity <= 0 || r.isStopping() || capacity < q.Concurrency && !q.forceFill.Load() {
		return
	}
	q.forceFill.Store(false)
	var handed int64
	_, err := q.Store.Dispatch(ctx, capacity, func(tx *sql.Tx, work []plimsoll.Work) error {
		handed = int64(len(work))
		q.inRiver.Add(handed) // before the commit: a worker may finish right after it
		return r.insert(ctx, tx, work)
	})
	if err != nil {
		q.inRiver.Add(-handed)
		if !r.isStopping() {
			q.Logger.Error("cannot dispatch work", "error", err)
		}
		return
	}
	if handed > 0 {
		notify(r.doorbell.inserted)
	}
}
