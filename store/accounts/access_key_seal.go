package accounts

import (
	"database/sql"

	"plimsoll"
	"plimsoll/store/sqldb"
)

const (
	selectSealedKeysSQL = `SELECT access, sealed_secret FROM access_key ORDER BY access`
	updateSealedKeysSQL = `UPDATE access_key SET sealed_secret = ? WHERE access = ?`
)

// SealedSecrets returns the column of the secrets of access keys.
func SealedSecrets() sqldb.SealedColumn {
	return sqldb.SealedColumn{
		Subject: "access key", SelectSQL: selectSealedKeysSQL, UpdateSQL: updateSealedKeysSQL,
		Scan: func(rows *sql.Rows) (sqldb.SealedValue, error) {
			var k plimsoll.AccessKey
			err := rows.Scan(&k.Access, &k.SealedSecret)
			return sqldb.SealedValue{ID: k.Access, Sealed: k.SealedSecret, AD: k.SealedFor()}, err
		},
	}
}
