package backlog

import (
	"context"
	"database/sql"
	"strings"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// unitsPerStatement bounds the placeholders of one bulk statement.
const unitsPerStatement = 200

// Enqueue adds units of work to a task in the transaction that made them necessary.
//
// A task without an id is created: running, or finished if there is no work. A unit
// whose (tenant, kind, key) is open already is joined, not repeated, and takes the
// higher of both priorities. A unit without a tenant has its task's. task.ID, State,
// Total and the times are set to what is stored. Adding to a task that is not running
// is a Conflict.
func Enqueue(ctx context.Context, tx *sqldb.Tx, task *plimsoll.Task, work []plimsoll.Work) error {
	if task.ID == 0 {
		if err := insertTask(ctx, tx, task); err != nil {
			return err
		}
	}
	ids, err := InsertUnits(ctx, tx, task, work)
	if err != nil {
		return err
	}
	linked, err := linkUnits(ctx, tx, task.ID, ids)
	if err != nil {
		return err
	}
	return addToTask(ctx, tx, task, linked)
}

// execBatches runs head + rows of marks + tail over args, width of them a row, in statements
// of unitsPerStatement rows; full statements are prepared once.
func execBatches(ctx context.Context, tx *sqldb.Tx, head, marks, tail string, width int, args []any,
	run func(*sql.Stmt, []any) error,
) error {
	prepare := func(rows int) (*sql.Stmt, error) {
		values := strings.Repeat(marks+", ", rows-1) + marks
		return tx.Prepare(ctx, head+values+tail)
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
