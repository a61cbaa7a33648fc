package layers

import (
	"context"

	"plimsoll/store/sqldb"
)

const pruneReportsSQL = `DELETE FROM layer_report WHERE created_at <= (SELECT created_at FROM layer_report
	ORDER BY created_at LIMIT 1 OFFSET (SELECT COUNT(*) / 2 FROM layer_report))`

const pruneProofsSQL = `DELETE FROM layer_proof WHERE created_at <= (SELECT created_at FROM layer_proof
	ORDER BY created_at LIMIT 1 OFFSET (SELECT COUNT(*) / 2 FROM layer_proof))`

// pruneReports deletes the oldest half of reports and proofs.
func pruneReports(ctx context.Context, tx *sqldb.Tx) error {
	for _, statement := range [...]string{pruneReportsSQL, pruneProofsSQL} {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
