package queue

import (
	"context"
	"testing"
	"time"

	"plimsoll"
)

func TestGracefulStop(t *testing.T) {
	s := openStore(t)
	began, goOn := make(chan struct{}), make(chan struct{})
	r := newTestQueue(t, s, 1, func(ctx context.Context, _ plimsoll.Work) error {
		close(began)
		<-goOn
		return ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	task := r.task("p", plimsoll.PriorityBulk, "a", "b", "c")
	<-began
	cancel()
	close(goOn)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	got, err := s.Task(t.Context(), "p", task.ID)
	if err != nil || got.Done != 1 || got.State != plimsoll.TaskRunning {
		t.Fatalf("task is %+v, %v; want the unit that ran done, the others open", got, err)
	}
}

func TestStopAfterGrace(t *testing.T) {
	s := openStore(t)
	began := make(chan struct{})
	r := newTestQueue(t, s, 1, func(ctx context.Context, _ plimsoll.Work) error {
		close(began)
		<-ctx.Done()
		return ctx.Err()
	})
	r.Grace = time.Millisecond
	stop := r.start()
	task := r.task("p", plimsoll.PriorityBulk, "a")
	<-began
	stop()
	if state, _, _ := r.outcome("a"); state != plimsoll.WorkPending {
		t.Fatalf("cancelled unit is %s, want pending", state)
	}
	attempts := make(chan int, 1)
	next := newTestQueue(t, s, 1, func(_ context.Context, w plimsoll.Work) error {
		attempts <- w.Attempts
		return nil
	})
	next.start()
	next.wantFinished(task, 1, 0)
	if got := <-attempts; got != 1 {
		t.Fatalf("attempt %d: the cancelled one must not count", got)
	}
}

// TestClaimedAtStopIsReleased stops the queue between a claim and the start of its units.
func TestClaimedAtStopIsReleased(t *testing.T) {
	s := openStore(t)
	r := newTestQueue(t, s, 2, func(_ context.Context, w plimsoll.Work) error {
		t.Errorf("%s was started after the stop", w.Key)
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	r.Store = &stoppingStore{Store: r.Store, stop: cancel}
	task := r.task("p", plimsoll.PriorityBulk, "a", "b", "c")
	if err := r.Run(ctx); err != nil {
		t.Fatal(err)
	}
	counts, err := s.PendingCounts(t.Context())
	if err != nil || counts[plimsoll.WorkPending] != 3 || counts[plimsoll.WorkRunning] != 0 {
		t.Fatalf("open units are %v, %v; want three pending", counts, err)
	}
	next := newTestQueue(t, s, 1, func(_ context.Context, w plimsoll.Work) error {
		if w.Attempts != 1 {
			t.Errorf("%s: attempt %d, want the first", w.Key, w.Attempts)
		}
		return nil
	})
	next.start()
	next.wantFinished(task, 3, 0)
}

// stoppingStore stops the queue when it has claimed.
type stoppingStore struct {
	Store
	stop func()
}

func (s *stoppingStore) Claim(ctx context.Context, limit int, lease time.Time) ([]plimsoll.Work, error) {
	work, err := s.Store.Claim(ctx, limit, lease)
	s.stop()
	return work, err
}

func TestRunWithCancelledContext(t *testing.T) {
	r := newTestQueue(t, openStore(t), 1, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Run(ctx); err != nil {
		t.Fatal(err)
	}
}
