package queue

import (
	"context"
	"database/sql"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"plimsoll"
)

// executor is River, reduced to what it is used for.
type executor struct {
	client   *river.Client[*sql.Tx]
	doorbell *doorbell
	writer   *sql.DB
	stop     <-chan struct{} // closed when nothing more is handed out
}

// newRiver brings River's tables up to date and empties them.
func newRiver(ctx context.Context, q *Queue) (*executor, error) {
	r := &executor{doorbell: &doorbell{rung: make(chan struct{}, 1)}, writer: q.Writer, stop: ctx.Done()}
	d := driver{Driver: riversqlite.New(q.Writer), doorbell: r.doorbell}
	logger := slog.New(warnings{q.Logger.Handler()})
	fail := func(err error) (*executor, error) {
		return nil, plimsoll.Errorf(plimsoll.Internal, "prepare the queue: %w", err)
	}
	migrator, err := rivermigrate.New(d, &rivermigrate.Config{Logger: logger})
	if err != nil {
		return fail(err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fail(err)
	}
	if _, err := q.Writer.ExecContext(ctx, `DELETE FROM river_job`); err != nil {
		return fail(err)
	}
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, &worker{queue: q, river: r}); err != nil {
		return fail(err)
	}
	r.client, err = river.NewClient(d, &river.Config{
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: q.Concurrency}},
		Workers: workers,
		Logger:  logger,

		// The doorbell tells of new jobs; polling is for a retry of one.
		FetchCooldown:     river.FetchCooldownMin,
		FetchPollInterval: time.Second,

		SoftStopTimeout: q.Grace,
		JobTimeout:      -1,

		// A leader would rescue jobs that merely take long, and clean up late; the backlog
		// does both. A job fails only if the database does, and is tried again for ever.
		LeaderElectionDisabled: true,
		MaxAttempts:            maxTries,
		RetryPolicy:            soon{},
	})
	if err != nil {
		return fail(err)
	}
	return r, nil
}

func (r *executor) stopping() bool {
	select {
	case <-r.stop:
		return true
	default:
		return false
	}
}

// insert gives River units in the transaction that marks them queued.
func (r *executor) insert(ctx context.Context, tx *sql.Tx, work []plimsoll.Work) error {
	jobs := make([]river.InsertManyParams, len(work))
	for i, w := range work {
		jobs[i] = river.InsertManyParams{
			Args:       unit{ID: w.ID, Generation: w.Generation},
			InsertOpts: &river.InsertOpts{Priority: riverPriority(w.Priority)},
		}
	}
	_, err := r.client.InsertManyFastTx(ctx, tx, jobs)
	return err
}

// riverPriority lets interactive work pass what River holds already; 1 is its highest.
func riverPriority(p plimsoll.Priority) int {
	if p >= plimsoll.PriorityInteractive {
		return 1
	}
	return 2
}

// clear removes the jobs that River is done with.
func (r *executor) clear(ctx context.Context) error {
	_, err := r.writer.ExecContext(ctx,
		`DELETE FROM river_job WHERE state IN ('completed', 'cancelled', 'discarded') AND finalized_at IS NOT NULL`)
	return err
}

// unit is what River keeps of a unit of work.
type unit struct {
	ID         int64 `json:"id"`
	Generation int64 `json:"generation"`
}

// Kind names the one kind of job.
func (unit) Kind() string { return "unit" }

type worker struct {
	river.WorkerDefaults[unit]
	queue *Queue
	river *executor
}

// Work works on one unit. An error means that the unit was not begun.
func (w *worker) Work(ctx context.Context, job *river.Job[unit]) error {
	if err := w.queue.work(ctx, job.Args); err != nil {
		return err
	}
	w.queue.inRiver.Add(-1)
	// Before the slot is given back: interactive work that came meanwhile goes ahead of
	// what River holds.
	w.queue.fill(ctx, w.river)
	return nil
}

const maxTries = 1000

// soon is a retry policy within what River schedules without a leader.
type soon struct{}

// NextRetry returns a second from now.
func (soon) NextRetry(*rivertype.JobRow) time.Time { return time.Now().Add(time.Second) }

// driver is River's for SQLite with a doorbell in place of a polled table of
// notifications: all who insert jobs are in this process.
type driver struct {
	*riversqlite.Driver
	doorbell *doorbell
}

// GetListener returns the doorbell.
func (d driver) GetListener(*riverdriver.GetListenenerParams) riverdriver.Listener { return d.doorbell }

// SupportsListenNotify is false so that River writes no notifications.
func (driver) SupportsListenNotify() bool { return false }

// doorbell tells River that jobs were committed.
type doorbell struct{ rung chan struct{} }

// Close does nothing.
func (*doorbell) Close(context.Context) error { return nil }

// Connect does nothing.
func (*doorbell) Connect(context.Context) error { return nil }

// Listen does nothing: the only topic told is that of new jobs.
func (*doorbell) Listen(context.Context, string) error { return nil }

// Unlisten does nothing.
func (*doorbell) Unlisten(context.Context, string) error { return nil }

// Ping does nothing.
func (*doorbell) Ping(context.Context) error { return nil }

// Schema returns the default schema.
func (*doorbell) Schema() string { return "" }

// SetAfterConnectExec does nothing.
func (*doorbell) SetAfterConnectExec(string) {}

// WaitForNotification blocks until the bell rings or ctx ends.
func (d *doorbell) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	select {
	case <-d.rung:
		return &riverdriver.Notification{Topic: "river_insert", Payload: `{"queue": "` + river.QueueDefault + `"}`}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// warnings drops what River says about its daily life.
type warnings struct{ slog.Handler }

// Enabled reports whether the level is a warning or worse.
func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

// WithAttrs keeps the level.
func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the level.
func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.Handler.WithGroup(name)} }
