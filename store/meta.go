package store

import (
	"context"
	"database/sql"
	"errors"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// Meta returns a fact about the database itself; NotFound if it was never stored.
func (s *Store) Meta(ctx context.Context, key string) (value string, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		value, err = readMeta(ctx, tx, key)
		return err
	})
	return value, err
}

const upsertMetaSQL = `INSERT INTO meta (key, value) VALUES (?, ?)
	ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE meta.value <> excluded.value`

// SetMeta stores a fact about the database itself.
func (s *Store) SetMeta(ctx context.Context, key, value string) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, upsertMetaSQL, key, value)
		return err
	})
}

const insertMetaSQL = `INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING`

// EnsureMeta stores value under key if there is none yet, and returns what is stored.
func (s *Store) EnsureMeta(ctx context.Context, key, value string) (stored string, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, insertMetaSQL, key, value); err != nil {
			return err
		}
		stored, err = readMeta(ctx, tx, key)
		return err
	})
	return stored, err
}

const selectMetaSQL = `SELECT value FROM meta WHERE key = ?`

func readMeta(ctx context.Context, tx *sqldb.Tx, key string) (value string, err error) {
	err = tx.QueryRow(ctx, selectMetaSQL, key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", plimsoll.Errorf(plimsoll.NotFound, "no stored fact %q", key)
	}
	return value, err
}

const replaceMetaSQL = `UPDATE meta SET value = ? WHERE key = ? AND value = ?`

// replaceMeta replaces the value of a fact; Conflict if it has another value than from.
func replaceMeta(ctx context.Context, tx *sqldb.Tx, key, from, to string) error {
	changed, err := sqldb.Affected(tx.Exec(ctx, replaceMetaSQL, to, key, from))
	if err == nil && changed == 0 {
		return plimsoll.Errorf(plimsoll.Conflict, "the stored fact %q is not %q", key, from)
	}
	return err
}
