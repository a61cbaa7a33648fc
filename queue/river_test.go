package queue

import (
	"context"
	"testing"

	"plimsoll"
)

func TestRiverKeepsNothing(t *testing.T) {
	r := newTestQueue(t, openStore(t), 4, func(context.Context, plimsoll.Work) error { return nil })
	stop := r.start()
	r.wantFinished(r.task("p", plimsoll.PriorityBulk, numberedKeys(50)...), 50, 0)
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
