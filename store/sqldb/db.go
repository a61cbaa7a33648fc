package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"time"
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

// Read runs f in a transaction of the reading pool: every statement sees one state.
func (db *DB) Read(ctx context.Context, f func(*Tx) error) error {
	return db.runTx(ctx, db.Reader, &sql.TxOptions{ReadOnly: true}, f)
}

// Write runs f in a transaction of the writing pool and commits it if f returns nil.
func (db *DB) Write(ctx context.Context, f func(*Tx) error) error {
	return db.runTx(ctx, db.Writer, nil, f)
}

func (db *DB) runTx(ctx context.Context, pool *sql.DB, opts *sql.TxOptions, f func(*Tx) error) error {
	tx, err := pool.BeginTx(ctx, opts)
	if err != nil {
		return MapError(err)
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it has nothing to do
	if err := f(&Tx{tx: tx, db: db}); err != nil {
		return MapError(err)
	}
	return MapError(tx.Commit())
}

// PrepareWriter prepares a rebound statement on the writing pool, for several transactions.
func (db *DB) PrepareWriter(ctx context.Context, query string) (*sql.Stmt, error) {
	return db.Writer.PrepareContext(ctx, db.Dialect.Rebind(query)) //nolint:sqlclosecheck // the caller closes it
}
