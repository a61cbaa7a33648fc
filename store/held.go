package store

import (
	"bytes"
	"context"
	"database/sql"

	"plimsoll"
)

// heldSet is one row of artifact_set.
type heldSet struct {
	set    int64
	places []byte // packed, as stored
	text   []byte // JSON, as scanned
}

// heldSets returns the sets of an artifact in its order.
func heldSets(ctx context.Context, tx *Tx, artifact int64) ([]heldSet, error) {
	rows, err := tx.Query(ctx, `SELECT set_id, places FROM artifact_set WHERE artifact_id = ? ORDER BY position`, artifact)
	return collect(rows, err, func(rows *sql.Rows) (h heldSet, err error) {
		err = rows.Scan(&h.set, &h.places)
		return h, err
	})
}

// saveHeldSets rewrites the rows that differ. Texts are compared, not packed bytes,
// which may change with the compressor.
func (w *writer) saveHeldSets(ctx context.Context, t plimsoll.Tenant, artifact int64, want []heldSet) error {
	have, err := heldSets(ctx, w.Tx, artifact)
	if err != nil {
		return err
	}
	for i, h := range want {
		if i < len(have) && have[i].set == h.set {
			text, err := unpack(have[i].places)
			if err != nil {
				return err
			}
			if bytes.Equal(text, h.text) {
				continue
			}
		}
		packed, err := pack(h.text)
		if err != nil {
			return err
		}
		err = w.change(ctx, `INSERT INTO artifact_set (artifact_id, project_id, enterprise_project_id, set_id, position, places)
			VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (artifact_id, position) DO UPDATE SET set_id = excluded.set_id, places = excluded.places`,
			artifact, t.ProjectID, t.EnterpriseProject, h.set, i, packed)
		if err != nil {
			return err
		}
	}
	if len(have) <= len(want) {
		return nil
	}
	return w.change(ctx, `DELETE FROM artifact_set WHERE artifact_id = ? AND position >= ?`, artifact, len(want))
}
