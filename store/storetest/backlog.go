package storetest

import (
	"context"
	"database/sql"
	"errors"
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
		"dispatch is fair":               testDispatchFair,
		"interactive overtakes":          testDispatchInteractive,
		"dispatch waits":                 testDispatchWaits,
		"dispatch undone with its hand":  testDispatchUndone,
		"one worker a generation":        testBeginOnce,
		"a unit that is taken back":      testReclaim,
		"a process that dies every time": testInterrupted,
		"sweep":                          testSweep,
		"retry and release":              testRetryRelease,
		"stop spares shared units":       testStop,
		"tasks of a project":             testTasks,
		"prune":                          testPrune,
		"counters never drift":           testCounters,
	} {
		t.Run(name, func(t *testing.T) { test(t, newBacklog(t, open(t))) })
	}
}

// backlog is a store with a clock that stands still.
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
		b.t.Fatalf("Dispatch says %d, handed %d", n, len(got))
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

func testEnqueueJoins(t *testing.T, b *backlog) {
	first := b.task("p", scans(plimsoll.PriorityBulk, "a", "b", "b"))
	second := b.task("p", scans(plimsoll.PriorityInteractive, "b", "c"))
	other := b.task("q", scans(plimsoll.PriorityBulk, "b"))
	if first.Total != 2 || second.Total != 2 || other.Total != 1 {
		t.Fatalf("totals %d, %d, %d; want 2, 2, 1", first.Total, second.Total, other.Total)
	}
	b.wantCounts(4, 0, 0)
	work := b.wantDispatch(10, "p/b", "p/c", "p/a", "q/b")
	if work[0].Priority != plimsoll.PriorityInteractive || work[0].RegistryID != 7 || work[0].Repository != "team/app" {
		t.Fatalf("joined unit is %+v", work[0])
	}
	if got := b.begin(work[0]).TaskID; got != first.ID {
		t.Fatalf("unit names task %d, want the oldest, %d", got, first.ID)
	}
	third := b.task("p", scans(plimsoll.PriorityBulk, "b"))
	b.check(b.Finish(t.Context(), work[0].ID, work[0].Generation, "", ""))
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
	b.wantCounts(2, 0, 0)
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

func testDispatchFair(_ *testing.T, b *backlog) {
	b.task("a", scans(plimsoll.PriorityBulk, numbered("a", 1000)...))
	b.task("b", scans(plimsoll.PriorityBulk, "b0", "b1"))
	b.task("c", scans(plimsoll.PriorityBulk, "c0", "c1", "c2"))
	b.wantDispatch(4, "a/a00000", "b/b0", "c/c0", "a/a00001")
	for _, want := range []string{"b/b1", "c/c1", "a/a00002", "c/c2", "a/a00003", "a/a00004"} {
		b.wantDispatch(1, want)
	}
}

func testDispatchInteractive(_ *testing.T, b *backlog) {
	b.task("a", scans(plimsoll.PriorityBulk, "a0", "a1", "a2"))
	b.task("b", scans(plimsoll.PriorityBulk, "b0", "b1"))
	b.wantDispatch(1, "a/a0")
	b.task("b", scans(plimsoll.PriorityInteractive, "now1", "now2"))
	b.task("c", scans(plimsoll.PriorityInteractive, "now3"))
	b.wantDispatch(4, "b/now1", "c/now3", "b/now2", "b/b0")
	b.task("a", scans(plimsoll.PriorityInteractive, "a2"))
	b.wantDispatch(9, "a/a2", "a/a1", "b/b1")
}

func testDispatchWaits(_ *testing.T, b *backlog) {
	work := scans(plimsoll.PriorityBulk, "late", "soon")
	work[0].NotBefore = b.now.Add(time.Minute)
	b.task("p", work)
	b.wantDispatch(5, "p/soon")
	b.wantDispatch(0)
	b.now = b.now.Add(time.Minute)
	b.wantDispatch(5, "p/late")
}

func testDispatchUndone(t *testing.T, b *backlog) {
	b.task("p", scans(plimsoll.PriorityBulk, "a"))
	refused := errors.New("refused")
	_, err := b.Dispatch(t.Context(), 1, func(*sql.Tx, []plimsoll.Work) error { return refused })
	if !errors.Is(err, refused) {
		t.Fatalf("error is %v", err)
	}
	b.wantCounts(1, 0, 0)
}

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

func testStop(t *testing.T, b *backlog) {
	task := b.task("p", scans(plimsoll.PriorityInteractive, "running", "queued", "shared"))
	running := b.begin(b.wantDispatch(1, "p/running")[0])
	queued := b.wantDispatch(1, "p/queued")[0]
	other := b.task("p", scans(plimsoll.PriorityBulk, "shared"))
	b.wantCode(plimsoll.NotFound, b.StopTask(t.Context(), "q", task.ID))
	b.check(b.StopTask(t.Context(), "p", task.ID))
	b.check(b.StopTask(t.Context(), "p", task.ID))
	b.wantCounts(1, 0, 0)
	lost, err := b.Heartbeat(t.Context(), map[int64]int64{running.ID: running.Generation}, b.now)
	if err != nil || len(lost) != 1 {
		t.Fatalf("lost %v, %v; want the stopped unit", lost, err)
	}
	_, err = b.Begin(t.Context(), queued.ID, queued.Generation, b.now)
	b.wantCode(plimsoll.Conflict, err)
	b.finish(b.wantDispatch(9, "p/shared")[0])
	if got := b.stored(task); got.State != plimsoll.TaskStopped || got.Total != 3 || got.Done != 1 {
		t.Errorf("stopped task is %+v", got)
	}
	if got := b.stored(other); got.State != plimsoll.TaskFinished {
		t.Errorf("the other task is %+v", got)
	}
	b.check(b.StopTask(t.Context(), "p", other.ID))
	if got := b.stored(other); got.State != plimsoll.TaskFinished {
		t.Errorf("a finished task became %+v", got)
	}
}

func testTasks(t *testing.T, b *backlog) {
	var want []plimsoll.Task
	for i := range 3 {
		b.now = b.now.Add(time.Second)
		task := plimsoll.Task{Tenant: plimsoll.Tenant{ProjectID: "p", EnterpriseProject: fmt.Sprint(i)}, Kind: plimsoll.WorkSync, By: "ann"}
		b.check(b.CreateTask(t.Context(), &task, nil))
		want = append([]plimsoll.Task{task}, want...)
	}
	b.task("q", nil)
	for _, c := range []struct {
		eps   []string
		kind  plimsoll.WorkKind
		limit int
		total int
		want  []plimsoll.Task
	}{
		{nil, "", 0, 3, want},
		{nil, plimsoll.WorkSync, 2, 3, want},
		{nil, "", 1, 3, want},
		{[]string{"0", "2"}, "", 10, 2, []plimsoll.Task{want[0], want[2]}},
		{[]string{"0", "2"}, "", 1, 2, []plimsoll.Task{want[0], want[2]}},
		{[]string{}, "", 10, 0, []plimsoll.Task{}},
		{nil, plimsoll.WorkScan, 10, 0, []plimsoll.Task{}},
	} {
		got, after := []plimsoll.Task{}, ""
		for {
			page, err := b.Tasks(t.Context(), "p", c.eps, c.kind, c.limit, after)
			b.check(err)
			if page.Total != c.total || c.limit > 0 && len(page.Items) > c.limit || page.Next != "" && len(page.Items) == 0 {
				t.Fatalf("tasks %+v: page %+v", c, page)
			}
			got = append(got, page.Items...)
			if after = page.Next; after == "" {
				break
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("tasks %+v (-want +got):\n%s", c, diff)
		}
	}
	for _, bad := range []string{"x", "MQ", "LTEuLTE="} {
		_, err := b.Tasks(t.Context(), "p", nil, "", 1, bad)
		b.wantCode(plimsoll.Invalid, err)
	}
	_, err := b.Tasks(t.Context(), "p", nil, "", plimsoll.MaxLimit+1, "")
	b.wantCode(plimsoll.Invalid, err)
	_, err = b.Task(t.Context(), "q", want[0].ID)
	b.wantCode(plimsoll.NotFound, err)
}

func testPrune(t *testing.T, b *backlog) {
	sync := []plimsoll.Work{{Kind: plimsoll.WorkSync, Key: "7", RegistryID: 7}}
	for range 2 {
		b.task("p", sync)
		b.finish(b.dispatch(1)[0])
		b.now = b.now.Add(time.Hour)
	}
	b.task("p", scans(plimsoll.PriorityBulk, "done"))
	b.finish(b.dispatch(1)[0])
	b.task("p", scans(plimsoll.PriorityBulk, "open"))
	b.now = b.now.Add(time.Hour)
	if n, err := b.PruneTasks(t.Context(), b.now); err != nil || n != 3 {
		t.Fatalf("pruned %d tasks, %v; want 3", n, err)
	}
	page, err := b.Tasks(t.Context(), "p", nil, "", 0, "")
	if err != nil || page.Total != 1 {
		t.Fatalf("%d tasks left, %v; want the open one", page.Total, err)
	}
	var units string
	b.check(b.DB().Reader.QueryRowContext(t.Context(),
		`SELECT GROUP_CONCAT(id || ' ' || kind || ' ' || state) FROM backlog`).Scan(&units))
	if want := "2 sync done,4 scan pending"; units != want {
		t.Fatalf("units left: %s; want the open one and the newest sync: %s", units, want)
	}
}

// testCounters drives the backlog at random and compares what tasks say with what
// their units are.
func testCounters(t *testing.T, shared *backlog) {
	project := 0
	rapid.Check(t, func(t *rapid.T) {
		project++
		b := newBacklog(t, shared.Store)
		b.sweepAway()
		names := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"})
		var tasks []plimsoll.Task
		var queued, running []plimsoll.Work
		take := func(from *[]plimsoll.Work) plimsoll.Work {
			i := rapid.IntRange(0, len(*from)-1).Draw(t, "unit")
			w := (*from)[i]
			*from = append((*from)[:i:i], (*from)[i+1:]...)
			return w
		}
		t.Repeat(map[string]func(*rapid.T){
			"create": func(t *rapid.T) {
				keys := rapid.SliceOfN(names, 0, 4).Draw(t, "keys")
				tasks = append(tasks, b.task(fmt.Sprint(project), scans(plimsoll.PriorityBulk, keys...)))
			},
			"dispatch": func(t *rapid.T) {
				queued = append(queued, b.dispatch(rapid.IntRange(1, 3).Draw(t, "room"))...)
			},
			"begin": func(t *rapid.T) {
				if len(queued) == 0 {
					t.Skip("nothing queued")
				}
				w := take(&queued)
				if _, err := b.Begin(context.Background(), w.ID, w.Generation, b.now); err == nil {
					running = append(running, w)
				}
			},
			"end": func(t *rapid.T) {
				if len(running) == 0 {
					t.Skip("nothing running")
				}
				w := take(&running)
				failure := rapid.SampledFrom([]plimsoll.FailureCode{"", plimsoll.FailureDownload}).Draw(t, "failure")
				if err := b.Finish(context.Background(), w.ID, w.Generation, failure, ""); err != nil {
					b.wantCode(plimsoll.Conflict, err)
				}
			},
			"stop": func(t *rapid.T) {
				if len(tasks) == 0 {
					t.Skip("no task")
				}
				task := rapid.SampledFrom(tasks).Draw(t, "task")
				b.check(b.StopTask(context.Background(), task.ProjectID, task.ID))
			},
			"sweep": func(*rapid.T) {
				_, err := b.Sweep(context.Background())
				b.check(err)
			},
			"": func(*rapid.T) { b.wantNoDrift() },
		})
	})
}

// sweepAway leaves no open unit of an earlier run.
func (b *backlog) sweepAway() {
	for _, table := range []string{"task_work", "backlog", "task"} {
		_, err := b.DB().Writer.ExecContext(context.Background(), `DELETE FROM `+table)
		b.check(err)
	}
}

const driftSQL = `
SELECT t.id, t.state, t.total, t.done, t.failed, COUNT(w.id),
    COUNT(CASE WHEN w.state = 'done' THEN 1 END), COUNT(CASE WHEN w.state = 'failed' THEN 1 END),
    COUNT(CASE WHEN w.state IN ('pending', 'queued', 'running') THEN 1 END)
FROM task t LEFT JOIN task_work tw ON tw.task_id = t.id LEFT JOIN backlog w ON w.id = tw.backlog_id
GROUP BY t.id`

func (b *backlog) wantNoDrift() {
	b.t.Helper()
	rows, err := b.DB().Reader.QueryContext(context.Background(), driftSQL)
	b.check(err)
	defer rows.Close() //nolint:errcheck // rows.Err below tells
	for rows.Next() {
		var id int64
		var state plimsoll.TaskState
		var told, real [3]int
		var open int
		b.check(rows.Scan(&id, &state, &told[0], &told[1], &told[2], &real[0], &real[1], &real[2], &open))
		if told != real {
			b.t.Fatalf("task %d tells total, done, failed %v; its units are %v", id, told, real)
		}
		if (state == plimsoll.TaskRunning) != (open > 0) && state != plimsoll.TaskStopped {
			b.t.Fatalf("task %d is %s with %d open units", id, state, open)
		}
	}
	b.check(rows.Err())
}
