package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"plimsoll"
)

// Dialect is what engines do not share.
type Dialect interface {
	Name() string                 // "sqlite", "postgres"
	Rebind(query string) string   // ? placeholders to the engine's own
	IsUniqueViolation(error) bool // by code, never by text
}

// DB is an open engine: one pool that writes and one that only reads.
type DB struct {
	Dialect Dialect
	Writer  *sql.DB
	Reader  *sql.DB
	Now     func() time.Time
}

// Close closes both pools.
func (db *DB) Close() error {
	return errors.Join(db.Reader.Close(), db.Writer.Close())
}

// Tx is a transaction that rebinds what it runs.
type Tx struct {
	*sql.Tx
	db *DB
}

// Query runs a rebound query.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return tx.Tx.QueryContext(ctx, tx.db.Dialect.Rebind(query), args...)
}

// QueryRow runs a rebound query for one row.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return tx.Tx.QueryRowContext(ctx, tx.db.Dialect.Rebind(query), args...)
}

// Exec runs a rebound statement.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return tx.Tx.ExecContext(ctx, tx.db.Dialect.Rebind(query), args...)
}

// Now is the transaction's clock in stored form.
func (tx *Tx) Now() int64 { return millis(tx.db.Now()) }

// read runs f in a transaction of the reading pool: every statement sees one state.
func (db *DB) read(ctx context.Context, f func(*Tx) error) error {
	return db.in(ctx, db.Reader, &sql.TxOptions{ReadOnly: true}, f)
}

// write runs f in a transaction of the writing pool and commits it if f returns nil.
func (db *DB) write(ctx context.Context, f func(*Tx) error) error {
	return db.in(ctx, db.Writer, nil, f)
}

func (db *DB) in(ctx context.Context, pool *sql.DB, opts *sql.TxOptions, f func(*Tx) error) error {
	tx, err := pool.BeginTx(ctx, opts)
	if err != nil {
		return dbError(err)
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it has nothing to do
	if err := f(&Tx{Tx: tx, db: db}); err != nil {
		return dbError(err)
	}
	return dbError(tx.Commit())
}

// dbError gives a bare engine error a code; errors that have one pass.
func dbError(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*plimsoll.Error](err); ok {
		return err
	}
	if _, ok := errors.AsType[*plimsoll.Failure](err); ok {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return plimsoll.Fail(plimsoll.FailureDatabase, &plimsoll.Error{Code: plimsoll.Internal, Message: "database", Err: err})
}

// collect scans every row with scan and closes rows.
func collect[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err below tells
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// millis is the stored form of a time; the zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// fromMillis reads the stored form of a time.
func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// encodeJSON is for values that always encode.
func encodeJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// marks returns n placeholders for an IN list.
func marks(n int) string {
	if n == 0 {
		return "NULL"
	}
	b := make([]byte, 0, 2*n)
	for range n {
		b = append(b, '?', ',')
	}
	return string(b[:len(b)-1])
}
