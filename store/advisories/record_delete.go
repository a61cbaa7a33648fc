package advisories

import (
	"context"

	"plimsoll"
	"plimsoll/store/sqldb"
)

const reviveRecordsSQL = `
UPDATE record SET to_revision = NULL
WHERE id IN (SELECT id FROM record WHERE to_revision > ? LIMIT 1000)`

const selectUnpublishedRecordsSQL = `SELECT id FROM record WHERE from_revision > ? LIMIT ?`

// cleanUp removes rows of revisions that were never published, in short transactions.
func (a *Store) cleanUp(ctx context.Context) error {
	for {
		var left int64
		err := a.db.Write(ctx, func(tx *sqldb.Tx) error {
			newest, err := newestRevision(ctx, tx)
			if err != nil {
				return err
			}
			rows, err := tx.Query(ctx, selectUnpublishedRecordsSQL, newest, recordsPerWrite)
			ids, err := sqldb.Collect(rows, err, sqldb.ScanID)
			if err != nil {
				return err
			}
			if left = int64(len(ids)); left > 0 {
				return deleteRecords(ctx, tx, ids)
			}
			if err := deleteUnpublishedChanges(ctx, tx, newest); err != nil {
				return err
			}
			res, err := tx.Exec(ctx, reviveRecordsSQL, newest)
			if err != nil {
				return err
			}
			if left, err = res.RowsAffected(); err != nil || left > 0 {
				return err
			}
			left, err = cleanThreats(ctx, tx, newest)
			return err
		})
		if err != nil || left == 0 {
			return err
		}
	}
}

func deleteRecords(ctx context.Context, tx *sqldb.Tx, ids []int64) error {
	for _, query := range [...]string{
		`DELETE FROM lookup WHERE (ecosystem, name, record_id) IN (SELECT ecosystem, name, record_id FROM statement WHERE record_id IN (:keys))`,
		`DELETE FROM statement WHERE record_id IN (:keys)`, `DELETE FROM record WHERE id IN (:keys)`,
	} {
		if _, err := sqldb.ExecChunks(ctx, tx, query, nil, ids); err != nil {
			return err
		}
	}
	return nil
}

const selectEndedRecordsSQL = `SELECT id FROM record WHERE to_revision < ? LIMIT ?`

// pruneRecords deletes, in short transactions, the records that ended before the newest revision,
// and notes of changes long ago. A reader begins at the newest revision and sees one state of
// the database, so it needs none that ended with it. What a crash leaves, the next import
// deletes.
func (a *Store) pruneRecords(ctx context.Context, newest plimsoll.Revision) error {
	for left := true; left; {
		err := a.db.Write(ctx, func(tx *sqldb.Tx) error {
			rows, err := tx.Query(ctx, selectEndedRecordsSQL, newest, recordsPerWrite)
			ids, err := sqldb.Collect(rows, err, sqldb.ScanID)
			if left = len(ids) > 0; err != nil || !left {
				return err
			}
			return deleteRecords(ctx, tx, ids)
		})
		if err != nil {
			return err
		}
	}
	old := newest - keptRevisions
	return a.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := forgetChanges(ctx, tx, old); err != nil {
			return err
		}
		return deleteChanges(ctx, tx, old)
	})
}
