package advisories

import (
	"context"
	"database/sql"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// A record without a statement about any package is withdrawn.
const selectOriginsSQL = `
SELECT r.advisory,
    MAX(CASE WHEN r.to_revision IS NULL AND r.from_revision <= ? AND EXISTS (SELECT 1 FROM statement s WHERE s.record_id = r.id) THEN 1 ELSE 0 END),
    MAX(CASE WHEN r.from_revision <= ? THEN 1 ELSE 0 END)
FROM record r WHERE r.advisory IN (:keys) GROUP BY r.advisory`

// Origins returns which of the advisory ids are in force at the newest revision, and which were
// at an earlier one. The latter is incomplete: records that ended before the newest revision
// are deleted. An unknown id is missing from the result.
func (a *Store) Origins(ctx context.Context, ids []string, since plimsoll.Revision) (map[string]plimsoll.AdvisoryOrigin, error) {
	out := make(map[string]plimsoll.AdvisoryOrigin, len(ids))
	err := a.db.Read(ctx, func(tx *sqldb.Tx) error {
		at, err := newestRevision(ctx, tx)
		if err != nil {
			return err
		}
		return sqldb.QueryChunks(ctx, tx, selectOriginsSQL, []any{at, since}, ids, func(rows *sql.Rows) error {
			var id string
			var o plimsoll.AdvisoryOrigin
			err := rows.Scan(&id, &o.InForce, &o.InForceBefore)
			out[id] = o
			return err
		})
	})
	return out, err
}
