package queue

import (
	"context"
	"errors"
	"time"

	"plimsoll"
)

// errLost is the cause of a cancelled context of a unit that no longer belongs to this process.
var errLost = errors.New("the unit of work was stopped or taken back")

// heldUnit is a unit that this process is working on.
type heldUnit struct {
	id, generation int64
	leaseEnd       time.Time // as last extended
	cancel         context.CancelCauseFunc
}

// addHeld adds w, which was claimed with a lease, to the held units. The returned context ends with
// errLost when the unit no longer belongs to this process.
func (q *Queue) addHeld(ctx context.Context, w plimsoll.Work, lease time.Time) (context.Context, *heldUnit) {
	ctx, cancel := context.WithCancelCause(ctx)
	h := &heldUnit{id: w.ID, generation: w.Generation, leaseEnd: lease, cancel: cancel}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.held[w.ID] = h
	return ctx, h
}

// removeHeld removes h from the held units and cancels its context. A later generation of the same
// unit stays.
func (q *Queue) removeHeld(h *heldUnit) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.held[h.id] == h {
		delete(q.held, h.id)
	}
	h.cancel(nil)
}

// keepAlive extends leases and reclaims units with expired leases until ctx ends.
func (q *Queue) keepAlive(ctx context.Context) {
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
		}
	}
}

// extendLeases extends the leases of all held units in one transaction and cancels the units that
// no longer belong to this process.
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
		switch extended := generations[h.id] == h.generation; {
		case extended && err == nil:
			h.leaseEnd = lease
		case h.leaseEnd.Before(now):
			h.cancel(errLost) // another process may have it by now
		}
	}
	for _, id := range lost {
		if h := q.held[id]; h != nil && h.generation == generations[id] {
			h.cancel(errLost)
		}
	}
}

// reclaimExpired makes running units with an expired lease pending again.
func (q *Queue) reclaimExpired(ctx context.Context) {
	n, err := q.Store.Reclaim(ctx, q.Now())
	switch {
	case ctx.Err() != nil:
	case err != nil:
		q.Logger.Error("cannot reclaim work", "error", err)
	case n > 0:
		q.Logger.Warn("reclaimed work with an expired lease", "units", n)
		notify(q.wake)
		q.changed.announce()
	}
}
