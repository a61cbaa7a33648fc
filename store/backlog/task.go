package backlog

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// CreateTask stores a task with its units of work, in one transaction, and sets its
// id, state and counters. A unit that is open already is joined.
func (s *Store) CreateTask(ctx context.Context, task *plimsoll.Task, work []plimsoll.Work) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error { return Enqueue(ctx, tx, task, work) })
}

const taskColumnsSQL = `id, project_id, enterprise_project_id, kind, requested_by, state, total, done, failed, created_at, finished_at`

func scanTask(rows *sql.Rows) (plimsoll.Task, error) {
	var t plimsoll.Task
	var created, finished int64
	err := rows.Scan(&t.ID, &t.ProjectID, &t.EnterpriseProject, &t.Kind, &t.By, &t.State, &t.Total, &t.Done, &t.Failed,
		&created, &finished)
	t.CreatedAt, t.FinishedAt = sqldb.FromMillis(created), sqldb.FromMillis(finished)
	return t, err
}

const selectTaskSQL = `SELECT ` + taskColumnsSQL + ` FROM task WHERE id = ? AND project_id = ?`

// Task returns one task of a project.
func (s *Store) Task(ctx context.Context, projectID string, id int64) (plimsoll.Task, error) {
	var tasks []plimsoll.Task
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		rows, err := tx.Query(ctx, selectTaskSQL, id, projectID)
		tasks, err = sqldb.Collect(rows, err, scanTask)
		return err
	})
	if err != nil {
		return plimsoll.Task{}, err
	}
	if len(tasks) == 0 {
		return plimsoll.Task{}, noTaskError(id)
	}
	return tasks[0], nil
}

func noTaskError(id int64) error { return plimsoll.Errorf(plimsoll.NotFound, "no task %d", id) }

// Tasks lists the tasks of a project, newest first. nil enterpriseProjects means every
// one, kind "" any. Limit 0 is plimsoll.MaxLimit; after is the cursor of the previous page, "" for the first page.
func (s *Store) Tasks(ctx context.Context, projectID string, enterpriseProjects []string, kind plimsoll.WorkKind,
	limit int, after string,
) (plimsoll.Page[plimsoll.Task], error) {
	page := plimsoll.Page[plimsoll.Task]{Items: []plimsoll.Task{}}
	if limit < 0 || limit > plimsoll.MaxLimit {
		return page, plimsoll.Errorf(plimsoll.Invalid, "limit %d of a task list is out of range", limit)
	}
	if limit == 0 {
		limit = plimsoll.MaxLimit
	}
	where, args := []string{`project_id = ?`}, []any{projectID}
	if enterpriseProjects != nil {
		where = append(where, `enterprise_project_id IN (`+sqldb.Marks(len(enterpriseProjects))+`)`)
		args = append(args, sqldb.Args(enterpriseProjects)...)
	}
	if kind != "" {
		where, args = append(where, `kind = ?`), append(args, kind)
	}
	counted, countedArgs := `SELECT COUNT(*) FROM task WHERE `+strings.Join(where, ` AND `), args
	if after != "" {
		p, err := sqldb.ParsePosition(after)
		if err != nil {
			return page, err
		}
		where, args = append(where, `(created_at, id) < (?, ?)`), append(args[:len(args):len(args)], p.At, p.ID)
	}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		if err := tx.QueryRow(ctx, counted, countedArgs...).Scan(&page.Total); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT `+taskColumnsSQL+` FROM task WHERE `+strings.Join(where, ` AND `)+` ORDER BY created_at DESC, id DESC LIMIT ?`,
			append(args[:len(args):len(args)], limit+1)...)
		items, err := sqldb.Collect(rows, err, scanTask)
		if err != nil || len(items) == 0 {
			return err
		}
		page.Items = items[:min(limit, len(items))]
		if last := page.Items[len(page.Items)-1]; len(items) > limit {
			page.Next = sqldb.Position{At: sqldb.Millis(last.CreatedAt), ID: last.ID}.Cursor()
		}
		return nil
	})
	return page, err
}

const selectTaskStateSQL = `SELECT state FROM task WHERE id = ? AND project_id = ?`

const stopTaskSQL = `UPDATE task SET state = 'stopped', finished_at = ? WHERE id = ? AND project_id = ?`

// StopTask ends a running task early. Its open units are stopped unless another running
// task waits for them; a worker that runs one is informed by its next heartbeat. A task
// that ended before stays as it is.
func (s *Store) StopTask(ctx context.Context, projectID string, id int64) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		var state plimsoll.TaskState
		err := tx.QueryRow(ctx, selectTaskStateSQL, id, projectID).Scan(&state)
		if errors.Is(err, sql.ErrNoRows) {
			return noTaskError(id)
		}
		if err != nil || state != plimsoll.TaskRunning {
			return err
		}
		if _, err := tx.Exec(ctx, stopTaskSQL,
			tx.Now(), id, projectID); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, stopUnitsSQL, tx.Now(), id)
		return err
	})
}

// pruneBatch bounds what one transaction of PruneTasks removes.
const pruneBatch = 500

const pruneTasksSQL = `
DELETE FROM task WHERE id IN (SELECT id FROM task WHERE state <> 'running' AND finished_at < ? ORDER BY id LIMIT ?)`

// PruneTasks removes tasks that ended before a time, and units of work without a task, in
// small transactions. It returns how many tasks it removed.
func (s *Store) PruneTasks(ctx context.Context, before time.Time) (int, error) {
	tasks, err := s.pruneBatches(ctx, pruneTasksSQL, before)
	if err != nil {
		return tasks, err
	}
	_, err = s.pruneBatches(ctx, pruneUnitsSQL, before)
	return tasks, err
}

func (s *Store) pruneBatches(ctx context.Context, query string, before time.Time) (total int, err error) {
	for {
		var n int64
		err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
			res, err := tx.Exec(ctx, query, sqldb.Millis(before), pruneBatch)
			if err != nil {
				return err
			}
			n, err = res.RowsAffected()
			return err
		})
		total += int(n)
		if err != nil || n < pruneBatch {
			return total, err
		}
	}
}
