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

// riverExecutor runs units as jobs of River.
type riverExecutor struct {
	client   *river.Client[*sql.Tx]
	doorbell *insertListener
	writer   *sql.DB
	stop     <-chan struct{} // closed when nothing more is dispatched
}

// newRiver migrates River's tables, empties them, and makes a client.
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

		// insertListener reports new jobs; polling is for retries.
		FetchCooldown:     river.FetchCooldownMin,
		FetchPollInterval: time.Second,

		SoftStopTimeout: q.Grace,
		JobTimeout:      -1,

		// A leader would restart jobs that only take long, and delete old jobs late; the backlog
		// does both. A job fails only if the database does, and is then tried again.
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

// riverPriority makes interactive units run before the other jobs in River; 1 is the highest.
func riverPriority(p plimsoll.Priority) int {
	if p >= plimsoll.PriorityInteractive {
		return 1
	}
	return 2
}

// deleteFinished deletes River's finished jobs.
func (r *riverExecutor) deleteFinished(ctx context.Context) error {
	_, err := r.writer.ExecContext(ctx,
		`DELETE FROM river_job WHERE state IN ('completed', 'cancelled', 'discarded') AND finalized_at IS NOT NULL`)
	return err
}

// unitArgs are the arguments of a job: one dispatch of a unit.
type unitArgs struct {
	ID         int64 `json:"id"`
	Generation int64 `json:"generation"`
}

// Kind returns the name of the only kind of job.
func (unitArgs) Kind() string { return "unit" }

type unitWorker struct {
	river.WorkerDefaults[unitArgs]
	queue *Queue
	river *riverExecutor
}

// Work runs one unit. An error means that the unit was not started.
func (w *unitWorker) Work(ctx context.Context, job *river.Job[unitArgs]) error {
	if err := w.queue.runUnit(ctx, job.Args); err != nil {
		return err
	}
	w.queue.inRiver.Add(-1)
	// Done before this worker is free again, so that new interactive work runs before the jobs
	// already in River.
	w.queue.fillRiver(ctx, w.river)
	return nil
}

const maxRiverAttempts = 1000

// retryAfterSecond is a retry policy. Its wait is short enough for River to schedule retries
// without a leader.
type retryAfterSecond struct{}

// NextRetry returns the time in one second.
func (retryAfterSecond) NextRetry(*rivertype.JobRow) time.Time { return time.Now().Add(time.Second) }

// riverDriver is River's SQLite driver with an in-process listener instead of a polled table of
// notifications, because only this process inserts jobs.
type riverDriver struct {
	*riversqlite.Driver
	doorbell *insertListener
}

// GetListener returns the in-process listener.
func (d riverDriver) GetListener(*riverdriver.GetListenenerParams) riverdriver.Listener {
	return d.doorbell
}

// SupportsListenNotify returns false, so that River writes no notifications.
func (riverDriver) SupportsListenNotify() bool { return false }

// insertListener notifies River of committed jobs.
type insertListener struct{ inserted chan struct{} }

// Close does nothing.
func (*insertListener) Close(context.Context) error { return nil }

// Connect does nothing.
func (*insertListener) Connect(context.Context) error { return nil }

// Listen does nothing: the only topic is that of new jobs.
func (*insertListener) Listen(context.Context, string) error { return nil }

// Unlisten does nothing.
func (*insertListener) Unlisten(context.Context, string) error { return nil }

// Ping does nothing.
func (*insertListener) Ping(context.Context) error { return nil }

// Schema returns the default schema.
func (*insertListener) Schema() string { return "" }

// SetAfterConnectExec does nothing.
func (*insertListener) SetAfterConnectExec(string) {}

// WaitForNotification blocks until jobs were inserted or ctx ends.
func (d *insertListener) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	select {
	case <-d.inserted:
		return &riverdriver.Notification{Topic: "river_insert", Payload: `{"queue": "` + river.QueueDefault + `"}`}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// warningsOnly is a log handler that drops River's messages below the level of a warning.
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
