package backlog

import (
	"context"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// The newest sync of a registry stays: it has the outcome of the last sync.
const pruneUnitsSQL = `
DELETE FROM backlog WHERE id IN (
    SELECT b.id FROM backlog b
    WHERE b.state IN ('done', 'failed', 'stopped') AND b.finished_at < ?
      AND NOT EXISTS (SELECT 1 FROM task_work tw WHERE tw.backlog_id = b.id)
      AND (b.kind <> 'sync' OR b.state = 'stopped' OR EXISTS (SELECT 1 FROM backlog n
          WHERE n.kind = 'sync' AND n.registry_id = b.registry_id AND n.finished_at > b.finished_at
            AND n.state IN ('done', 'failed', 'stopped') AND n.state <> 'stopped'))
    LIMIT ?)`

const deleteEndedUnitsSQL = `DELETE FROM backlog WHERE kind = ? AND state IN ('done', 'failed', 'stopped')`

// DeleteEnded deletes the units of a kind that have ended. It is for kinds whose units belong
// to no task that would be pruned with them.
func DeleteEnded(ctx context.Context, tx *sqldb.Tx, kind plimsoll.WorkKind) error {
	_, err := tx.Exec(ctx, deleteEndedUnitsSQL, kind)
	return err
}
