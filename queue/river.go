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

// riverExecutor is River, reduced to what it is used for.
type riverExecutor struct {
	client   *river.Client[*sql.Tx]
	doorbell *insertListener
	writer   *sql.DB
	stop     <-chan struct{} // closed when nothing more is handed out
}

// newRiver brings River's tables up to date and empties them.
func newRiver(ctx context.Context, q *Queue) (*riverExecutor, error) {
	r := &riverExecutor{doorbell: &insertListener{inserted: make(chan struct{}, 1)}, writer: q.Writer, stop: ctx.Done()}
	d := riverDriver{Driver: riversqlite.New(q.Writer), doorbell: r.doorbell}
	logger := slog.New(warningsOnly{q.Logger.Handler()})
	fail := func(err error) (*riverExecutor, error) {
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
	if err := river.AddWorkerSafely(workers, &unitWorker{queue: q, river: r}); err != nil {
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
		MaxAttempts:            maxRiverAttempts,
		RetryPolicy:            retryAfterSecond{},
	})
	if err != nil {
		return fail(err)
	}
	return r, nil
}

func (r *riverExecutor) isStopping() bool {
	select {
	case <-r.stop:
		return true
	default:
		return false
	}
}

// insert gives River units in the transaction that marks them queued.
func (r *riverExecutor) insert(ctx context.Context, tx *sql.Tx, work []plimsoll.Work) error {
	jobs := make([]river.InsertManyParams, len(work))
	for i, w := range work {
		jobs[i] = river.InsertManyParams{
			Args:       unitArgs{ID: w.ID, Generation: w.Generation},
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

// deleteFinished removes the jobs that River is done with.
func (r *riverExecutor) deleteFinished(ctx context.Context) error {
	_, err := r.writer.ExecContext(ctx,
		`DELETE FROM river_job WHERE state IN ('completed', 'cancelled', 'discarded') AND finalized_at IS NOT NULL`)
	return err
}

// unitArgs is what River keeps of a unit of work.
type unitArgs struct {
	ID         int64 `json:"id"`
	Generation int64 `json:"generation"`
}

// Kind names the one kind of job.
func (unitArgs) Kind() string { return "unit" }

type unitWorker struct {
	river.WorkerDefaults[unitArgs]
	queue *Queue
	river *riverExecutor
}

// Work works on one unit. An error means that the unit was not begun.
func (w *unitWorker) Work(ctx context.Context, job *river.Job[unitArgs]) error {
	if err := w.queue.runUnit(ctx, job.Args); err != nil {
		return err
	}
	w.queue.inRiver.Add(-1)
	// Before the slot is given back: interactive work that came meanwhile goes ahead of
	// what River holds.
	w.queue.fillRiver(ctx, w.river)
	return nil
}

const maxRiverAttempts = 1000

// retryAfterSecond is a retry policy within what River schedules without a leader.
type retryAfterSecond struct{}

// NextRetry returns a second from now.
func (retryAfterSecond) NextRetry(*rivertype.JobRow) time.Time { return time.Now().Add(time.Second) }

// riverDriver is River's for SQLite with a doorbell in place of a polled table of
// notifications: all who insert jobs are in this process.
type riverDriver struct {
	*riversqlite.Driver
	doorbell *insertListener
}

// GetListener returns the doorbell.
func (d riverDriver) GetListener(*riverdriver.GetListenenerParams) riverdriver.Listener {
	return d.doorbell
}

// SupportsListenNotify is false so that River writes no notifications.
func (riverDriver) SupportsListenNotify() bool { return false }

// insertListener tells River that jobs were committed.
type insertListener struct{ inserted chan struct{} }

// Close does nothing.
func (*insertListener) Close(context.Context) error { return nil }

// Connect does nothing.
func (*insertListener) Connect(context.Context) error { return nil }

// Listen does nothing: the only topic told is that of new jobs.
func (*insertListener) Listen(context.Context, string) error { return nil }

// Unlisten does nothing.
func (*insertListener) Unlisten(context.Context, string) error { return nil }

// Ping does nothing.
func (*insertListener) Ping(context.Context) error { return nil }

// Schema returns the default schema.
func (*insertListener) Schema() string { return "" }

// SetAfterConnectExec does nothing.
func (*insertListener) SetAfterConnectExec(string) {}

// WaitForNotification blocks until the bell rings or ctx ends.
func (d *insertListener) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	select {
	case <-d.inserted:
		return &riverdriver.Notification{Topic: "river_insert", Payload: `{"queue": "` + river.QueueDefault + `"}`}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// warningsOnly drops what River says about its daily life.
type warningsOnly struct{ slog.Handler }

// Enabled reports whether the level is a warning or worse.
func (w warningsOnly) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

// WithAttrs keeps the level.
func (w warningsOnly) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warningsOnly{w.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the level.
func (w warningsOnly) WithGroup(name string) slog.Handler {
	return warningsOnly{w.Handler.WithGroup(name)}
}
