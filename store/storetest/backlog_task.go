package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"plimsoll"
)

func testStop(t *testing.T, b *backlog) {
	task := b.task("p", scans(plimsoll.PriorityInteractive, "a", "b", "shared"))
	held := map[int64]int64{}
	running := b.wantClaim(2, "p/a", "p/b")
	for _, w := range running {
		held[w.ID] = w.Generation
	}
	other := b.task("p", scans(plimsoll.PriorityBulk, "shared"))
	b.wantCode(plimsoll.NotFound, b.StopTask(t.Context(), "q", task.ID))
	b.check(b.StopTask(t.Context(), "p", task.ID))
	b.check(b.StopTask(t.Context(), "p", task.ID))
	b.wantCounts(1, 0)
	lost, err := b.Heartbeat(t.Context(), held, b.now)
	if err != nil || len(lost) != 2 {
		t.Fatalf("lost %v, %v; want the stopped units", lost, err)
	}
	b.wantCode(plimsoll.Conflict, b.Finish(t.Context(), running[1].ID, running[1].Generation, "", ""))
	b.finish(b.wantClaim(9, "p/shared")[0])
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
		b.finish(b.claim(1)[0])
		b.now = b.now.Add(time.Hour)
	}
	b.task("p", scans(plimsoll.PriorityBulk, "done"))
	b.finish(b.claim(1)[0])
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

// testCounters drives the backlog at random and compares the counters of tasks with their units.
func testCounters(t *testing.T, shared *backlog) {
	project := 0
	rapid.Check(t, func(t *rapid.T) {
		project++
		b := newBacklog(t, shared.Store)
		b.sweepAway()
		names := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"})
		var tasks []plimsoll.Task
		var running []plimsoll.Work
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
			"claim": func(t *rapid.T) {
				running = append(running, b.claim(rapid.IntRange(1, 3).Draw(t, "limit"))...)
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
    COUNT(CASE WHEN w.state IN ('pending', 'running') THEN 1 END)
FROM task t LEFT JOIN task_work tw ON tw.task_id = t.id LEFT JOIN backlog w ON w.id = tw.backlog_id
GROUP BY t.id`

func (b *backlog) wantNoDrift() {
	b.t.Helper()
	rows, err := b.DB().Reader.QueryContext(context.Background(), driftSQL)
	b.check(err)
	defer rows.Close() //nolint:errcheck // rows.Err below reports it
	for rows.Next() {
		var id int64
		var state plimsoll.TaskState
		var stored, real [3]int
		var open int
		b.check(rows.Scan(&id, &state, &stored[0], &stored[1], &stored[2], &real[0], &real[1], &real[2], &open))
		if stored != real {
			b.t.Fatalf("task %d has total, done, failed %v; its units are %v", id, stored, real)
		}
		if (state == plimsoll.TaskRunning) != (open > 0) && state != plimsoll.TaskStopped {
			b.t.Fatalf("task %d is %s with %d open units", id, state, open)
		}
	}
	b.check(rows.Err())
}
