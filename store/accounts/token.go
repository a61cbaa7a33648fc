package accounts

import (
	"context"
	"time"

	"plimsoll"
	"plimsoll/store/sqldb"
)

const insertTokenSQL = `INSERT INTO token (hash, user_id, project_id, issued_at, expires_at)
	SELECT ?, id, ?, ?, ? FROM "user" WHERE id = ? AND disabled = 0 AND password_hash = ?`

// AddToken stores a token. The password hash is the one that was verified: NotFound if
// the user no longer exists, is disabled or has another password by now, so that a sign-in that
// began before a change of password is not valid after it.
func (s *Store) AddToken(ctx context.Context, t plimsoll.Token, passwordHash string) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := sqldb.Affected(tx.Exec(ctx, insertTokenSQL, t.Hash, t.ProjectID, sqldb.Millis(t.IssuedAt), sqldb.Millis(t.ExpiresAt), t.UserID, passwordHash))
		if err != nil {
			return tx.OrConflict(err, "this token exists")
		}
		if n == 0 {
			return plimsoll.Errorf(plimsoll.NotFound, "no such user with this password")
		}
		return nil
	})
}

const selectTokenSQL = `SELECT hash, user_id, project_id, issued_at, expires_at FROM token WHERE hash = ?`

// Token returns a token by hash, expired or not; NotFound if there is none.
func (s *Store) Token(ctx context.Context, hash string) (t plimsoll.Token, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		var issued, expires int64
		err := tx.QueryRow(ctx, selectTokenSQL, hash).Scan(&t.Hash, &t.UserID, &t.ProjectID, &issued, &expires)
		t.IssuedAt, t.ExpiresAt = sqldb.FromMillis(issued), sqldb.FromMillis(expires)
		return sqldb.OrNotFound(err, "token")
	})
	return t, err
}

const deleteTokenSQL = `DELETE FROM token WHERE hash = ?`

// RemoveToken revokes a token; NotFound if there is none.
func (s *Store) RemoveToken(ctx context.Context, hash string) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		n, err := sqldb.Affected(tx.Exec(ctx, deleteTokenSQL, hash))
		if err == nil && n == 0 {
			return plimsoll.Errorf(plimsoll.NotFound, "no such token")
		}
		return err
	})
}

const deleteTokensOfUserSQL = `DELETE FROM token WHERE user_id = ?`

// removeTokens revokes all of a user's tokens.
func removeTokens(ctx context.Context, tx *sqldb.Tx, userID string) error {
	_, err := tx.Exec(ctx, deleteTokensOfUserSQL, userID)
	return err
}

const deleteExpiredTokensSQL = `DELETE FROM token WHERE hash IN (
	SELECT hash FROM token WHERE expires_at < ? ORDER BY expires_at LIMIT ?)`

// PruneTokens removes at most limit tokens that expired before a time, and returns
// how many: fewer than limit means there are no more. Each call is one short transaction.
func (s *Store) PruneTokens(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		rows, err := sqldb.Affected(tx.Exec(ctx, deleteExpiredTokensSQL, sqldb.Millis(before), limit))
		n = int(rows)
		return err
	})
	return n, err
}
