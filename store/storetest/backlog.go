package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"plimsoll"
	"plimsoll/store"
)

// Backlog holds the store to what the backlog and its tasks promise. open returns a
// new empty store that is closed with the test.
func Backlog(t *testing.T, open func(t *testing.T) *store.Store) {
	for name, test := range map[string]func(*testing.T, *backlog){
		"enqueue joins open units":       testEnqueueJoins,
		"enqueue adds to a running task": testEnqueueAdds,
		"enqueue is quick":               testEnqueueQuick,
		"claims are fair":                testClaimFair,
		"interactive overtakes":          testClaimInteractive,
		"claims wait for the due time":   testClaimDueTime,
		"a claim that fails":             testClaimFails,
		"what a claim sets":              testClaimedUnit,
		"claims keep to the limit":       testClaimLimit,
		"claims at the same time":        testClaimConcurrent,
		"a unit that is taken back":      testReclaim,
		"a process that dies every time": testInterrupted,
		"sweep":                          testSweep,
		"retry and release":              testRetryRelease,
		"stop leaves shared units":       testStop,
		"tasks of a project":             testTasks,
		"prune":                          testPrune,
		"counters never drift":           testCounters,
	} {
		t.Run(name, func(t *testing.T) { test(t, newBacklog(t, open(t))) })
	}
}

// backlog is a store with a clock that does not move by itself.
type backlog struct {
	*store.Store
	t   rapid.TB
	now time.Time
}

func newBacklog(t rapid.TB, s *store.Store) *backlog {
	b := &backlog{Store: s, t: t, now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	s.DB().Now = func() time.Time { return b.now }
	return b
}

func (b *backlog) check(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *backlog) wantCode(want plimsoll.Code, err error) {
	b.t.Helper()
	if got := plimsoll.ErrorCode(err); got != want {
		b.t.Fatalf("error %v has code %q, want %q", err, got, want)
	}
}

func scans(priority plimsoll.Priority, keys ...string) []plimsoll.Work {
	var work []plimsoll.Work
	for _, key := range keys {
		work = append(work, plimsoll.Work{
			Kind: plimsoll.WorkScan, Key: key, RegistryID: 7, Repository: "team/app", Priority: priority,
		})
	}
	return work
}

func numbered(prefix string, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("%s%05d", prefix, i)
	}
	return keys
}

func (b *backlog) task(project string, work []plimsoll.Work) plimsoll.Task {
	b.t.Helper()
	task := plimsoll.Task{Tenant: plimsoll.Tenant{ProjectID: project, EnterpriseProject: "0"}, Kind: plimsoll.WorkScan, By: "ann"}
	b.check(b.CreateTask(context.Background(), &task, work))
	return task
}

func (b *backlog) stored(task plimsoll.Task) plimsoll.Task {
	b.t.Helper()
	got, err := b.Task(context.Background(), task.ProjectID, task.ID)
	b.check(err)
	return got
}

// leaseTime is how long the units of claim are leased.
const leaseTime = 20 * time.Second

func (b *backlog) claim(limit int) []plimsoll.Work {
	b.t.Helper()
	got, err := b.Claim(context.Background(), limit, b.now.Add(leaseTime))
	b.check(err)
	return got
}

func keys(work []plimsoll.Work) []string {
	var out []string
	for _, w := range work {
		out = append(out, w.ProjectID+"/"+w.Key)
	}
	return out
}

func (b *backlog) finish(w plimsoll.Work) {
	b.t.Helper()
	b.check(b.Finish(context.Background(), w.ID, w.Generation, "", ""))
}

func (b *backlog) wantClaim(limit int, want ...string) []plimsoll.Work {
	b.t.Helper()
	work := b.claim(limit)
	if diff := cmp.Diff(want, keys(work)); diff != "" {
		b.t.Fatalf("claimed (-want +got):\n%s", diff)
	}
	return work
}

func (b *backlog) wantCounts(pending, running int) {
	b.t.Helper()
	got, err := b.PendingCounts(context.Background())
	b.check(err)
	want := map[plimsoll.WorkState]int{plimsoll.WorkPending: pending, plimsoll.WorkRunning: running}
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Fatalf("open units (-want +got):\n%s", diff)
	}
}

func testEnqueueJoins(t *testing.T, b *backlog) {
	first := b.task("p", scans(plimsoll.PriorityBulk, "a", "b", "b"))
	second := b.task("p", scans(plimsoll.PriorityInteractive, "b", "c"))
	other := b.task("q", scans(plimsoll.PriorityBulk, "b"))
	if first.Total != 2 || second.Total != 2 || other.Total != 1 {
		t.Fatalf("totals %d, %d, %d; want 2, 2, 1", first.Total, second.Total, other.Total)
	}
	b.wantCounts(4, 0)
	work := b.wantClaim(10, "p/b", "p/c", "p/a", "q/b")
	if work[0].Priority != plimsoll.PriorityInteractive || work[0].RegistryID != 7 || work[0].Repository != "team/app" {
		t.Fatalf("joined unit is %+v", work[0])
	}
	if got := work[0].TaskID; got != first.ID {
		t.Fatalf("unit names task %d, want the oldest, %d", got, first.ID)
	}
	third := b.task("p", scans(plimsoll.PriorityBulk, "b"))
	b.finish(work[0])
	b.finish(work[1])
	for _, task := range []plimsoll.Task{second, third} {
		if got := b.stored(task); got.State != plimsoll.TaskFinished || got.Done != got.Total || !got.FinishedAt.Equal(b.now) {
			t.Errorf("task is %+v, want it finished", got)
		}
	}
	if got := b.stored(first); got.State != plimsoll.TaskRunning || got.Done != 1 {
		t.Errorf("task is %+v, want it running with one done", got)
	}
	again := b.task("p", scans(plimsoll.PriorityBulk, "b"))
	if again.State != plimsoll.TaskRunning {
		t.Errorf("task is %+v: a unit that ended must not be joined", again)
	}
}

func testEnqueueAdds(t *testing.T, b *backlog) {
	task := b.task("p", scans(plimsoll.PriorityBulk, "a"))
	b.check(b.CreateTask(t.Context(), &task, scans(plimsoll.PriorityBulk, "a", "b")))
	if diff := cmp.Diff(task, b.stored(task)); diff != "" || task.Total != 2 {
		t.Fatalf("total %d, want 2; (-returned +stored):\n%s", task.Total, diff)
	}
	empty := b.task("p", nil)
	if empty.State != plimsoll.TaskFinished || empty.FinishedAt.IsZero() {
		t.Fatalf("task without work is %+v", empty)
	}
	b.wantCode(plimsoll.Conflict, b.CreateTask(t.Context(), &empty, scans(plimsoll.PriorityBulk, "c")))
	b.wantCounts(2, 0)
}

// testEnqueueQuick would take many seconds with a statement a unit.
func testEnqueueQuick(t *testing.T, b *backlog) {
	start := time.Now()
	task := b.task("p", scans(plimsoll.PriorityBulk, numbered("k", 10_000)...))
	t.Logf("10,000 units in %v", time.Since(start))
	if task.Total != 10_000 {
		t.Fatalf("total %d", task.Total)
	}
}
