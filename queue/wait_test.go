package queue

import (
	"context"
	"errors"
	"testing"

	"plimsoll"
)

func TestWaitTaskReportsProgress(t *testing.T) {
	goOn := make(chan struct{})
	r := newTestQueue(t, openStore(t), 1, func(context.Context, plimsoll.Work) error {
		<-goOn
		return nil
	})
	r.start()
	task := r.task("p", plimsoll.PriorityBulk, "a", "b")
	var reported []int
	got, err := r.WaitTask(t.Context(), "p", task.ID, func(task plimsoll.Task) {
		reported = append(reported, task.Done)
		if task.State == plimsoll.TaskRunning {
			goOn <- struct{}{}
		}
	})
	if err != nil || got.State != plimsoll.TaskFinished {
		t.Fatalf("task is %+v, %v", got, err)
	}
	if len(reported) != 3 || reported[0] != 0 || reported[2] != 2 {
		t.Fatalf("progress was %v, want 0, 1, 2", reported)
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
