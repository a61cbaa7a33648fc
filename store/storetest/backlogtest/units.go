package backlogtest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

func testBeginOnce(t *testing.T, b *backlog) {
	task := b.task("p", scans(plimsoll.PriorityBulk, "a"))
	w := b.dispatch(1)[0]
	got := b.begin(w)
	if got.Attempts != 1 || got.State != plimsoll.WorkRunning || got.TaskID != task.ID {
		t.Fatalf("unit is %+v", got)
	}
	_, err := b.Begin(t.Context(), w.ID, w.Generation, b.now)
	b.wantCode(plimsoll.Conflict, err)
	b.check(b.Finish(t.Context(), w.ID, w.Generation, plimsoll.FailureDownload, "cut short"))
	b.wantCode(plimsoll.Conflict, b.Finish(t.Context(), w.ID, w.Generation, "", ""))
	if got := b.stored(task); got.Failed != 1 || got.Done != 0 || got.State != plimsoll.TaskFinished {
		t.Fatalf("task is %+v", got)
	}
}

func testReclaim(t *testing.T, b *backlog) {
	b.task("p", scans(plimsoll.PriorityBulk, "a", "b"))
	work := b.dispatch(2)
	a, other := b.begin(work[0]), b.begin(work[1])
	b.now = b.now.Add(15 * time.Second)
	held := map[int64]int64{a.ID: a.Generation}
	lost, err := b.Heartbeat(t.Context(), held, b.now.Add(20*time.Second))
	b.check(err)
	if len(lost) > 0 {
		t.Fatalf("lost %v before any lease ended", lost)
	}
	b.now = b.now.Add(10 * time.Second)
	if n, err := b.Reclaim(t.Context(), b.now); err != nil || n != 1 {
		t.Fatalf("took back %d, %v; want the one without heartbeat", n, err)
	}
	held[other.ID] = other.Generation
	lost, err = b.Heartbeat(t.Context(), held, b.now.Add(20*time.Second))
	b.check(err)
	if diff := cmp.Diff([]int64{other.ID}, lost); diff != "" {
		t.Fatalf("lost (-want +got):\n%s", diff)
	}
	again := b.wantDispatch(2, "p/b")[0]
	b.wantCode(plimsoll.Conflict, b.Finish(t.Context(), other.ID, other.Generation, "", ""))
	b.finish(again)
}

func testInterrupted(t *testing.T, b *backlog) {
	task := b.task("p", scans(plimsoll.PriorityBulk, "deadly"))
	for range 3 {
		b.begin(b.wantDispatch(1, "p/deadly")[0])
		_, err := b.Sweep(t.Context())
		b.check(err)
	}
	b.wantCounts(0, 0, 0)
	if got := b.stored(task); got.Failed != 1 || got.State != plimsoll.TaskFinished {
		t.Fatalf("task is %+v, want it failed", got)
	}
	var failure string
	b.check(b.DB().Reader.QueryRowContext(t.Context(), `SELECT failure FROM backlog`).Scan(&failure))
	if failure != string(plimsoll.FailureInterrupted) {
		t.Fatalf("failure is %q", failure)
	}
}

func testSweep(t *testing.T, b *backlog) {
	b.task("p", scans(plimsoll.PriorityBulk, "a", "b", "c"))
	work := b.dispatch(2)
	b.begin(work[0])
	b.wantCounts(1, 1, 1)
	if n, err := b.Sweep(t.Context()); err != nil || n != 2 {
		t.Fatalf("took back %d, %v; want 2", n, err)
	}
	b.wantCounts(3, 0, 0)
	b.wantDispatch(9, "p/a", "p/b", "p/c")
}

func testRetryRelease(t *testing.T, b *backlog) {
	b.task("p", scans(plimsoll.PriorityBulk, "a"))
	w := b.begin(b.dispatch(1)[0])
	b.check(b.Retry(t.Context(), w.ID, w.Generation, b.now.Add(time.Second)))
	b.wantDispatch(1)
	b.now = b.now.Add(time.Second)
	w = b.begin(b.dispatch(1)[0])
	if w.Attempts != 2 {
		t.Fatalf("attempts %d after a retry, want 2", w.Attempts)
	}
	b.check(b.Release(t.Context(), w.ID, w.Generation))
	b.wantCode(plimsoll.Conflict, b.Release(t.Context(), w.ID, w.Generation))
	if w = b.begin(b.dispatch(1)[0]); w.Attempts != 2 {
		t.Fatalf("attempts %d after a release, want 2", w.Attempts)
	}
	b.wantCode(plimsoll.Conflict, b.Retry(t.Context(), w.ID, w.Generation-1, b.now))
	b.check(b.Died(t.Context(), w.ID, w.Generation, b.now.Add(time.Second)))
	b.wantCode(plimsoll.Conflict, b.Died(t.Context(), w.ID, w.Generation, b.now))
	b.wantDispatch(1)
	b.now = b.now.Add(time.Second)
	if w = b.begin(b.dispatch(1)[0]); w.Attempts != 3 || w.Deaths != 1 {
		t.Fatalf("attempts %d, deaths %d after a death, want 3 and 1", w.Attempts, w.Deaths)
	}
}
