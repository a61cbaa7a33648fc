package layers

import (
	"database/sql"

	"plimsoll"
	"plimsoll/store/sqldb"
)

const (
	selectSealedHashesSQL = `SELECT id, diff_id, sealed_hashes FROM layer_hash ORDER BY id`
	updateSealedHashesSQL = `UPDATE layer_hash SET sealed_hashes = ? WHERE id = ?`
)

// SealedHashes returns the column of the password hashes of layers.
func SealedHashes() sqldb.SealedColumn {
	return sqldb.SealedColumn{
		Subject: "account hashes", SelectSQL: selectSealedHashesSQL, UpdateSQL: updateSealedHashesSQL,
		Scan: func(rows *sql.Rows) (sqldb.SealedValue, error) {
			var id int64
			var layer plimsoll.Digest
			var sealed []byte
			err := rows.Scan(&id, &layer, &sealed)
			return sqldb.SealedValue{ID: id, Sealed: sealed, AD: plimsoll.LayerHashesSealedFor(layer)}, err
		},
	}
}
