package findings

import (
	"database/sql"

	"plimsoll"
	"plimsoll/store/sqldb"
)

const (
	selectSealedListsSQL = `SELECT project_id, sealed_words FROM password_list WHERE sealed_words IS NOT NULL ORDER BY project_id`
	updateSealedListsSQL = `UPDATE password_list SET sealed_words = ? WHERE project_id = ?`
)

// SealedPasswordLists returns the column of the words of password lists.
func SealedPasswordLists() sqldb.SealedColumn {
	return sqldb.SealedColumn{
		Subject: "password list", SelectSQL: selectSealedListsSQL, UpdateSQL: updateSealedListsSQL,
		Scan: func(rows *sql.Rows) (sqldb.SealedValue, error) {
			var l plimsoll.PasswordList
			err := rows.Scan(&l.ProjectID, &l.Sealed)
			return sqldb.SealedValue{ID: l.ProjectID, Sealed: l.Sealed, AD: l.SealedFor()}, err
		},
	}
}
