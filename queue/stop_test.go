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

func TestRunWithCancelledContext(t *testing.T) {
	r := newTestQueue(t, openStore(t), 1, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Run(ctx); err != nil {
		t.Fatal(err)
	}
}
