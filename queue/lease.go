package queue

import (
	"context"
	"errors"
	"time"

	"plimsoll"
)

// errLost is why the context of a unit ends that is not this worker's any more.
var errLost = errors.New("the unit of work was stopped or taken back")

// heldUnit is a unit that this process works on.
type heldUnit struct {
	id, generation int64
	leaseEnd       time.Time // as last extended
	cancel         context.CancelCauseFunc
}

// addHeld notes that w is being worked on. The context ends when its lease is lost.
func (q *Queue) addHeld(ctx context.Context, w plimsoll.Work) (context.Context, *heldUnit) {
	ctx, cancel := context.WithCancelCause(ctx)
	h := &heldUnit{id: w.ID, generation: w.Generation, leaseEnd: q.Now().Add(q.timing.lease), cancel: cancel}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.held[w.ID] = h
	return ctx, h
}

// removeHeld ends a hold. A later one on the same unit stays.
func (q *Queue) removeHeld(h *heldUnit) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.held[h.id] == h {
		delete(q.held, h.id)
	}
	h.cancel(nil)
}

// keepAlive extends leases, takes back those of others that ended, and clears what
// River is done with, until ctx ends.
func (q *Queue) keepAlive(ctx context.Context, r *riverExecutor) {
	tick := time.NewTicker(q.timing.heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-q.heartbeatNow:
			q.extendLeases(ctx)
		case <-tick.C:
			q.extendLeases(ctx)
			q.reclaimExpired(ctx)
			if err := r.deleteFinished(ctx); err != nil && ctx.Err() == nil {
				q.Logger.Error("cannot clear finished jobs", "error", err)
			}
		}
	}
}

// extendLeases extends the leases of all holds in one transaction and cancels those that are lost.
func (q *Queue) extendLeases(ctx context.Context) {
	q.mu.Lock()
	generations := make(map[int64]int64, len(q.held))
	for id, h := range q.held {
		generations[id] = h.generation
	}
	q.mu.Unlock()
	if len(generations) == 0 {
		return
	}
	now := q.Now()
	lease := now.Add(q.timing.lease)
	lost, err := q.Store.Heartbeat(ctx, generations, lease)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		q.Logger.Error("cannot extend leases", "error", err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, h := range q.held {
		switch asked := generations[h.id] == h.generation; {
		case asked && err == nil:
			h.leaseEnd = lease
		case h.leaseEnd.Before(now):
			h.cancel(errLost) // others may have it by now
		}
	}
	for _, id := range lost {
		if h := q.held[id]; h != nil && h.generation == generations[id] {
			h.cancel(errLost)
		}
	}
}

// reclaimExpired makes units pending whose worker is gone.
func (q *Queue) reclaimExpired(ctx context.Context) {
	n, err := q.Store.Reclaim(ctx, q.Now())
	switch {
	case ctx.Err() != nil:
	case err != nil:
		q.Logger.Error("cannot take back work", "error", err)
	case n > 0:
		q.Logger.Warn("took back work whose lease ended", "units", n)
		notify(q.wake)
		q.changed.announce()
	}
}
