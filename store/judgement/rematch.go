package judgement

import (
	"context"
	"database/sql"
	"errors"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// storedRematch is a row of rematch; ID is 0 if there is none.
type storedRematch struct {
	plimsoll.Rematch
	finished bool
}

const selectNewestRematchSQL = `SELECT id, matcher, revision, started_at, finished_at IS NOT NULL FROM rematch
		WHERE id > 0 ORDER BY id DESC LIMIT 1`

const selectFinishedRematchSQL = `SELECT id, matcher, revision, started_at, 1 FROM rematch
		WHERE id > 0 AND finished_at IS NOT NULL ORDER BY id DESC LIMIT 1`

// lastStarted returns the newest rematch, finished or not.
func lastStarted(ctx context.Context, tx *sqldb.Tx) (storedRematch, error) {
	return readRematch(ctx, tx, selectNewestRematchSQL)
}

// lastFinished returns the newest rematch that has finished.
func lastFinished(ctx context.Context, tx *sqldb.Tx) (storedRematch, error) {
	return readRematch(ctx, tx, selectFinishedRematchSQL)
}

func readRematch(ctx context.Context, tx *sqldb.Tx, query string) (r storedRematch, err error) {
	var started int64
	err = tx.QueryRow(ctx, query).Scan(&r.ID, &r.Matcher, &r.Revision, &started, &r.finished)
	if errors.Is(err, sql.ErrNoRows) {
		return storedRematch{}, nil
	}
	r.StartedAt = sqldb.FromMillis(started)
	return r, err
}

// RematchRuns reports whether a rematch has begun and not finished.
func RematchRuns(ctx context.Context, tx *sqldb.Tx) (bool, error) {
	last, err := lastStarted(ctx, tx)
	return last.ID != 0 && !last.finished, err
}

const selectBehindSQL = `SELECT set_id FROM set_behind WHERE set_id > 0`

// RematchState returns how current the stored judgement is, for this version of the matcher.
func (s *Store) RematchState(ctx context.Context, matcher string) (plimsoll.RematchState, error) {
	var state plimsoll.RematchState
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		finished, err := lastFinished(ctx, tx)
		if err != nil {
			return err
		}
		if finished.Matcher == matcher {
			state.Through = finished.Revision
		}
		rows, err := tx.Query(ctx, selectBehindSQL)
		state.Behind, err = sqldb.Collect(rows, err, sqldb.ScanID)
		return err
	})
	return state, err
}

const insertRematchSQL = `INSERT INTO rematch (matcher, revision, started_at) VALUES (?, ?, ?) RETURNING id`

// BeginRematch starts a rematch, or resumes the newest one if it has the same matcher and
// revision and has not finished. Only one may run at a time.
func (s *Store) BeginRematch(ctx context.Context, matcher string, through plimsoll.Revision) (plimsoll.Rematch, error) {
	var r plimsoll.Rematch
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		finished, err := lastFinished(ctx, tx)
		if err != nil {
			return err
		}
		newest, err := lastStarted(ctx, tx)
		if err != nil {
			return err
		}
		r = newest.Rematch
		if newest.ID == 0 || newest.finished || newest.Matcher != matcher || newest.Revision != through {
			now := tx.Now()
			r = plimsoll.Rematch{Matcher: matcher, Revision: through, StartedAt: sqldb.FromMillis(now)}
			err = tx.QueryRow(ctx, insertRematchSQL,
				matcher, through, now).Scan(&r.ID)
		}
		r.Since, r.OtherMatcher = finished.Revision, finished.ID != 0 && finished.Matcher != matcher
		return err
	})
	return r, err
}

const selectUnfinishedSQL = `SELECT EXISTS (SELECT 1 FROM set_behind) OR EXISTS (SELECT 1 FROM artifact_recount)`

const finishRematchSQL = `UPDATE rematch SET finished_at = ? WHERE id = ? AND finished_at IS NULL`

// FinishRematch makes what a rematch wrote visible, for all artifacts at once. If scans have left
// sets behind, or have changed artifacts that are not counted again yet, it changes nothing and
// done is false.
func (s *Store) FinishRematch(ctx context.Context, r plimsoll.Rematch) (done bool, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		var open bool
		err := tx.QueryRow(ctx, selectUnfinishedSQL).Scan(&open)
		if err != nil || open {
			return err
		}
		if err := deleteRecounts(ctx, tx); err != nil {
			return err
		}
		done = true
		_, err = tx.Exec(ctx, finishRematchSQL, tx.Now(), r.ID)
		return err
	})
	return done && err == nil, err
}

const insertBehindSQL = `INSERT INTO set_behind (set_id) VALUES (?) ON CONFLICT DO NOTHING`

// NoteBehind records a new set that was judged by older advisories, or another matcher, than
// the newest rematch. That rematch may have passed the packages of the set, whether it has finished
// or not, so the running rematch or the next one judges the set.
func NoteBehind(ctx context.Context, w *sqldb.Changes, set int64, matcher string, revision plimsoll.Revision) error {
	last, err := lastStarted(ctx, w.Tx)
	if err != nil || last.ID == 0 || (last.Matcher == matcher && revision >= last.Revision) {
		return err
	}
	_, err = w.Exec(ctx, insertBehindSQL, set)
	return err
}

const deleteBehindSQL = `DELETE FROM set_behind WHERE set_id IN (:keys)`

// DeleteBehind records that a rematch has judged sets that were behind.
func DeleteBehind(ctx context.Context, tx *sqldb.Tx, sets []int64) error {
	_, err := sqldb.ExecChunks(ctx, tx, deleteBehindSQL, nil, sets)
	return err
}

const selectChangedSetsSQL = `SELECT set_id FROM set_recount WHERE set_id > 0`

// ChangedSets returns the sets whose findings a rematch has changed since the last one finished.
// The artifacts that contain them have to be counted.
func ChangedSets(ctx context.Context, tx *sqldb.Tx) ([]int64, error) {
	rows, err := tx.Query(ctx, selectChangedSetsSQL)
	return sqldb.Collect(rows, err, sqldb.ScanID)
}
