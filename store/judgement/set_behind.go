package judgement

import (
	"context"
	"slices"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// SetsBehind reports whether a scan stored sets that were judged by something older than
// the last rematch, and that no rematch has judged since.
func (s *Store) SetsBehind(ctx context.Context) (behind bool, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM set_behind)`).Scan(&behind)
	})
	return behind, err
}

// NoteBehind makes a rematch judge a new set that was judged by something older than the
// last rematch, whether that has finished or not: it may have passed the set's packages.
func NoteBehind(ctx context.Context, w *sqldb.Changes, set int64, matcher string, revision plimsoll.Revision) error {
	last, err := LastRematch(ctx, w.Tx, false)
	if err != nil || last.ID == 0 || (last.Matcher == matcher && revision >= last.Revision) {
		return err
	}
	_, err = w.Exec(ctx, `INSERT INTO set_behind (set_id) VALUES (?) ON CONFLICT DO NOTHING`, set)
	return err
}

// BehindSets returns the sets of SetsBehind, and the ids of their packages.
func (s *Store) BehindSets(ctx context.Context) (sets, packages []int64, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(ctx, `SELECT set_id FROM set_behind WHERE set_id > 0`)
		if sets, err = sqldb.Collect(rows, err, sqldb.ScanID); err != nil {
			return err
		}
		const query = `SELECT DISTINCT package_id FROM set_package WHERE set_id IN (:keys)`
		packages, err = sqldb.CollectChunks(ctx, tx, query, nil, sets, sqldb.ScanID)
		slices.Sort(packages)
		packages = slices.Compact(packages)
		return err
	})
	return sets, packages, err
}

// ForgetBehind records that a rematch has judged these sets.
func (s *Store) ForgetBehind(ctx context.Context, sets []int64) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := sqldb.ExecChunks(ctx, tx, `DELETE FROM set_behind WHERE set_id IN (:keys)`, nil, sets)
		return err
	})
}
