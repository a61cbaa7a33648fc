package backlogtest

import (
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"plimsoll"
)

// testCounters drives the backlog at random and compares the counters of
// tasks with their units.
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
	defer rows.Close() //nolint:errcheck // rows.Err below reports it
	for rows.Next() {
		var id int64
		var state plimsoll.TaskState
		var counted, real [3]int
		var open int
		b.check(rows.Scan(&id, &state, &counted[0], &counted[1], &counted[2], &real[0], &real[1], &real[2], &open))
		if counted != real {
			b.t.Fatalf("task %d has total, done, failed %v; its units are %v", id, counted, real)
		}
		if (state == plimsoll.TaskRunning) != (open > 0) && state != plimsoll.TaskStopped {
			b.t.Fatalf("task %d is %s with %d open units", id, state, open)
		}
	}
	b.check(rows.Err())
}
