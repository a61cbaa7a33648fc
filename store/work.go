package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"plimsoll"
)

// maxInterruptions is how often a unit may lose its worker before it is given up:
// whatever kills its process would do so for ever.
const maxInterruptions = 3

// lost says that a unit is no longer the caller's. Its code is Conflict.
func lost(id, generation int64) error {
	return plimsoll.Errorf(plimsoll.Conflict, "unit %d, generation %d, is not this worker's any more", id, generation)
}

const beginSQL = `
UPDATE backlog SET state = 'running', attempts = attempts + 1, lease_until = ?
WHERE id = ? AND generation = ? AND state = 'queued'
RETURNING ` + workColumns + `, (SELECT COALESCE(MIN(t.id), 0) FROM task_work tw JOIN task t ON t.id = tw.task_id
    WHERE tw.backlog_id = backlog.id AND t.state = 'running')`

// Begin takes a queued unit for a worker until the lease ends. The attempt is counted
// before the work starts, so that a process that dies of it leaves a trace. TaskID is
// the oldest running task that waits for the unit, 0 if none. A unit that was stopped,
// taken back or begun before is a Conflict.
func (s *Store) Begin(ctx context.Context, id, generation int64, lease time.Time) (plimsoll.Work, error) {
	var w plimsoll.Work
	err := s.db.write(ctx, func(tx *Tx) error {
		var notBefore, created int64
		err := tx.QueryRow(ctx, beginSQL, millis(lease), id, generation).Scan(append(workFields(&w, &notBefore, &created), &w.TaskID)...)
		if errors.Is(err, sql.ErrNoRows) {
			return lost(id, generation)
		}
		w.NotBefore, w.CreatedAt = fromMillis(notBefore), fromMillis(created)
		return err
	})
	return w, err
}

// Heartbeat extends the leases of the units that a worker holds, by id with their
// generation, and returns the ids of those it has lost.
func (s *Store) Heartbeat(ctx context.Context, held map[int64]int64, lease time.Time) (lost []int64, err error) {
	err = s.db.write(ctx, func(tx *Tx) error {
		stmt, err := tx.PrepareContext(ctx, tx.db.Dialect.Rebind(
			`UPDATE backlog SET lease_until = ? WHERE id = ? AND generation = ? AND state = 'running'`))
		if err != nil {
			return err
		}
		defer stmt.Close() //nolint:errcheck // the transaction ends it in any case
		for id, generation := range held {
			res, err := stmt.ExecContext(ctx, millis(lease), id, generation)
			if err != nil {
				return err
			}
			if n, err := res.RowsAffected(); err != nil {
				return err
			} else if n == 0 {
				lost = append(lost, id)
			}
		}
		return nil
	})
	return lost, err
}

// Finish ends a running unit: done without a failure code, failed with one. Detail is
// for people. The unit is counted on all its tasks, and a task whose last unit this
// was is finished. An image whose scan failed without its worker being able to tell it
// is told here. A unit that was stopped or taken back is a Conflict.
func (s *Store) Finish(ctx context.Context, id, generation int64, failure plimsoll.FailureCode, detail string) error {
	return s.db.write(ctx, func(tx *Tx) error {
		state := plimsoll.WorkDone
		if failure != "" {
			state = plimsoll.WorkFailed
		}
		rows, err := tx.Query(ctx, `UPDATE backlog SET state = ?, failure = ?, failure_detail = ?, lease_until = 0, finished_at = ?
WHERE id = ? AND generation = ? AND state = 'running' RETURNING `+workColumns, state, failure, detail, tx.Now(), id, generation)
		ended, err := collect(rows, err, scanWork)
		if err != nil {
			return err
		}
		if len(ended) == 0 {
			return lost(id, generation)
		}
		if err := countEnded(ctx, tx, id, state); err != nil || failure == "" {
			return err
		}
		return tellImage(ctx, tx, ended[0], false)
	})
}

// tellImage makes the image of a failed scan show it. One that shows a failure already
// keeps it unless anew is set: its worker knew better.
func tellImage(ctx context.Context, tx *Tx, w plimsoll.Work, anew bool) error {
	if w.Kind != plimsoll.WorkScan {
		return nil
	}
	tenant, digest := w.Tenant, plimsoll.Digest(w.Key)
	a, err := findArtifact(ctx, tx, tenant, digest)
	if plimsoll.ErrorCode(err) == plimsoll.NotFound {
		return nil // its last tag went away
	}
	if err != nil {
		return err
	}
	have, err := readOutcome(ctx, tx, a.id)
	if err != nil || (have.failure != "" && !anew) {
		return err
	}
	return failArtifact(ctx, tx, tenant, digest, w.Failure, w.Detail)
}

// Retry puts a running unit back; it is not handed out again before notBefore.
func (s *Store) Retry(ctx context.Context, id, generation int64, notBefore time.Time) error {
	return s.putBack(ctx, `UPDATE backlog SET state = 'pending', lease_until = 0, not_before = ?
WHERE id = ? AND generation = ? AND state = 'running'`, notBefore, id, generation)
}

