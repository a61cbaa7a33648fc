package queue

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"plimsoll"
	"plimsoll/store"
	"plimsoll/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openStore(t testing.TB) *store.Store {
	s, err := sqlite.Inventory(t.Context(), filepath.Join(t.TempDir(), "inventory.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// testQueue is a queue with a real store and a clock that only advance moves.
type testQueue struct {
	*Queue
	t     testing.TB
	store *store.Store

	mu  sync.Mutex
	now time.Time
}

// newTestQueue makes a queue that only looks when it is woken.
func newTestQueue(t testing.TB, s *store.Store, concurrency int, scan Handler) *testQueue {
	r := &testQueue{t: t, store: s, now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	s.DB().Now = r.clock
	r.Queue = New(Options{
		Store: s, Concurrency: concurrency, Grace: time.Hour, Now: r.clock,
		Handlers: map[plimsoll.WorkKind]Handler{plimsoll.WorkScan: scan},
	})
	r.timing.poll, r.timing.heartbeat = time.Hour, time.Hour
	return r
}

func (r *testQueue) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *testQueue) advance(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

// start runs the queue and returns what stops it and waits.
func (r *testQueue) start() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Error(err)
		}
	})
	r.t.Cleanup(stop)
	return stop
}

func (r *testQueue) task(project string, priority plimsoll.Priority, keys ...string) plimsoll.Task {
	r.t.Helper()
	var work []plimsoll.Work
	for _, key := range keys {
		work = append(work, plimsoll.Work{Kind: plimsoll.WorkScan, Key: key, Priority: priority})
	}
	task := plimsoll.Task{Tenant: plimsoll.Tenant{ProjectID: project, EnterpriseProject: "0"}, Kind: plimsoll.WorkScan, By: "ann"}
	if err := r.store.CreateTask(context.Background(), &task, work); err != nil {
		r.t.Fatal(err)
	}
	r.Wake()
	return task
}

func (r *testQueue) wait(task plimsoll.Task) plimsoll.Task {
	r.t.Helper()
	got, err := r.WaitTask(r.t.Context(), task.ProjectID, task.ID, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return got
}

func (r *testQueue) wantFinished(task plimsoll.Task, done, failed int) {
	r.t.Helper()
	got := r.wait(task)
	if got.State != plimsoll.TaskFinished || got.Done != done || got.Failed != failed {
		r.t.Fatalf("task is %s with %d done and %d failed; want finished, %d, %d", got.State, got.Done, got.Failed, done, failed)
	}
}

// outcome returns the state and failure of the newest unit with a key.
func (r *testQueue) outcome(key string) (state plimsoll.WorkState, failure plimsoll.FailureCode, detail string) {
	r.t.Helper()
	err := r.store.DB().Reader.QueryRow(`SELECT state, failure, failure_detail FROM backlog WHERE key = ? ORDER BY id DESC`, key).
		Scan(&state, &failure, &detail)
	if err != nil {
		r.t.Fatal(err)
	}
	return state, failure, detail
}

func numberedKeys(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("k%05d", i)
	}
	return keys
}

// runCounts counts runs by key.
type runCounts struct {
	mu   sync.Mutex
	runs map[string]int
	keys []string
}

func (c *runCounts) add(w plimsoll.Work) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runs == nil {
		c.runs = map[string]int{}
	}
	c.runs[w.Key]++
	c.keys = append(c.keys, w.ProjectID+"/"+w.Key)
}

func (c *runCounts) wantOnce(t testing.TB, keys []string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range keys {
		if c.runs[key] != 1 {
			t.Errorf("%s ran %d times, want once", key, c.runs[key])
		}
	}
}

func TestEachUnitRunsOnce(t *testing.T) {
	var ran runCounts
	r := newTestQueue(t, openStore(t), 8, func(_ context.Context, w plimsoll.Work) error {
		ran.add(w)
		return nil
	})
	r.start()
	keys := numberedKeys(1000)
	if testing.Short() {
		keys = keys[:100]
	}
	r.wantFinished(r.task("p", plimsoll.PriorityBulk, keys...), len(keys), 0)
	ran.wantOnce(t, keys)
	if err := r.Idle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkUnits runs 200 units that do nothing, from the task to its end.
func BenchmarkUnits(b *testing.B) {
	for _, concurrency := range []int{2, 8} {
		b.Run(fmt.Sprintf("concurrency=%d", concurrency), func(b *testing.B) {
			r := newTestQueue(b, openStore(b), concurrency, func(context.Context, plimsoll.Work) error { return nil })
			stop := r.start()
			keys := numberedKeys(200)
			for b.Loop() {
				r.wantFinished(r.task("p", plimsoll.PriorityBulk, keys...), len(keys), 0)
			}
			b.ReportMetric(float64(b.N*len(keys))/b.Elapsed().Seconds(), "units/s")
			b.StopTimer()
			stop()
		})
	}
}

func TestProjectsTakeTurns(t *testing.T) {
	var ran runCounts
	r := newTestQueue(t, openStore(t), 1, func(_ context.Context, w plimsoll.Work) error {
		ran.add(w)
		return nil
	})
	var tasks []plimsoll.Task
	for _, project := range []string{"a", "b", "c"} {
		tasks = append(tasks, r.task(project, plimsoll.PriorityBulk, numberedKeys(10)...))
	}
	r.start()
	for _, task := range tasks {
		r.wantFinished(task, 10, 0)
	}
	for i, key := range ran.keys {
		if want := fmt.Sprintf("%c/k%05d", "abc"[i%3], i/3); key != want {
			t.Fatalf("run %d was %s, want %s: %v", i, key, want, ran.keys)
		}
	}
}

func TestInteractiveOvertakes(t *testing.T) {
	var ran runCounts
	began, goOn := make(chan string), make(chan struct{})
	r := newTestQueue(t, openStore(t), 1, func(_ context.Context, w plimsoll.Work) error {
		ran.add(w)
		began <- w.Key
		<-goOn
		return nil
	})
	r.start()
	bulk := r.task("p", plimsoll.PriorityBulk, numberedKeys(5)...)
	<-began
	now := r.task("q", plimsoll.PriorityInteractive, "now")
	goOn <- struct{}{}
	if key := <-began; key != "now" {
		t.Fatalf("%s began next, want the interactive unit", key)
	}
	goOn <- struct{}{}
	r.wantFinished(now, 1, 0)
	for range 4 {
		<-began
		goOn <- struct{}{}
	}
	r.wantFinished(bulk, 5, 0)
}

func TestJoinedUnitEndsBothTasks(t *testing.T) {
	var ran runCounts
	began, goOn := make(chan struct{}), make(chan struct{})
	r := newTestQueue(t, openStore(t), 1, func(_ context.Context, w plimsoll.Work) error {
		ran.add(w)
		close(began)
		<-goOn
		return nil
	})
	r.start()
	first := r.task("p", plimsoll.PriorityBulk, "a")
	<-began
	second := r.task("p", plimsoll.PriorityBulk, "a")
	close(goOn)
	r.wantFinished(first, 1, 0)
	r.wantFinished(second, 1, 0)
	ran.wantOnce(t, []string{"a"})
}
