package queue

import (
	"context"
	"sync"

	"plimsoll"
)

// broadcast wakes all waiting goroutines on each announcement.
type broadcast struct {
	mu   sync.Mutex
	next chan struct{}
}

// wait returns a channel that the next announcement closes.
func (a *broadcast) wait() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.next
}

func (a *broadcast) announce() {
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.next)
	a.next = make(chan struct{})
}

// WaitTask returns the task when it has ended. Until then, and at the end, it calls progress, if
// not nil, with each new state of the task.
func (q *Queue) WaitTask(ctx context.Context, projectID string, id int64, progress func(plimsoll.Task)) (plimsoll.Task, error) {
	var last plimsoll.Task
	for {
		changed := q.changed.wait()
		task, err := q.Store.Task(ctx, projectID, id)
		if err != nil {
			return task, err
		}
		if progress != nil && task != last {
			progress(task)
			last = task
		}
		if task.State != plimsoll.TaskRunning {
			return task, nil
		}
		select {
		case <-ctx.Done():
			return task, ctx.Err()
		case <-changed:
		}
	}
}

// Idle returns when no unit of the backlog is open: none pending or running.
func (q *Queue) Idle(ctx context.Context) error {
	for {
		changed := q.changed.wait()
		counts, err := q.Store.PendingCounts(ctx)
		if err != nil {
			return err
		}
		if counts[plimsoll.WorkPending]+counts[plimsoll.WorkRunning] == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}
