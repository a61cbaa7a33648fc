package queue

import (
	"context"
	"time"

	"plimsoll"
)

// claimUntilStopped keeps all workers busy until stop ends. The units run with the context
// handling.
func (q *Queue) claimUntilStopped(stop, handling context.Context) {
	tick := time.NewTicker(q.timing.poll)
	defer tick.Stop()
	for stop.Err() == nil {
		q.claimForFreeWorkers(stop, handling)
		select {
		case <-stop.Done():
		case <-q.wake: // by Wake, or by a worker that became free
		case <-tick.C:
		}
	}
}

// claimForFreeWorkers claims as many units as workers are free, in one transaction, and starts
// them. Units that are claimed when stop has ended are released.
func (q *Queue) claimForFreeWorkers(stop, handling context.Context) {
	free := q.Concurrency - int(q.running.Load())
	if free <= 0 {
		return
	}
	lease := q.Now().Add(q.timing.lease)
	claimed, err := q.Store.Claim(stop, free, lease)
	if err != nil {
		if stop.Err() == nil {
			q.Logger.Error("cannot claim work", "error", err)
		}
		return
	}
	for _, w := range claimed {
		if stop.Err() != nil {
			q.releaseClaimed(handling, w)
			continue
		}
		q.running.Add(1)
		q.workers.Go(func() {
			q.runUnit(handling, w, lease)
			q.running.Add(-1)
			notify(q.wake)
		})
	}
}

// releaseClaimed puts back a unit that was claimed but not started.
func (q *Queue) releaseClaimed(ctx context.Context, w plimsoll.Work) {
	err := q.Store.Release(ctx, w.ID, w.Generation)
	if err != nil && plimsoll.ErrorCode(err) != plimsoll.Conflict {
		q.Logger.Error("cannot release work; it will run when its lease has expired", "kind", w.Kind, "unit", w.ID, "error", err)
	}
}
