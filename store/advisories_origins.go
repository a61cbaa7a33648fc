package store

import (
	"context"
	"database/sql"

	"plimsoll"
)

// A record that says nothing about any package is withdrawn.
const selectOrigins = `
SELECT r.advisory,
    MAX(CASE WHEN r.to_revision IS NULL AND r.from_revision <= ? AND EXISTS (SELECT 1 FROM statement s WHERE s.record_id = r.id) THEN 1 ELSE 0 END),
    MAX(CASE WHEN r.from_revision <= ? THEN 1 ELSE 0 END)
FROM record r WHERE r.advisory IN (%s) GROUP BY r.advisory`

// Origins tells which of the advisory ids stand at the newest revision, and which stood at
// an earlier one as far as that is still known: records that ended before the newest
// revision are deleted. An unknown id is missing from the result.
func (a *Advisories) Origins(ctx context.Context, ids []string, since plimsoll.Revision) (map[string]plimsoll.AdvisoryOrigin, error) {
	out := make(map[string]plimsoll.AdvisoryOrigin, len(ids))
	err := a.db.read(ctx, func(tx *Tx) error {
		at, err := newestRevision(ctx, tx)
		if err != nil {
			return err
		}
		return inNameChunks(ids, func(query string, args []any) error {
			rows, err := tx.Query(ctx, query, append([]any{at, since}, args...)...)
			return each(rows, err, func(rows *sql.Rows) error {
				var id string
				var o plimsoll.AdvisoryOrigin
				err := rows.Scan(&id, &o.Stands, &o.Before)
				out[id] = o
				return err
			})
		}, selectOrigins)
	})
	return out, err
}
