package images

import (
	"database/sql"

	"plimsoll"
	"plimsoll/store/sqldb"
)

const (
	selectSealedSecretsSQL = `SELECT id, url, sealed_secret FROM registry WHERE sealed_secret IS NOT NULL ORDER BY id`
	updateSealedSecretsSQL = `UPDATE registry SET sealed_secret = ? WHERE id = ?`
)

// SealedSecrets returns the column of the secrets of registries.
func SealedSecrets() sqldb.SealedColumn {
	return sqldb.SealedColumn{
		Subject: "registry", SelectSQL: selectSealedSecretsSQL, UpdateSQL: updateSealedSecretsSQL,
		Scan: func(rows *sql.Rows) (sqldb.SealedValue, error) {
			var r plimsoll.Registry
			err := rows.Scan(&r.ID, &r.URL, &r.SealedSecret)
			return sqldb.SealedValue{ID: r.ID, Sealed: r.SealedSecret, AD: r.SealedFor()}, err
		},
	}
}
