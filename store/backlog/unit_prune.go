package backlog

import (
	"context"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// DeleteEnded deletes the units of a kind that have ended. It is for kinds whose units belong
// to no task that would be pruned with them.
func DeleteEnded(ctx context.Context, tx *sqldb.Tx, kind plimsoll.WorkKind) error {
	_, err := tx.Exec(ctx, `DELETE FROM backlog WHERE kind = ? AND state IN ('done', 'failed', 'stopped')`, kind)
	return err
}
