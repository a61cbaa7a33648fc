package accounts

import (
	"context"
	"database/sql"

	"plimsoll"
	"plimsoll/store/sqldb"
)

const insertAccessKeySQL = `INSERT INTO access_key (access, user_id, sealed_secret, description, created_at)
	SELECT ?, id, ?, ?, ? FROM "user" WHERE id = ?`

// AddAccessKey stores a key of an existing user; Conflict if the access id is taken, NotFound if there is no such user.
func (s *Store) AddAccessKey(ctx context.Context, k plimsoll.AccessKey) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := sqldb.Affected(tx.Exec(ctx, insertAccessKeySQL, k.Access, k.SealedSecret, k.Description, sqldb.Millis(k.CreatedAt), k.UserID))
		if err != nil {
			return tx.OrConflict(err, "an access key with this id exists")
		}
		if n == 0 {
			return plimsoll.Errorf(plimsoll.NotFound, "no such user")
		}
		return nil
	})
}

const selectAccessKeySQL = `SELECT access, user_id, sealed_secret, description, created_at FROM access_key `

const selectAccessKeyByIDSQL = selectAccessKeySQL + `WHERE access = ?`

// AccessKey returns a key by its access id; NotFound if there is none.
func (s *Store) AccessKey(ctx context.Context, access string) (k plimsoll.AccessKey, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		k, err = scanKey(tx.QueryRow(ctx, selectAccessKeyByIDSQL, access))
		return sqldb.OrNotFound(err, "access key")
	})
	return k, err
}

const selectAccessKeysSQL = selectAccessKeySQL + `WHERE user_id = ? ORDER BY created_at, access`

// AccessKeys returns a user's keys, oldest first.
func (s *Store) AccessKeys(ctx context.Context, userID string) ([]plimsoll.AccessKey, error) {
	return s.accessKeys(ctx, selectAccessKeysSQL, userID)
}

const selectDomainAccessKeysSQL = selectAccessKeySQL + `WHERE user_id IN (SELECT id FROM "user" WHERE domain_id = ?) ORDER BY created_at, access`

// DomainAccessKeys returns the keys of a domain's users, oldest first.
func (s *Store) DomainAccessKeys(ctx context.Context, domainID string) ([]plimsoll.AccessKey, error) {
	return s.accessKeys(ctx, selectDomainAccessKeysSQL, domainID)
}

func (s *Store) accessKeys(ctx context.Context, query string, args ...any) (keys []plimsoll.AccessKey, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(ctx, query, args...)
		keys, err = sqldb.Collect(rows, err, func(r *sql.Rows) (plimsoll.AccessKey, error) { return scanKey(r) })
		return err
	})
	return keys, err
}

func scanKey(row sqldb.Scanner) (k plimsoll.AccessKey, err error) {
	var created int64
	err = row.Scan(&k.Access, &k.UserID, &k.SealedSecret, &k.Description, &created)
	k.CreatedAt = sqldb.FromMillis(created)
	return k, err
}

const deleteAccessKeySQL = `DELETE FROM access_key WHERE access = ?`

// RemoveAccessKey removes a key; NotFound if there is none.
func (s *Store) RemoveAccessKey(ctx context.Context, access string) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := sqldb.Affected(tx.Exec(ctx, deleteAccessKeySQL, access))
		if err == nil && n == 0 {
			return plimsoll.Errorf(plimsoll.NotFound, "no such access key")
		}
		return err
	})
}
