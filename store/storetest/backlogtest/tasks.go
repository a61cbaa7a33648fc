package backlogtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

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
		eps           []string
		kind          plimsoll.WorkKind
		limit, offset int
		total         int
		want          []plimsoll.Task
	}{
		{nil, "", 0, 0, 3, want},
		{nil, plimsoll.WorkSync, 2, 1, 3, want[1:]},
		{[]string{"0", "2"}, "", 10, 0, 2, []plimsoll.Task{want[0], want[2]}},
		{[]string{}, "", 10, 0, 0, []plimsoll.Task{}},
		{nil, plimsoll.WorkScan, 10, 0, 0, []plimsoll.Task{}},
		{nil, "", 10, 9, 3, []plimsoll.Task{}},
	} {
		got, err := b.Tasks(t.Context(), "p", c.eps, c.kind, c.limit, c.offset)
		b.check(err)
		if diff := cmp.Diff(plimsoll.Page[plimsoll.Task]{Total: c.total, Items: c.want}, got); diff != "" {
			t.Errorf("tasks %+v (-want +got):\n%s", c, diff)
		}
	}
	_, err := b.Tasks(t.Context(), "p", nil, "", plimsoll.MaxLimit+1, 0)
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
	page, err := b.Tasks(t.Context(), "p", nil, "", 0, 0)
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
