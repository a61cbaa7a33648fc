package judgement

import (
	"context"
	"database/sql"
	"errors"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// JudgedThrough returns the revision through which every stored set is judged by this
// version of the matcher; 0 if the last rematch that finished was of another version, or
// there was none.
func (s *Store) JudgedThrough(ctx context.Context, matcher string) (plimsoll.Revision, error) {
	var through plimsoll.Revision
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		last, err := LastRematch(ctx, tx, true)
		if last.Matcher == matcher {
			through = last.Revision
		}
		return err
	})
	return through, err
}

// storedRematch is a row of rematch.
type storedRematch struct {
	plimsoll.Rematch
	Finished bool
}

const selectNewestRematchSQL = `SELECT id, matcher, revision, started_at, finished_at IS NOT NULL FROM rematch
		WHERE id > 0 ORDER BY id DESC LIMIT 1`

const selectFinishedRematchSQL = `SELECT id, matcher, revision, started_at, 1 FROM rematch
		WHERE id > 0 AND finished_at IS NOT NULL ORDER BY id DESC LIMIT 1`

// LastRematch returns the newest rematch, or the newest that finished; the zero value if
// there is none.
func LastRematch(ctx context.Context, tx *sqldb.Tx, finished bool) (r storedRematch, err error) {
	query := selectNewestRematchSQL
	if finished {
		query = selectFinishedRematchSQL
	}
	var started int64
	err = tx.QueryRow(ctx, query).Scan(&r.ID, &r.Matcher, &r.Revision, &started, &r.Finished)
	if errors.Is(err, sql.ErrNoRows) {
		return storedRematch{}, nil
	}
	r.StartedAt = sqldb.FromMillis(started)
	return r, err
}

// BeginRematch starts a rematch, or continues the newest if it is of the same matcher
// and revision and has not finished. Only one may run at a time.
func (s *Store) BeginRematch(ctx context.Context, matcher string, through plimsoll.Revision) (plimsoll.Rematch, error) {
	var r plimsoll.Rematch
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		before, err := LastRematch(ctx, tx, true)
		if err != nil {
			return err
		}
		newest, err := LastRematch(ctx, tx, false)
		if err != nil {
			return err
		}
		r = newest.Rematch
		if newest.ID == 0 || newest.Finished || newest.Matcher != matcher || newest.Revision != through {
			now := tx.Now()
			r = plimsoll.Rematch{Matcher: matcher, Revision: through, StartedAt: sqldb.FromMillis(now)}
			err = tx.QueryRow(ctx, `INSERT INTO rematch (matcher, revision, started_at) VALUES (?, ?, ?) RETURNING id`,
				matcher, through, now).Scan(&r.ID)
		}
		r.Since, r.OtherMatcher = before.Revision, before.ID != 0 && before.Matcher != matcher
		return err
	})
	return r, err
}

// FinishRematch makes what a rematch wrote visible, everywhere at once. It does not, and
// done is false, while scans have left sets or artifacts to judge or count again.
func (s *Store) FinishRematch(ctx context.Context, r plimsoll.Rematch) (done bool, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		var open bool
		err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM set_behind) OR EXISTS (SELECT 1 FROM artifact_recount)`).Scan(&open)
		if err != nil || open {
			return err
		}
		if err := deleteRecounts(ctx, tx); err != nil {
			return err
		}
		done = true
		_, err = tx.Exec(ctx, `UPDATE rematch SET finished_at = ? WHERE id = ? AND finished_at IS NULL`, tx.Now(), r.ID)
		return err
	})
	return done && err == nil, err
}
