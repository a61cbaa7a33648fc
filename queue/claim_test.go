package queue

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"plimsoll"
)

// TestConcurrency has units that wait until as many run as there are workers.
func TestConcurrency(t *testing.T) {
	const workers = 3
	var mu sync.Mutex
	var begun, running, most int
	full := make(chan struct{})
	r := newTestQueue(t, openStore(t), workers, func(context.Context, plimsoll.Work) error {
		mu.Lock()
		begun, running = begun+1, running+1
		most = max(most, running)
		if begun == workers {
			close(full)
		}
		mu.Unlock()
		<-full
		mu.Lock()
		running--
		mu.Unlock()
		return nil
	})
	r.start()
	r.wantFinished(r.task("p", plimsoll.PriorityBulk, numberedKeys(30)...), 30, 0)
	if most != workers {
		t.Fatalf("%d units ran at the same time, want %d", most, workers)
	}
}

// TestClaimAfterFailure has a database that fails once: the next look finds the work.
func TestClaimAfterFailure(t *testing.T) {
	r := newTestQueue(t, openStore(t), 1, func(context.Context, plimsoll.Work) error { return nil })
	r.timing.poll = time.Millisecond
	task := r.task("p", plimsoll.PriorityBulk, "a")
	r.Store = &failingStore{Store: r.Store}
	r.start()
	r.wantFinished(task, 1, 0)
}

// failingStore fails the first claim.
type failingStore struct {
	Store
	failed bool
}

func (s *failingStore) Claim(ctx context.Context, limit int, lease time.Time) ([]plimsoll.Work, error) {
	if !s.failed {
		s.failed = true
		return nil, errors.New("the database is locked")
	}
	return s.Store.Claim(ctx, limit, lease)
}
