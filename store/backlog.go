package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"plimsoll"
)

// unitsPerStatement bounds the placeholders of one bulk statement.
const unitsPerStatement = 200

// enqueue adds units of work to a task in the transaction that made them necessary.
//
// A task without an id is created: running, or finished if there is no work. A unit
// whose (tenant, kind, key) is open already is joined, not repeated, and takes the
// higher of both priorities. A unit without a tenant has its task's. task.ID, State,
// Total and the times are set to what is stored. Adding to a task that is not running
// is a Conflict.
func enqueue(ctx context.Context, tx *Tx, task *plimsoll.Task, work []plimsoll.Work) error {
	if task.ID == 0 {
		if err := insertTask(ctx, tx, task); err != nil {
			return err
		}
	}
	ids, err := insertUnits(ctx, tx, task, work)
	if err != nil {
		return err
	}
	linked, err := linkUnits(ctx, tx, task.ID, ids)
	if err != nil {
		return err
	}
	return addToTask(ctx, tx, task, linked)
}

const insertTaskSQL = `
INSERT INTO task (project_id, enterprise_project_id, kind, requested_by, state, created_at)
VALUES (?, ?, ?, ?, 'running', ?) RETURNING id`

func insertTask(ctx context.Context, tx *Tx, task *plimsoll.Task) error {
	if task.CreatedAt.IsZero() {
		task.CreatedAt = fromMillis(tx.Now())
	}
	return tx.QueryRow(ctx, insertTaskSQL, task.ProjectID, task.EnterpriseProject, task.Kind, task.By,
		millis(task.CreatedAt)).Scan(&task.ID)
}

const (
	insertUnitsSQL = `
INSERT INTO backlog (project_id, enterprise_project_id, kind, key, registry_id, repository, priority, not_before, state, created_at)
VALUES `
	unitMarks    = `(?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?)`
	joinUnitsSQL = `
ON CONFLICT (project_id, enterprise_project_id, kind, key) WHERE state IN ('pending', 'queued', 'running')
DO UPDATE SET priority = CASE WHEN excluded.priority > backlog.priority THEN excluded.priority ELSE backlog.priority END
RETURNING id`
)

// insertUnits returns the ids of the units, new or joined, each once.
func insertUnits(ctx context.Context, tx *Tx, task *plimsoll.Task, work []plimsoll.Work) ([]int64, error) {
	units := distinctUnits(task, work)
	now := tx.Now()
	args := make([]any, 0, len(units)*9)
	for _, w := range units {
		args = append(args, w.ProjectID, w.EnterpriseProject, w.Kind, w.Key, w.RegistryID, w.Repository,
			w.Priority, millis(w.NotBefore), now)
	}
	ids := make([]int64, 0, len(units))
	err := bulk(ctx, tx, insertUnitsSQL, unitMarks, joinUnitsSQL, 9, args, func(stmt *sql.Stmt, args []any) error {
		rows, err := stmt.QueryContext(ctx, args...)
		got, err := collect(rows, err, scanID)
		ids = append(ids, got...)
		return err
	})
	return ids, err
}

// distinctUnits fills in tenants and drops repeats, keeping the highest priority: one
// statement may not meet the same row twice.
func distinctUnits(task *plimsoll.Task, work []plimsoll.Work) []plimsoll.Work {
	type identity struct {
		plimsoll.Tenant
		kind plimsoll.WorkKind
		key  string
	}
	at := make(map[identity]int, len(work))
	units := make([]plimsoll.Work, 0, len(work))
	for _, w := range work {
		if w.ProjectID == "" {
			w.ProjectID, w.EnterpriseProject = task.ProjectID, task.EnterpriseProject
		}
		id := identity{w.Tenant, w.Kind, w.Key}
		if i, ok := at[id]; ok {
			units[i].Priority = max(units[i].Priority, w.Priority)
			continue
		}
		at[id] = len(units)
		units = append(units, w)
	}
	return units
}

// linkUnits ties units to a task and returns how many were not tied before.
func linkUnits(ctx context.Context, tx *Tx, taskID int64, ids []int64) (int64, error) {
	args := make([]any, 0, 2*len(ids))
	for _, id := range ids {
		args = append(args, taskID, id)
	}
	var linked int64
	err := bulk(ctx, tx, `INSERT INTO task_work (task_id, backlog_id) VALUES `, `(?, ?)`, ` ON CONFLICT DO NOTHING`, 2, args,
		func(stmt *sql.Stmt, args []any) error {
			res, err := stmt.ExecContext(ctx, args...)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			linked += n
			return err
		})
	return linked, err
}

const addToTaskSQL = `
UPDATE task SET total = total + ?,
    state       = CASE WHEN total + ? > done + failed THEN 'running' ELSE 'finished' END,
    finished_at = CASE WHEN total + ? > done + failed THEN 0 ELSE ? END
WHERE id = ? AND state = 'running'
RETURNING state, total, done, failed, finished_at`

// addToTask counts newly tied units; a task left without an open unit is finished.
func addToTask(ctx context.Context, tx *Tx, task *plimsoll.Task, linked int64) error {
	var finished int64
	err := tx.QueryRow(ctx, addToTaskSQL,
		linked, linked, linked, tx.Now(), task.ID).
		Scan(&task.State, &task.Total, &task.Done, &task.Failed, &finished)
	if errors.Is(err, sql.ErrNoRows) {
		return plimsoll.Errorf(plimsoll.Conflict, "add work to task %d: it is not running", task.ID)
	}
	task.FinishedAt = fromMillis(finished)
	return err
}

// bulk runs head + rows of marks + tail over args, width of them a row, in statements
// of unitsPerStatement rows; full statements are prepared once.
func bulk(ctx context.Context, tx *Tx, head, marks, tail string, width int, args []any,
	run func(*sql.Stmt, []any) error,
) error {
	prepare := func(rows int) (*sql.Stmt, error) {
		values := strings.Repeat(marks+", ", rows-1) + marks
		return tx.PrepareContext(ctx, tx.db.Dialect.Rebind(head+values+tail))
	}
	step := unitsPerStatement * width
	var full *sql.Stmt
	for len(args) > 0 {
		n := min(step, len(args))
		stmt := full
		if stmt == nil || n < step {
			var err error
			if stmt, err = prepare(n / width); err != nil {
				return err
			}
			defer stmt.Close() //nolint:errcheck // the transaction ends it in any case
		}
		if n == step {
			full = stmt
		}
		if err := run(stmt, args[:n]); err != nil {
			return err
		}
		args = args[n:]
	}
	return nil
}

func scanID(rows *sql.Rows) (int64, error) {
	var id int64
	return id, rows.Scan(&id)
}

// anys is for arguments of an IN list.
func anys[T any](values []T) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

// toInt is the stored form of a truth value.
func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
