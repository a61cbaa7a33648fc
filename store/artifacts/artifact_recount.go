package artifacts

import (
	"context"

	"plimsoll/store/judgement"
	"plimsoll/store/sqldb"
)

const clearCountedSQL = `UPDATE artifact SET counted = 0 WHERE counted <> 0 AND id IN (:keys)`

const insertRecountSQL = `INSERT INTO artifact_recount (artifact_id) VALUES (?) ON CONFLICT DO NOTHING`

// LeaveToRematch records that a scan has changed the package sets of an artifact while a rematch
// runs. The artifact and the indexes above it show the judgement from before the rematch until it
// has counted them again. Without a running rematch it does nothing.
func LeaveToRematch(ctx context.Context, w *sqldb.Changes, artifact int64) error {
	runs, err := judgement.RematchRuns(ctx, w.Tx)
	if err != nil || !runs {
		return err
	}
	indexes, err := IndexesAbove(ctx, w.Tx, []int64{artifact})
	if err != nil {
		return err
	}
	_, err = sqldb.ExecChunks(ctx, w.Tx, clearCountedSQL, nil, append(indexes, artifact))
	if err != nil {
		return err
	}
	_, err = w.Exec(ctx, insertRecountSQL, artifact)
	return err
}

const selectRecountsSQL = `SELECT artifact_id FROM artifact_recount WHERE artifact_id > 0`

// LeftToRematch returns the artifacts that LeaveToRematch recorded and that are not counted again yet.
func LeftToRematch(ctx context.Context, tx *sqldb.Tx) ([]int64, error) {
	rows, err := tx.Query(ctx, selectRecountsSQL)
	return sqldb.Collect(rows, err, sqldb.ScanID)
}

const deleteRecountsSQL = `DELETE FROM artifact_recount WHERE artifact_id IN (:keys)`

// DeleteLeftToRematch records that a rematch has counted artifacts of LeftToRematch. A scan that
// changes one of them later adds it again.
func DeleteLeftToRematch(ctx context.Context, tx *sqldb.Tx, artifacts []int64) error {
	_, err := sqldb.ExecChunks(ctx, tx, deleteRecountsSQL, nil, artifacts)
	return err
}

const (
	wantedCountsSQL = `WITH want (id, n) AS (VALUES `
	wantedCountSQL  = `(CAST(? AS BIGINT), CAST(? AS BIGINT))`
	updateCountsSQL = `)
		UPDATE artifact SET raw_vulnerabilities = want.n, counted = COALESCE(NULLIF(CAST(? AS BIGINT), 0), counted) FROM want
		WHERE artifact.id = want.id AND (artifact.raw_vulnerabilities IS DISTINCT FROM want.n OR artifact.counted < CAST(? AS BIGINT) * CAST(? AS BIGINT))
		RETURNING artifact.id`
)

// SaveCounts rewrites the raw counts of vulnerabilities that differ, of at most
// sqldb.ChunkSize artifacts, and returns the artifacts of the rewritten rows. They are marked
// as counted by the rematch, unless that is 0; markAll also rewrites and marks rows whose count stays.
func SaveCounts(ctx context.Context, w *sqldb.Changes, rematch int64, artifacts []int64, counts map[int64]int, markAll bool) ([]int64, error) {
	args := make([]any, 0, 2*len(artifacts)+3)
	for _, id := range artifacts {
		args = append(args, id, counts[id])
	}
	rows, err := w.Query(ctx, wantedCountsSQL+sqldb.Tuples(len(artifacts), wantedCountSQL)+updateCountsSQL,
		append(args, rematch, rematch, sqldb.BoolInt(markAll))...)
	changed, err := sqldb.Collect(rows, err, sqldb.ScanID)
	w.Rows += len(changed)
	return changed, err
}
