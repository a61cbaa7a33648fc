package backlogtest

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"plimsoll"
	"plimsoll/store"
)

// Run tests the backlog and its tasks. open returns a
// new empty store that is closed with the test.
func Run(t *testing.T, open func(t *testing.T) *store.Store) {
	for name, test := range map[string]func(*testing.T, *backlog){
		"enqueue joins open units":          testEnqueueJoins,
		"enqueue adds to a running task":    testEnqueueAdds,
		"enqueue is quick":                  testEnqueueQuick,
		"dispatch is fair":                  testDispatchFair,
		"interactive overtakes":             testDispatchInteractive,
		"dispatch waits":                    testDispatchWaits,
		"dispatch undone with its callback": testDispatchUndone,
		"one worker a generation":           testBeginOnce,
		"a unit that is taken back":         testReclaim,
		"a process that dies every time":    testInterrupted,
		"sweep":                             testSweep,
		"retry and release":                 testRetryRelease,
		"stop leaves shared units":          testStop,
		"tasks of a project":                testTasks,
		"prune":                             testPrune,
		"counters never drift":              testCounters,
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

// dispatch returns what was handed on.
func (b *backlog) dispatch(room int) []plimsoll.Work {
	b.t.Helper()
	var got []plimsoll.Work
	n, err := b.Dispatch(context.Background(), room, func(_ *sql.Tx, work []plimsoll.Work) error {
		got = work
		return nil
	})
	b.check(err)
	if n != len(got) {
		b.t.Fatalf("Dispatch returned %d, but passed %d", n, len(got))
	}
	return got
}

func keys(work []plimsoll.Work) []string {
	var out []string
	for _, w := range work {
		out = append(out, w.ProjectID+"/"+w.Key)
	}
	return out
}

func (b *backlog) begin(w plimsoll.Work) plimsoll.Work {
	b.t.Helper()
	got, err := b.Begin(context.Background(), w.ID, w.Generation, b.now.Add(20*time.Second))
	b.check(err)
	return got
}

func (b *backlog) finish(w plimsoll.Work) {
	b.t.Helper()
	b.begin(w)
	b.check(b.Finish(context.Background(), w.ID, w.Generation, "", ""))
}

func (b *backlog) wantDispatch(room int, want ...string) []plimsoll.Work {
	b.t.Helper()
	work := b.dispatch(room)
	if diff := cmp.Diff(want, keys(work)); diff != "" {
		b.t.Fatalf("dispatched (-want +got):\n%s", diff)
	}
	return work
}

func (b *backlog) wantCounts(pending, queued, running int) {
	b.t.Helper()
	got, err := b.PendingCounts(context.Background())
	b.check(err)
	want := map[plimsoll.WorkState]int{
		plimsoll.WorkPending: pending, plimsoll.WorkQueued: queued, plimsoll.WorkRunning: running,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Fatalf("open units (-want +got):\n%s", diff)
	}
}
