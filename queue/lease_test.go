package queue

import (
	"context"
	"errors"
	"testing"
	"time"

	"plimsoll"
)

func TestStoppedTaskCancelsItsWork(t *testing.T) {
	began, cause := make(chan struct{}), make(chan error, 1)
	r := newTestQueue(t, openStore(t), 1, func(ctx context.Context, _ plimsoll.Work) error {
		close(began)
		<-ctx.Done()
		cause <- context.Cause(ctx)
		return ctx.Err()
	})
	r.start()
	task := r.task("p", plimsoll.PriorityBulk, "a", "b", "c")
	<-began
	if err := r.store.StopTask(t.Context(), "p", task.ID); err != nil {
		t.Fatal(err)
	}
	r.Wake()
	if err := <-cause; !errors.Is(err, errLost) {
		t.Fatalf("cause is %v", err)
	}
	if got := r.wait(task); got.State != plimsoll.TaskStopped || got.Done+got.Failed != 0 {
		t.Fatalf("task is %+v", got)
	}
}

func TestLostLease(t *testing.T) {
	began, ended := make(chan int), make(chan error)
	r := newTestQueue(t, openStore(t), 1, func(ctx context.Context, w plimsoll.Work) error {
		began <- w.Attempts
		if w.Attempts > 1 {
			return nil
		}
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return nil // what it did counts for nothing
	})
	r.start()
	task := r.task("p", plimsoll.PriorityBulk, "a")
	<-began
	r.advance(time.Minute)
	r.reclaimExpired(t.Context())
	r.extendLeases(t.Context())
	if err := <-ended; !errors.Is(err, errLost) {
		t.Fatalf("cause is %v", err)
	}
	if got := <-began; got != 2 {
		t.Fatalf("attempt %d, want the second", got)
	}
	r.wantFinished(task, 1, 0)
}

func TestHeartbeatKeepsLease(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	r := newTestQueue(t, openStore(t), 1, func(ctx context.Context, _ plimsoll.Work) error {
		close(began)
		<-goOn
		return ctx.Err()
	})
	r.start()
	task := r.task("p", plimsoll.PriorityBulk, "a")
	<-began
	for range 10 {
		r.advance(15 * time.Second)
		r.extendLeases(t.Context())
		r.reclaimExpired(t.Context())
	}
	close(goOn)
	r.wantFinished(task, 1, 0)
}

// TestKilled drops a queue in the middle, as a killed process would, and starts another.
func TestKilled(t *testing.T) {
	s := openStore(t)
	keys := numberedKeys(20)
	var before, after runCounts
	began, never := make(chan struct{}), make(chan struct{})
	dead := newTestQueue(t, s, 3, func(_ context.Context, w plimsoll.Work) error {
		before.add(w)
		if len(w.Key) > 0 && w.Key >= "k00005" {
			began <- struct{}{}
			<-never
		}
		return nil
	})
	// Every call to the store fails from now on: nothing of what it does is recorded.
	cut := &cutStore{Store: dead.Store, cut: make(chan struct{})}
	dead.Store = cut
	stop := dead.start()
	task := dead.task("p", plimsoll.PriorityBulk, keys...)
	for range 3 {
		<-began
	}
	close(cut.cut)
	close(never)
	stop()
	if _, failure, _ := dead.outcome("k00005"); failure != "" {
		t.Fatalf("failure %q was recorded after the cut", failure)
	}

	alive := newTestQueue(t, s, 3, func(_ context.Context, w plimsoll.Work) error {
		after.add(w)
		return nil
	})
	alive.start()
	alive.wantFinished(task, 20, 0)
	after.wantOnce(t, keys[5:])
	before.wantOnce(t, keys[:5])
	if n := len(after.keys); n != 15 {
		t.Fatalf("%d units ran again, want those that had not ended: %v", n, after.keys)
	}
}

// cutStore refuses to write once it is cut.
type cutStore struct {
	Store
	cut chan struct{}
}

func (c *cutStore) err() error {
	select {
	case <-c.cut:
		return errors.New("the process is dead")
	default:
		return nil
	}
}

func (c *cutStore) Claim(ctx context.Context, limit int, lease time.Time) ([]plimsoll.Work, error) {
	if err := c.err(); err != nil {
		return nil, err
	}
	return c.Store.Claim(ctx, limit, lease)
}

func (c *cutStore) Finish(ctx context.Context, id, generation int64, failure plimsoll.FailureCode, detail string) error {
	if err := c.err(); err != nil {
		return err
	}
	return c.Store.Finish(ctx, id, generation, failure, detail)
}

func (c *cutStore) Release(ctx context.Context, id, generation int64) error {
	if err := c.err(); err != nil {
		return err
	}
	return c.Store.Release(ctx, id, generation)
}
