package app

import (
	"context"
	"sync"
	"time"

	"plimsoll"
	"plimsoll/queue"
	"plimsoll/store"
)

// Tasks is what users asked for and can watch, and the backlog that tasks consist of.
type Tasks struct {
	store       *store.Store
	newQueue    func(WorkOptions) (*queue.Queue, error)
	logProblems func(context.Context) error // of the analysis

	mu    sync.Mutex
	queue *queue.Queue // nil while this process does not work on the backlog
}

// WorkOptions is how this process works on the backlog.
type WorkOptions struct {
	Concurrency int           // units of work at once; 0 = one per core
	Parallel    int           // layers of one image at once
	Grace       time.Duration // for running units when the work stops
}

// DefaultWork works on two units at once.
func DefaultWork() WorkOptions {
	return WorkOptions{Concurrency: 2, Parallel: 2, Grace: 20 * time.Second}
}

// Prepare loads the analyzers and makes the queue; Run works on the backlog. From now on changes of advisories,
// decisions and password lists leave their consequences to the backlog.
func (t *Tasks) Prepare(o WorkOptions) error {
	q, err := t.newQueue(o)
	if err == nil {
		t.setQueue(q)
	}
	return err
}

// Run works on the backlog until ctx ends. Call Prepare first.
func (t *Tasks) Run(ctx context.Context) error { return t.currentQueue().Run(ctx) }

func (t *Tasks) currentQueue() *queue.Queue {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.queue
}

func (t *Tasks) setQueue(q *queue.Queue) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queue = q
}

// wakeQueue makes the queue look for work at once. It reports whether this process works on the backlog.
func (t *Tasks) wakeQueue() bool {
	q := t.currentQueue()
	if q != nil {
		q.Wake()
	}
	return q != nil
}

// workDuring calls f while this process works on the backlog: by the queue that runs, or by one that runs as long as f.
func (t *Tasks) workDuring(ctx context.Context, f func() error) error {
	if t.currentQueue() != nil {
		return f()
	}
	if err := t.Prepare(DefaultWork()); err != nil {
		return err
	}
	defer t.setQueue(nil)
	if err := t.logProblems(ctx); err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- t.Run(running) }()
	err := f()
	stop()
	if runErr := <-ended; err == nil && runErr != nil && ctx.Err() == nil {
		err = runErr
	}
	return err
}

// CreateTask saves a task with its work and sets its id, state and counts.
func (t *Tasks) CreateTask(ctx context.Context, task *plimsoll.Task, work []plimsoll.Work) error {
	defer t.wakeQueue()
	return t.store.CreateTask(ctx, task, work)
}

// Task reads a task. NotFound: the project has none of this id.
func (t *Tasks) Task(ctx context.Context, projectID string, id int64) (plimsoll.Task, error) {
	return t.store.Task(ctx, projectID, id)
}

// Tasks lists those of a project, newest first, in the given enterprise projects (nil means every one) and of a kind
// ("" means any). after is the cursor of the page before; "" is the first page.
func (t *Tasks) Tasks(ctx context.Context, projectID string, enterpriseProjects []string, kind plimsoll.WorkKind, limit int, after string) (plimsoll.Page[plimsoll.Task], error) {
	return t.store.Tasks(ctx, projectID, enterpriseProjects, kind, limit, after)
}

// Wait returns the task when it has ended, and calls watch, unless it is nil, with each new state of it. It is for a
// process that works on the backlog.
func (t *Tasks) Wait(ctx context.Context, projectID string, id int64, watch func(plimsoll.Task)) (plimsoll.Task, error) {
	q := t.currentQueue()
	if q == nil {
		return plimsoll.Task{}, plimsoll.Errorf(plimsoll.Internal, "this process does not work on the backlog")
	}
	return q.WaitTask(ctx, projectID, id, watch)
}
