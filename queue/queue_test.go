package queue

import (
	"context"
	"database/sql"
	"errors"
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

// rig is a queue over a real store whose clock stands still.
type rig struct {
	*Queue
	t     testing.TB
	store *store.Store

	mu  sync.Mutex
	now time.Time
}

// newRig makes a queue that only looks when it is woken.
func newRig(t testing.TB, s *store.Store, concurrency int, scan Handler) *rig {
	r := &rig{t: t, store: s, now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	s.DB().Now = r.clock
	r.Queue = New(Options{
		Store: s, Writer: s.DB().Writer, Concurrency: concurrency, Grace: time.Hour, Now: r.clock,
		Handlers: map[plimsoll.WorkKind]Handler{plimsoll.WorkScan: scan},
	})
	r.timing.poll, r.timing.heartbeat = time.Hour, time.Hour
	return r
}

func (r *rig) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *rig) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

// start runs the queue and returns what stops it and waits.
func (r *rig) start() (stop func()) {
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

func (r *rig) task(project string, priority plimsoll.Priority, keys ...string) plimsoll.Task {
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

func (r *rig) wait(task plimsoll.Task) plimsoll.Task {
	r.t.Helper()
	got, err := r.WaitTask(r.t.Context(), task.ProjectID, task.ID, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return got
}

func (r *rig) wantFinished(task plimsoll.Task, done, failed int) {
	r.t.Helper()
	got := r.wait(task)
	if got.State != plimsoll.TaskFinished || got.Done != done || got.Failed != failed {
		r.t.Fatalf("task is %s with %d done and %d failed; want finished, %d, %d", got.State, got.Done, got.Failed, done, failed)
	}
}

// outcome returns how the newest unit with a key stands.
func (r *rig) outcome(key string) (state plimsoll.WorkState, failure plimsoll.FailureCode, detail string) {
	r.t.Helper()
	err := r.store.DB().Reader.QueryRow(`SELECT state, failure, failure_detail FROM backlog WHERE key = ? ORDER BY id DESC`, key).
		Scan(&state, &failure, &detail)
	if err != nil {
		r.t.Fatal(err)
	}
	return state, failure, detail
}

func numbered(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("k%05d", i)
	}
	return keys
}

// tally counts runs by key.
type tally struct {
	mu   sync.Mutex
	runs map[string]int
	keys []string
}

func (c *tally) add(w plimsoll.Work) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runs == nil {
		c.runs = map[string]int{}
	}
	c.runs[w.Key]++
	c.keys = append(c.keys, w.ProjectID+"/"+w.Key)
}

func (c *tally) wantOnce(t testing.TB, keys []string) {
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
	var ran tally
	r := newRig(t, openStore(t), 8, func(_ context.Context, w plimsoll.Work) error {
		ran.add(w)
		return nil
	})
	r.start()
	keys := numbered(1000)
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
			r := newRig(b, openStore(b), concurrency, func(context.Context, plimsoll.Work) error { return nil })
			stop := r.start()
			keys := numbered(200)
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
	var ran tally
	r := newRig(t, openStore(t), 1, func(_ context.Context, w plimsoll.Work) error {
		ran.add(w)
		return nil
	})
	var tasks []plimsoll.Task
	for _, project := range []string{"a", "b", "c"} {
		tasks = append(tasks, r.task(project, plimsoll.PriorityBulk, numbered(10)...))
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
	var ran tally
	began, goOn := make(chan string), make(chan struct{})
	r := newRig(t, openStore(t), 1, func(_ context.Context, w plimsoll.Work) error {
		ran.add(w)
		began <- w.Key
		<-goOn
		return nil
	})
	r.start()
	bulk := r.task("p", plimsoll.PriorityBulk, numbered(5)...)
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
	var ran tally
	began, goOn := make(chan struct{}), make(chan struct{})
	r := newRig(t, openStore(t), 1, func(_ context.Context, w plimsoll.Work) error {
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

func TestRetryWithBackOff(t *testing.T) {
	attempts := make(chan int)
	r := newRig(t, openStore(t), 2, func(_ context.Context, w plimsoll.Work) error {
		attempts <- w.Attempts
		return plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Throttled, "fetch a\x1b[2Jblob: asked too often"))
	})
	r.start()
	task := r.task("p", plimsoll.PriorityBulk, "a")
	for want := 1; want <= maxAttempts; want++ {
		if got := <-attempts; got != want {
			t.Fatalf("attempt %d, want %d", got, want)
		}
		if want == maxAttempts {
			break
		}
		r.settled("a", plimsoll.WorkPending)
		r.pass(firstWait<<(want-1)/2 - time.Millisecond)
		n, err := r.store.Dispatch(t.Context(), 1, func(*sql.Tx, []plimsoll.Work) error { return nil })
		if err != nil || n != 0 {
			t.Fatalf("handed out %d units before their time, %v", n, err)
		}
		r.pass(firstWait << (want - 1))
		r.Wake()
	}
	r.wantFinished(task, 0, 1)
	state, failure, text := r.outcome("a")
	if state != plimsoll.WorkFailed || failure != plimsoll.FailureDownload || text != "fetch a [2Jblob: asked too often" {
		t.Fatalf("unit is %s, %s, %q", state, failure, text)
	}
}

// settled waits until the unit is in a state.
func (r *rig) settled(key string, want plimsoll.WorkState) {
	r.t.Helper()
	for {
		heard := r.changed.wait()
		if state, _, _ := r.outcome(key); state == want {
			return
		}
		select {
		case <-heard:
		case <-r.t.Context().Done():
			r.t.Fatal("the test ended first")
		}
	}
}

func TestBackOffGrows(t *testing.T) {
	for attempt := 1; attempt < maxAttempts; attempt++ {
		base := firstWait << (attempt - 1)
		for range 100 {
			if d := backOff(attempt); d < base/2 || d >= base*3/2 {
				t.Fatalf("wait %v after attempt %d, want about %v", d, attempt, base)
			}
		}
	}
}

func TestWhatIsTriedAgain(t *testing.T) {
	for _, x := range []struct {
		err  error
		want bool
	}{
		{plimsoll.Errorf(plimsoll.Unavailable, "away"), true},
		{plimsoll.Fail(plimsoll.FailureEngine, errors.New("malware: a.sh: nobody answers")), true},
		{plimsoll.Fail(plimsoll.FailureDatabase, errors.New("locked")), true},
		{plimsoll.Fail(plimsoll.FailureMalware, errors.New("a parser fell over")), false},
		{plimsoll.Errorf(plimsoll.Invalid, "nonsense"), false},
	} {
		if got := isTemporary(x.err); got != x.want {
			t.Errorf("%v: %v", x.err, got)
		}
	}
}

func TestFinalFailures(t *testing.T) {
	r := newRig(t, openStore(t), 2, func(_ context.Context, w plimsoll.Work) error {
		switch w.Key {
		case "panic":
			panic("out of cheese")
		case "layer":
			return plimsoll.Fail(plimsoll.FailureLayer, errors.New("not an archive"))
		}
		return nil
	})
	r.start()
	r.wantFinished(r.task("p", plimsoll.PriorityBulk, "panic", "layer", "fine"), 1, 2)
	for key, want := range map[string]plimsoll.FailureCode{
		"panic": plimsoll.FailureUnknown, "layer": plimsoll.FailureLayer, "fine": "",
	} {
		if _, failure, _ := r.outcome(key); failure != want {
			t.Errorf("%s failed with %q, want %q", key, failure, want)
		}
	}
	task := plimsoll.Task{Tenant: plimsoll.Tenant{ProjectID: "p", EnterpriseProject: "0"}, Kind: plimsoll.WorkSync, By: "ann"}
	if err := r.store.CreateTask(t.Context(), &task, []plimsoll.Work{{Kind: plimsoll.WorkSync, Key: "1"}}); err != nil {
		t.Fatal(err)
	}
	r.Wake()
	r.wantFinished(task, 0, 1)
}

func TestStoppedTaskCancelsItsWork(t *testing.T) {
	began, cause := make(chan struct{}), make(chan error, 1)
	r := newRig(t, openStore(t), 1, func(ctx context.Context, _ plimsoll.Work) error {
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
	r := newRig(t, openStore(t), 1, func(ctx context.Context, w plimsoll.Work) error {
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
	r.pass(time.Minute)
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
	r := newRig(t, openStore(t), 1, func(ctx context.Context, _ plimsoll.Work) error {
		close(began)
		<-goOn
		return ctx.Err()
	})
	r.start()
	task := r.task("p", plimsoll.PriorityBulk, "a")
	<-began
	for range 10 {
		r.pass(15 * time.Second)
		r.extendLeases(t.Context())
		r.reclaimExpired(t.Context())
	}
	close(goOn)
	r.wantFinished(task, 1, 0)
}

// TestKilled drops a queue in the middle, as a killed process would, and starts another.
func TestKilled(t *testing.T) {
	s := openStore(t)
	keys := numbered(20)
	var before, after tally
	began, never := make(chan struct{}), make(chan struct{})
	dead := newRig(t, s, 3, func(_ context.Context, w plimsoll.Work) error {
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

	alive := newRig(t, s, 3, func(_ context.Context, w plimsoll.Work) error {
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

func (c *cutStore) Begin(ctx context.Context, id, generation int64, lease time.Time) (plimsoll.Work, error) {
	if err := c.err(); err != nil {
		return plimsoll.Work{}, err
	}
	return c.Store.Begin(ctx, id, generation, lease)
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

func TestGracefulStop(t *testing.T) {
	s := openStore(t)
	began, goOn := make(chan struct{}), make(chan struct{})
	r := newRig(t, s, 1, func(ctx context.Context, _ plimsoll.Work) error {
		close(began)
		<-goOn
		return ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	task := r.task("p", plimsoll.PriorityBulk, "a", "b", "c")
	<-began
	cancel()
	close(goOn)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	got, err := s.Task(t.Context(), "p", task.ID)
	if err != nil || got.Done != 1 || got.State != plimsoll.TaskRunning {
		t.Fatalf("task is %+v, %v; want the unit that ran done, the others open", got, err)
	}
}

func TestStopAfterGrace(t *testing.T) {
	s := openStore(t)
	began := make(chan struct{})
	r := newRig(t, s, 1, func(ctx context.Context, _ plimsoll.Work) error {
		close(began)
		<-ctx.Done()
		return ctx.Err()
	})
	r.Grace = time.Millisecond
	stop := r.start()
	task := r.task("p", plimsoll.PriorityBulk, "a")
	<-began
	stop()
	if state, _, _ := r.outcome("a"); state != plimsoll.WorkPending {
		t.Fatalf("cancelled unit is %s, want pending", state)
	}
	attempts := make(chan int, 1)
	next := newRig(t, s, 1, func(_ context.Context, w plimsoll.Work) error {
		attempts <- w.Attempts
		return nil
	})
	next.start()
	next.wantFinished(task, 1, 0)
	if got := <-attempts; got != 1 {
		t.Fatalf("attempt %d: the cancelled one must not count", got)
	}
}

func TestRunAfterTheEnd(t *testing.T) {
	r := newRig(t, openStore(t), 1, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestWaitTaskTellsProgress(t *testing.T) {
	goOn := make(chan struct{})
	r := newRig(t, openStore(t), 1, func(context.Context, plimsoll.Work) error {
		<-goOn
		return nil
	})
	r.start()
	task := r.task("p", plimsoll.PriorityBulk, "a", "b")
	var told []int
	got, err := r.WaitTask(t.Context(), "p", task.ID, func(task plimsoll.Task) {
		told = append(told, task.Done)
		if task.State == plimsoll.TaskRunning {
			goOn <- struct{}{}
		}
	})
	if err != nil || got.State != plimsoll.TaskFinished {
		t.Fatalf("task is %+v, %v", got, err)
	}
	if len(told) != 3 || told[0] != 0 || told[2] != 2 {
		t.Fatalf("progress told %v, want 0, 1, 2", told)
	}
	if _, err := r.WaitTask(t.Context(), "q", task.ID, nil); plimsoll.ErrorCode(err) != plimsoll.NotFound {
		t.Fatalf("another project's task: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	open := r.task("p", plimsoll.PriorityBulk, "c")
	if _, err := r.WaitTask(ctx, "p", open.ID, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled wait: %v", err)
	}
	close(goOn)
	r.wait(open)
}

// TestTwoDeathsAreTheLast has an analysis that dies, with a failure of the network between:
// only deaths count, and they survive the queue that saw them.
func TestTwoDeathsAreTheLast(t *testing.T) {
	s := openStore(t)
	dead := plimsoll.Fail(plimsoll.FailureTimeout, plimsoll.Errorf(plimsoll.Internal, "%w: for a test", plimsoll.ErrDied))
	outcomes := []error{dead, plimsoll.Errorf(plimsoll.Unavailable, "the network is away"), dead}
	var deaths []int
	tried := make(chan struct{}, len(outcomes))
	work := func(_ context.Context, w plimsoll.Work) error {
		deaths = append(deaths, w.Deaths)
		tried <- struct{}{}
		return outcomes[len(deaths)-1]
	}
	var task plimsoll.Task
	for i := range outcomes {
		r := newRig(t, s, 1, work)
		r.pass(time.Duration(i) * time.Hour)
		stop := r.start()
		if i == 0 {
			task = r.task("p", plimsoll.PriorityBulk, "a")
		}
		r.Wake()
		<-tried
		stop()
		if i == len(outcomes)-1 {
			r.wantFinished(task, 0, 1)
			if _, failure, detail := r.outcome("a"); failure != plimsoll.FailureTimeout || detail != dead.Error() {
				t.Errorf("%s %q", failure, detail)
			}
		}
	}
	if len(deaths) != 3 || deaths[0] != 0 || deaths[1] != 1 || deaths[2] != 1 {
		t.Errorf("deaths before each attempt %v, want 0, 1, 1", deaths)
	}
}

func TestRiverKeepsNothing(t *testing.T) {
	r := newRig(t, openStore(t), 4, func(context.Context, plimsoll.Work) error { return nil })
	stop := r.start()
	r.wantFinished(r.task("p", plimsoll.PriorityBulk, numbered(50)...), 50, 0)
	stop() // River records how its jobs ended in batches, the last when it stops
	if err := (&riverExecutor{writer: r.Writer}).deleteFinished(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"river_job", "river_notification"} {
		var n int
		if err := r.Writer.QueryRow(`SELECT COUNT(*) FROM ` + table).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d rows left in %s, %v", n, table, err)
		}
	}
}