// Died puts a running unit back whose analysis died: the death is counted, and the unit is
// not handed out again before notBefore. Giving up is the caller's to do, with Finish.
func (s *Store) Died(ctx context.Context, id, generation int64, notBefore time.Time) error {
	return s.putBack(ctx, `UPDATE backlog SET state = 'pending', lease_until = 0, not_before = ?, deaths = deaths + 1
WHERE id = ? AND generation = ? AND state = 'running'`, notBefore, id, generation)
}

// Release puts a running unit back that its worker was told to leave: the attempt does not count.
func (s *Store) Release(ctx context.Context, id, generation int64) error {
	return s.putBack(ctx, `UPDATE backlog SET state = 'pending', lease_until = 0, not_before = ?, attempts = attempts - 1
WHERE id = ? AND generation = ? AND state = 'running'`, time.Time{}, id, generation)
}

func (s *Store) putBack(ctx context.Context, query string, notBefore time.Time, id, generation int64) error {
	return s.db.write(ctx, func(tx *Tx) error {
		res, err := tx.Exec(ctx, query, millis(notBefore), id, generation)
		return oneOrLost(res, err, id, generation)
	})
}

func oneOrLost(res sql.Result, err error, id, generation int64) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return lost(id, generation)
	}
	return err
}

// Reclaim takes back running units whose lease ended before now, and returns how many.
func (s *Store) Reclaim(ctx context.Context, now time.Time) (int, error) {
	return s.takeBack(ctx, `state = 'running' AND lease_until < ?`, millis(now))
}

// Sweep takes back every unit that is queued or running, and returns how many. Only a
// process that is alone with the database may call it, before it hands out any.
func (s *Store) Sweep(ctx context.Context) (int, error) {
	return s.takeBack(ctx, `state IN ('queued', 'running')`)
}

// takeBack makes units pending, or gives them up if they have lost too many workers.
func (s *Store) takeBack(ctx context.Context, where string, args ...any) (int, error) {
	var n int
	err := s.db.write(ctx, func(tx *Tx) error {
		ended, err := giveUp(ctx, tx, where, args...)
		if err != nil {
			return err
		}
		res, err := tx.Exec(ctx, `UPDATE backlog
SET interruptions = interruptions + CASE WHEN state = 'running' THEN 1 ELSE 0 END, state = 'pending', lease_until = 0
WHERE `+where, args...)
		if err != nil {
			return err
		}
		back, err := res.RowsAffected()
		n = ended + int(back)
		return err
	})
	return n, err
}

// interrupted is what people read about a unit that was given up, and about its image.
const interrupted = "the process ended during every attempt"

// giveUp ends the units that have lost their last worker, and returns how many. No
// worker lived to tell the images of a scan, so they are told here.
func giveUp(ctx context.Context, tx *Tx, where string, args ...any) (int, error) {
	rows, err := tx.Query(ctx, `UPDATE backlog
SET state = 'failed', failure = ?, failure_detail = ?, interruptions = interruptions + 1, lease_until = 0, finished_at = ?
WHERE state = 'running' AND interruptions >= ? AND `+where+` RETURNING `+workColumns,
		append([]any{plimsoll.FailureInterrupted, interrupted, tx.Now(), maxInterruptions - 1}, args...)...)
	ended, err := collect(rows, err, scanWork)
	if err != nil {
		return 0, err
	}
	for _, w := range ended {
		if err := countEnded(ctx, tx, w.ID, plimsoll.WorkFailed); err != nil {
			return 0, err
		}
		if err := tellImage(ctx, tx, w, true); err != nil {
			return 0, err
		}
	}
	return len(ended), nil
}

const countEndedSQL = `
UPDATE task SET done = done + ?, failed = failed + ?,
    state       = CASE WHEN state = 'running' AND done + failed + 1 >= total THEN 'finished' ELSE state END,
    finished_at = CASE WHEN state = 'running' AND done + failed + 1 >= total THEN ? ELSE finished_at END
WHERE id IN (SELECT task_id FROM task_work WHERE backlog_id = ?)`

// countEnded counts a unit that just ended on every task it belongs to.
func countEnded(ctx context.Context, tx *Tx, id int64, state plimsoll.WorkState) error {
	done := toInt(state == plimsoll.WorkDone)
	_, err := tx.Exec(ctx, countEndedSQL, done, 1-done, tx.Now(), id)
	return err
}

const pendingCountsSQL = `
SELECT 'pending', COUNT(*) FROM backlog WHERE state = 'pending'
UNION ALL SELECT 'queued', COUNT(*) FROM backlog WHERE state = 'queued'
UNION ALL SELECT 'running', COUNT(*) FROM backlog WHERE state = 'running'`

// PendingCounts returns how many open units of all projects are in each state.
func (s *Store) PendingCounts(ctx context.Context) (map[plimsoll.WorkState]int, error) {
	counts := map[plimsoll.WorkState]int{}
	err := s.db.read(ctx, func(tx *Tx) error {
		rows, err := tx.Query(ctx, pendingCountsSQL)
		_, err = collect(rows, err, func(rows *sql.Rows) (struct{}, error) {
			var state plimsoll.WorkState
			var n int
			err := rows.Scan(&state, &n)
			counts[state] = n
			return struct{}{}, err
		})
		return err
	})
	return counts, err
}
