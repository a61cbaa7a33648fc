package backlog

import (
	"context"
	"database/sql"
	"time"

	"plimsoll"
	"plimsoll/store/sqldb"
)

const unitColumnsSQL = `id, project_id, enterprise_project_id, kind, key, registry_id, repository, priority, generation,
    state, attempts, deaths, not_before, created_at, failure, failure_detail`

// workFields are the destinations of unitColumnsSQL.
func workFields(w *plimsoll.Work, notBefore, created *int64) []any {
	return []any{&w.ID, &w.ProjectID, &w.EnterpriseProject, &w.Kind, &w.Key, &w.RegistryID, &w.Repository, &w.Priority,
		&w.Generation, &w.State, &w.Attempts, &w.Deaths, notBefore, created, &w.Failure, &w.Detail}
}

func scanWork(rows *sql.Rows) (plimsoll.Work, error) {
	var w plimsoll.Work
	var notBefore, created int64
	err := rows.Scan(workFields(&w, &notBefore, &created)...)
	w.NotBefore, w.CreatedAt = sqldb.FromMillis(notBefore), sqldb.FromMillis(created)
	return w, err
}

// unitLostError reports that a unit no longer belongs to the caller. Its code is Conflict.
func unitLostError(id, generation int64) error {
	return plimsoll.Errorf(plimsoll.Conflict, "unit %d, generation %d, no longer belongs to this worker", id, generation)
}

const extendLeaseSQL = `UPDATE backlog SET lease_until = ? WHERE id = ? AND generation = ? AND state = 'running'`

// Heartbeat extends the leases of the running units of a worker, by id with their
// generation, and returns the ids of those that it has lost.
func (s *Store) Heartbeat(ctx context.Context, held map[int64]int64, lease time.Time) (lost []int64, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		stmt, err := tx.Prepare(ctx, extendLeaseSQL)
		if err != nil {
			return err
		}
		defer stmt.Close() //nolint:errcheck // the transaction ends it in any case
		for id, generation := range held {
			res, err := stmt.ExecContext(ctx, sqldb.Millis(lease), id, generation)
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

const finishUnitSQL = `UPDATE backlog SET state = ?, failure = ?, failure_detail = ?, lease_until = 0, finished_at = ?
WHERE id = ? AND generation = ? AND state = 'running' RETURNING ` + unitColumnsSQL

// Finish ends a running unit: done without a failure code, failed with one. Detail is
// for people. The unit is counted on all its tasks, and a task whose last unit this
// was is finished. A failure of a scan is recorded on its artifact, unless its worker has
// recorded one already. A unit that was stopped or taken back is a Conflict.
func (s *Store) Finish(ctx context.Context, id, generation int64, failure plimsoll.FailureCode, detail string) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		state := plimsoll.WorkDone
		if failure != "" {
			state = plimsoll.WorkFailed
		}
		rows, err := tx.Query(ctx, finishUnitSQL, state, failure, detail, tx.Now(), id, generation)
		ended, err := sqldb.Collect(rows, err, scanWork)
		if err != nil {
			return err
		}
		if len(ended) == 0 {
			return unitLostError(id, generation)
		}
		if err := countEnded(ctx, tx, id, state); err != nil || failure == "" {
			return err
		}
		return s.failScan(ctx, tx, ended[0], false)
	})
}

const retryUnitSQL = `UPDATE backlog SET state = 'pending', lease_until = 0, not_before = ?
WHERE id = ? AND generation = ? AND state = 'running'`

// Retry puts a running unit back; it is not claimed again before notBefore.
func (s *Store) Retry(ctx context.Context, id, generation int64, notBefore time.Time) error {
	return s.putBack(ctx, retryUnitSQL, notBefore, id, generation)
}

const retryDeadUnitSQL = `UPDATE backlog SET state = 'pending', lease_until = 0, not_before = ?, deaths = deaths + 1
WHERE id = ? AND generation = ? AND state = 'running'`

// Died puts a running unit back whose analysis died: the death is counted, and the unit is
// not claimed again before notBefore. To give up, the caller uses Finish.
func (s *Store) Died(ctx context.Context, id, generation int64, notBefore time.Time) error {
	return s.putBack(ctx, retryDeadUnitSQL, notBefore, id, generation)
}

const releaseUnitSQL = `UPDATE backlog SET state = 'pending', lease_until = 0, not_before = ?, attempts = attempts - 1
WHERE id = ? AND generation = ? AND state = 'running'`

// Release puts a running unit back that its worker did not start or left at shutdown: the attempt
// does not count.
func (s *Store) Release(ctx context.Context, id, generation int64) error {
	return s.putBack(ctx, releaseUnitSQL, time.Time{}, id, generation)
}

func (s *Store) putBack(ctx context.Context, query string, notBefore time.Time, id, generation int64) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		res, err := tx.Exec(ctx, query, sqldb.Millis(notBefore), id, generation)
		return oneUnitOrLost(res, err, id, generation)
	})
}

func oneUnitOrLost(res sql.Result, err error, id, generation int64) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return unitLostError(id, generation)
	}
	return err
}

const pendingCountsSQL = `
SELECT 'pending', COUNT(*) FROM backlog WHERE state = 'pending'
UNION ALL SELECT 'running', COUNT(*) FROM backlog WHERE state = 'running'`

// PendingCounts returns how many open units of all projects are in each state.
func (s *Store) PendingCounts(ctx context.Context) (map[plimsoll.WorkState]int, error) {
	counts := map[plimsoll.WorkState]int{}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(ctx, pendingCountsSQL)
		_, err = sqldb.Collect(rows, err, func(rows *sql.Rows) (struct{}, error) {
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
