package store

import (
	"context"
	"database/sql"
	"errors"

	"plimsoll"
)

// JudgedThrough returns the revision through which every stored set is judged by this
// version of the matcher; 0 if the last rematch that finished was of another version, or
// there was none.
func (s *Store) JudgedThrough(ctx context.Context, matcher string) (plimsoll.Revision, error) {
	var through plimsoll.Revision
	err := s.db.read(ctx, func(tx *Tx) error {
		last, err := lastRematch(ctx, tx, true)
		if last.Matcher == matcher {
			through = last.Revision
		}
		return err
	})
	return through, err
}

// SetsBehind reports whether a scan stored sets that were judged by something older than
// the last rematch, and that no rematch has judged since.
func (s *Store) SetsBehind(ctx context.Context) (behind bool, err error) {
	err = s.db.read(ctx, func(tx *Tx) error {
		return tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM set_behind)`).Scan(&behind)
	})
	return behind, err
}

const (
	sqlLastRematch = `SELECT id, matcher, revision, started_at, finished_at IS NOT NULL FROM rematch
		WHERE id > 0 ORDER BY id DESC LIMIT 1`
	sqlLastFinished = `SELECT id, matcher, revision, started_at, 1 FROM rematch
		WHERE id > 0 AND finished_at IS NOT NULL ORDER BY id DESC LIMIT 1`
)

// storedRematch is a row of rematch.
type storedRematch struct {
	plimsoll.Rematch
	finished bool
}

// lastRematch returns the newest rematch, or the newest that finished; the zero value if
// there is none.
func lastRematch(ctx context.Context, tx *Tx, finished bool) (r storedRematch, err error) {
	query := sqlLastRematch
	if finished {
		query = sqlLastFinished
	}
	var started int64
	err = tx.QueryRow(ctx, query).Scan(&r.ID, &r.Matcher, &r.Revision, &started, &r.finished)
	if errors.Is(err, sql.ErrNoRows) {
		return storedRematch{}, nil
	}
	r.StartedAt = fromMillis(started)
	return r, err
}

// BeginRematch starts a rematch, or goes on with the newest if it is of the same matcher
// and revision and has not finished. Only one may run at a time.
func (s *Store) BeginRematch(ctx context.Context, matcher string, through plimsoll.Revision) (plimsoll.Rematch, error) {
	var r plimsoll.Rematch
	err := s.db.write(ctx, func(tx *Tx) error {
		before, err := lastRematch(ctx, tx, true)
		if err != nil {
			return err
		}
		newest, err := lastRematch(ctx, tx, false)
		if err != nil {
			return err
		}
		r = newest.Rematch
		if newest.ID == 0 || newest.finished || newest.Matcher != matcher || newest.Revision != through {
			now := tx.Now()
			r = plimsoll.Rematch{Matcher: matcher, Revision: through, StartedAt: fromMillis(now)}
			err = tx.QueryRow(ctx, `INSERT INTO rematch (matcher, revision, started_at) VALUES (?, ?, ?) RETURNING id`,
				matcher, through, now).Scan(&r.ID)
		}
		r.Since, r.OtherMatcher = before.Revision, before.ID != 0 && before.Matcher != matcher
		return err
	})
	return r, err
}

// FinishRematch brings what a rematch wrote into sight, everywhere at once. It does not, and
// done is false, while scans have left sets or artifacts to look at again.
func (s *Store) FinishRematch(ctx context.Context, r plimsoll.Rematch) (done bool, err error) {
	err = s.db.write(ctx, func(tx *Tx) error {
		var open bool
		err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM set_behind) OR EXISTS (SELECT 1 FROM artifact_recount)`).Scan(&open)
		if err != nil || open {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM set_recount`); err != nil {
			return err
		}
		done = true
		_, err = tx.Exec(ctx, `UPDATE rematch SET finished_at = ? WHERE id = ? AND finished_at IS NULL`, tx.Now(), r.ID)
		return err
	})
	return done && err == nil, err
}

// A gate is the rematch whose judgement is in sight: rows of set_vulnerability that began
// later do not count yet, and rows that end later still do.
type gate int64

// inSight selects rows of set_vulnerability s that are true at a gate, bound twice.
const inSight = `s.from_revision <= ? AND (s.to_revision IS NULL OR s.to_revision > ?)`

// openGate is the gate of everything that a running rematch has not counted.
func openGate(ctx context.Context, tx *Tx) (gate, error) {
	last, err := lastRematch(ctx, tx, true)
	return gate(last.ID), err
}

// gateOf is the gate of an artifact: its count and its list are of one rematch.
func gateOf(ctx context.Context, tx *Tx, artifact int64) (gate, error) {
	open, err := openGate(ctx, tx)
	if err != nil {
		return 0, err
	}
	var own gate
	err = tx.QueryRow(ctx, `SELECT counted FROM artifact WHERE id = ?`, artifact).Scan(&own)
	return max(open, own), err
}
