package sqldb

import (
	"context"
	"database/sql"
	"time"
)

// Tx is a transaction that rebinds what it runs.
type Tx struct {
	tx *sql.Tx
	db *DB
}

// Query runs a rebound query.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return tx.tx.QueryContext(ctx, tx.db.Dialect.Rebind(query), args...)
}

// QueryRow runs a rebound query for one row.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return tx.tx.QueryRowContext(ctx, tx.db.Dialect.Rebind(query), args...)
}

// Exec runs a rebound statement.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return tx.tx.ExecContext(ctx, tx.db.Dialect.Rebind(query), args...)
}

// Prepare prepares a rebound statement for many runs in this transaction, which ends it in any case.
func (tx *Tx) Prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	return tx.tx.PrepareContext(ctx, tx.db.Dialect.Rebind(query)) //nolint:sqlclosecheck // the caller closes it
}

// Clock returns the current time of the database's clock.
func (tx *Tx) Clock() time.Time { return tx.db.Now() }

// Now returns the current time in stored form.
func (tx *Tx) Now() int64 { return Millis(tx.db.Now()) }
