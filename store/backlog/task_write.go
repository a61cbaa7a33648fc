package backlog

import (
	"context"
	"database/sql"
	"errors"

	"plimsoll"
	"plimsoll/store/sqldb"
)

const insertTaskSQL = `
INSERT INTO task (project_id, enterprise_project_id, kind, requested_by, state, created_at)
VALUES (?, ?, ?, ?, 'running', ?) RETURNING id`

func insertTask(ctx context.Context, tx *sqldb.Tx, task *plimsoll.Task) error {
	if task.CreatedAt.IsZero() {
		task.CreatedAt = sqldb.FromMillis(tx.Now())
	}
	return tx.QueryRow(ctx, insertTaskSQL, task.ProjectID, task.EnterpriseProject, task.Kind, task.By,
		sqldb.Millis(task.CreatedAt)).Scan(&task.ID)
}

// linkUnits ties units to a task and returns how many were not tied before.
func linkUnits(ctx context.Context, tx *sqldb.Tx, taskID int64, ids []int64) (int64, error) {
	args := make([]any, 0, 2*len(ids))
	for _, id := range ids {
		args = append(args, taskID, id)
	}
	var linked int64
	err := execBatches(ctx, tx, `INSERT INTO task_work (task_id, backlog_id) VALUES `, `(?, ?)`, ` ON CONFLICT DO NOTHING`, 2, args,
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
func addToTask(ctx context.Context, tx *sqldb.Tx, task *plimsoll.Task, linked int64) error {
	var finished int64
	err := tx.QueryRow(ctx, addToTaskSQL,
		linked, linked, linked, tx.Now(), task.ID).
		Scan(&task.State, &task.Total, &task.Done, &task.Failed, &finished)
	if errors.Is(err, sql.ErrNoRows) {
		return plimsoll.Errorf(plimsoll.Conflict, "add work to task %d: it is not running", task.ID)
	}
	task.FinishedAt = sqldb.FromMillis(finished)
	return err
}

const countEndedSQL = `
UPDATE task SET done = done + ?, failed = failed + ?,
    state       = CASE WHEN state = 'running' AND done + failed + 1 >= total THEN 'finished' ELSE state END,
    finished_at = CASE WHEN state = 'running' AND done + failed + 1 >= total THEN ? ELSE finished_at END
WHERE id IN (SELECT task_id FROM task_work WHERE backlog_id = ?)`

// countEnded counts a unit that just ended on every task it belongs to.
func countEnded(ctx context.Context, tx *sqldb.Tx, id int64, state plimsoll.WorkState) error {
	done := sqldb.BoolInt(state == plimsoll.WorkDone)
	_, err := tx.Exec(ctx, countEndedSQL, done, 1-done, tx.Now(), id)
	return err
}
