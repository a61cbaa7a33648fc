package backlogtest

import (
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

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
