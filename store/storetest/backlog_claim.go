package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

func testClaimFair(_ *testing.T, b *backlog) {
	b.task("a", scans(plimsoll.PriorityBulk, numbered("a", 1000)...))
	b.task("b", scans(plimsoll.PriorityBulk, "b0", "b1"))
	b.task("c", scans(plimsoll.PriorityBulk, "c0", "c1", "c2"))
	b.wantClaim(4, "a/a00000", "b/b0", "c/c0", "a/a00001")
	for _, want := range []string{"b/b1", "c/c1", "a/a00002", "c/c2", "a/a00003", "a/a00004"} {
		b.wantClaim(1, want)
	}
}

func testClaimInteractive(_ *testing.T, b *backlog) {
	b.task("a", scans(plimsoll.PriorityBulk, "a0", "a1", "a2"))
	b.task("b", scans(plimsoll.PriorityBulk, "b0", "b1"))
	b.wantClaim(1, "a/a0")
	b.task("b", scans(plimsoll.PriorityInteractive, "now1", "now2"))
	b.task("c", scans(plimsoll.PriorityInteractive, "now3"))
	b.wantClaim(4, "b/now1", "c/now3", "b/now2", "b/b0")
	b.task("a", scans(plimsoll.PriorityInteractive, "a2"))
	b.wantClaim(9, "a/a2", "a/a1", "b/b1")
}

func testClaimDueTime(_ *testing.T, b *backlog) {
	work := scans(plimsoll.PriorityBulk, "late", "soon")
	work[0].NotBefore = b.now.Add(time.Minute)
	b.task("p", work)
	b.wantClaim(5, "p/soon")
	b.now = b.now.Add(time.Minute - time.Millisecond)
	b.wantClaim(5)
	b.now = b.now.Add(time.Millisecond)
	b.wantClaim(5, "p/late")
}

