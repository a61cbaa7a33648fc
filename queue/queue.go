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

// Handler works on one unit. It returns soon after ctx ends. An error with the code
// Unavailable or Throttled, or a failure of the database or an outside engine, is tried again, and so is the
// first that wraps plimsoll.ErrDied, however the attempts between end; any other is final, and stored with the error's failure code and text.
type Handler func(ctx context.Context, w plimsoll.Work) error

// Store is what the queue needs of the store. A unit that is not the caller's any more
// is an error with the code Conflict.
type Store interface {
	Dispatch(ctx context.Context, room int, hand func(*sql.Tx, []plimsoll.Work) error) (int, error)
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

	Concurrency int              // units at a time; 0 = one a core
	Grace       time.Duration    // for running units when the queue stops; 0 = 20 s
	Logger      *slog.Logger     // nil = discard
	Now         func() time.Time // nil = time.Now
}

// pollTiming is how often the queue looks by itself.
type pollTiming struct {
	poll      time.Duration // for work that nobody rang for, and units whose time has come
	heartbeat time.Duration // heartbeats
	lease     time.Duration
}

// Queue hands out the backlog and works on it.
type Queue struct {
	Options
	timing pollTiming

	wake         chan struct{} // rings the dispatcher
	heartbeatNow chan struct{} // asks for a heartbeat now
	changed      broadcast     // units or tasks ended

	fillMu    sync.Mutex
	forceFill atomic.Bool  // something may be waiting that did not when River was last filled
	inRiver   atomic.Int64 // units handed to River that it has not done with

	mu   sync.Mutex
	held map[int64]*heldUnit // by unit
}

// New makes a queue that is not running yet.
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

// Run works on the backlog until ctx ends, then hands out nothing more, gives running
// units their grace, cancels those that are left, and returns when all have ended. It
// first takes back what an earlier process left: the caller is alone with the database.
// A Queue runs once at a time.
func (q *Queue) Run(ctx context.Context) error {
	r, err := q.prepare(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	beating, stopBeating := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBeating()
	var loops sync.WaitGroup
	loops.Go(func() { q.keepRiverFilled(ctx, r) })
	loops.Go(func() { q.keepAlive(beating, r) })
	<-r.client.Stopped()
	stopBeating()
	loops.Wait()
	return nil
}

// prepare takes back what was left and starts River.
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
		q.Logger.Info("took back work of an earlier process", "units", n)
	}
	q.inRiver.Store(0)
	if err := r.client.Start(ctx); err != nil {
		return nil, plimsoll.Errorf(plimsoll.Internal, "start the queue: %w", err)
	}
	return r, nil
}

// Wake tells the queue that work was added or stopped in this process. It never blocks.
func (q *Queue) Wake() {
	q.forceFill.Store(true)
	notify(q.wake)
	notify(q.heartbeatNow)
	q.changed.announce()
}

// notify leaves a message in a channel of one place, unless one is there.
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

// fillRiver hands River as many units as it may hold. Unless pressed, it waits until half of
// that is room, so that the cost of a transaction is shared.
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
		q.inRiver.Add(handed) // before the commit: a worker may be done right after it
		return r.insert(ctx, tx, work)
	})
	if err != nil {
		q.inRiver.Add(-handed)
		if !r.isStopping() {
			q.Logger.Error("cannot hand out work", "error", err)
		}
		return
	}
	if handed > 0 {
		notify(r.doorbell.inserted)
	}
}