// testClaimFails cancels a claim: nothing is claimed, and no project loses its turn.
func testClaimFails(t *testing.T, b *backlog) {
	b.task("p", scans(plimsoll.PriorityBulk, "a"))
	b.task("q", scans(plimsoll.PriorityBulk, "a"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := b.Claim(ctx, 1, b.now.Add(leaseTime)); !errors.Is(err, context.Canceled) || len(got) != 0 {
		t.Fatalf("claimed %v, %v; want that it was cancelled", got, err)
	}
	b.wantCounts(2, 0)
	b.wantClaim(2, "p/a", "q/a")
}

// testClaimedUnit checks the fields of a claimed unit, its lease, and that it is claimed and ended once.
func testClaimedUnit(t *testing.T, b *backlog) {
	work := scans(plimsoll.PriorityInteractive, "a")
	task := b.task("p", work)
	w := b.wantClaim(1, "p/a")[0]
	want := work[0]
	want.ID, want.TaskID, want.Tenant, want.State = w.ID, task.ID, task.Tenant, plimsoll.WorkRunning
	want.Generation, want.Attempts, want.CreatedAt = 1, 1, b.now
	if diff := cmp.Diff(want, w); diff != "" {
		t.Fatalf("claimed unit (-want +got):\n%s", diff)
	}
	b.wantClaim(1)
	lease := b.now.Add(leaseTime)
	if n, err := b.Reclaim(t.Context(), lease); err != nil || n != 0 {
		t.Fatalf("took back %d, %v before the lease ended; want none", n, err)
	}
	if n, err := b.Reclaim(t.Context(), lease.Add(time.Millisecond)); err != nil || n != 1 {
		t.Fatalf("took back %d, %v after the lease; want 1", n, err)
	}
	again := b.wantClaim(1, "p/a")[0]
	if again.Generation != 2 || again.Attempts != 2 {
		t.Fatalf("generation %d, attempts %d in the second claim; want 2 and 2", again.Generation, again.Attempts)
	}
	b.wantCode(plimsoll.Conflict, b.Finish(t.Context(), w.ID, w.Generation, "", ""))
	b.check(b.Finish(t.Context(), w.ID, again.Generation, plimsoll.FailureDownload, "cut short"))
	b.wantCode(plimsoll.Conflict, b.Finish(t.Context(), w.ID, again.Generation, "", ""))
	if got := b.stored(task); got.Failed != 1 || got.Done != 0 || got.State != plimsoll.TaskFinished {
		t.Fatalf("task is %+v", got)
	}
}

func testClaimLimit(t *testing.T, b *backlog) {
	b.task("p", scans(plimsoll.PriorityBulk, numbered("k", 600)...))
	for _, limit := range []int{-1, 0, 1, 7, 500} {
		if n := len(b.claim(limit)); n != max(0, limit) {
			t.Fatalf("claimed %d units, want %d", n, max(0, limit))
		}
	}
	b.wantCounts(92, 508)
	if n := len(b.claim(500)); n != 92 {
		t.Fatalf("claimed %d units, want the 92 that were left", n)
	}
}

// testClaimConcurrent claims from several goroutines: every unit is claimed once.
func testClaimConcurrent(t *testing.T, b *backlog) {
	const units = 200
	for _, project := range []string{"p", "q"} {
		b.task(project, scans(plimsoll.PriorityBulk, numbered("k", units/2)...))
	}
	var mu sync.Mutex
	var claimed []string
	var claimers sync.WaitGroup
	for range 4 {
		claimers.Go(func() {
			for {
				work, err := b.Claim(t.Context(), 7, b.now.Add(leaseTime))
				if err != nil {
					t.Error(err)
				}
				if len(work) == 0 {
					return
				}
				mu.Lock()
				claimed = append(claimed, keys(work)...)
				mu.Unlock()
			}
		})
	}
	claimers.Wait()
	slices.Sort(claimed)
	if len(claimed) != units || len(slices.Compact(claimed)) != units {
		t.Fatalf("%d units claimed, some of them twice; want %d", len(claimed), units)
	}
	b.wantCounts(0, units)
}

func testReclaim(t *testing.T, b *backlog) {
	b.task("p", scans(plimsoll.PriorityBulk, "a", "b"))
	work := b.claim(2)
	a, other := work[0], work[1]
	b.now = b.now.Add(15 * time.Second)
	held := map[int64]int64{a.ID: a.Generation}
	lost, err := b.Heartbeat(t.Context(), held, b.now.Add(leaseTime))
	b.check(err)
	if len(lost) > 0 {
		t.Fatalf("lost %v before any lease ended", lost)
	}
	b.now = b.now.Add(10 * time.Second)
	if n, err := b.Reclaim(t.Context(), b.now); err != nil || n != 1 {
		t.Fatalf("took back %d, %v; want the one without heartbeat", n, err)
	}
	held[other.ID] = other.Generation
	lost, err = b.Heartbeat(t.Context(), held, b.now.Add(leaseTime))
	b.check(err)
	if diff := cmp.Diff([]int64{other.ID}, lost); diff != "" {
		t.Fatalf("lost (-want +got):\n%s", diff)
	}
	again := b.wantClaim(2, "p/b")[0]
	b.wantCode(plimsoll.Conflict, b.Finish(t.Context(), other.ID, other.Generation, "", ""))
	b.finish(again)
}

func testInterrupted(t *testing.T, b *backlog) {
	task := b.task("p", scans(plimsoll.PriorityBulk, "deadly"))
	for range 3 {
		b.wantClaim(1, "p/deadly")
		_, err := b.Sweep(t.Context())
		b.check(err)
	}
	b.wantCounts(0, 0)
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
	b.claim(2)
	b.wantCounts(1, 2)
	if n, err := b.Sweep(t.Context()); err != nil || n != 2 {
		t.Fatalf("took back %d, %v; want 2", n, err)
	}
	b.wantCounts(3, 0)
	b.wantClaim(9, "p/a", "p/b", "p/c")
}

func testRetryRelease(t *testing.T, b *backlog) {
	b.task("p", scans(plimsoll.PriorityBulk, "a"))
	w := b.claim(1)[0]
	b.check(b.Retry(t.Context(), w.ID, w.Generation, b.now.Add(time.Second)))
	b.wantClaim(1)
	b.now = b.now.Add(time.Second)
	w = b.claim(1)[0]
	if w.Attempts != 2 {
		t.Fatalf("attempts %d after a retry, want 2", w.Attempts)
	}
	b.check(b.Release(t.Context(), w.ID, w.Generation))
	b.wantCode(plimsoll.Conflict, b.Release(t.Context(), w.ID, w.Generation))
	if w = b.claim(1)[0]; w.Attempts != 2 {
		t.Fatalf("attempts %d after a release, want 2", w.Attempts)
	}
	b.wantCode(plimsoll.Conflict, b.Retry(t.Context(), w.ID, w.Generation-1, b.now))
	b.check(b.Died(t.Context(), w.ID, w.Generation, b.now.Add(time.Second)))
	b.wantCode(plimsoll.Conflict, b.Died(t.Context(), w.ID, w.Generation, b.now))
	b.wantClaim(1)
	b.now = b.now.Add(time.Second)
	if w = b.claim(1)[0]; w.Attempts != 3 || w.Deaths != 1 {
		t.Fatalf("attempts %d, deaths %d after a death, want 3 and 1", w.Attempts, w.Deaths)
	}
}
