package store

import (
	"context"
	"database/sql"
	"strings"
)

// chunk is how many rows or keys one statement carries: engines bound the
// parameters of a statement (SQLite 32,766, PostgreSQL 65,535).
const chunk = 500

// writer is a writing transaction that counts the rows it changed.
type writer struct {
	*Tx
	rows      int
	images    int   // rows of image among them
	decisions *bool // whether anybody ever decided anything; nil = not asked yet

	// What was decided, by project. Loaded when images are refreshed, which is the last
	// thing that a transaction does.
	rulings map[string]*rulings
}

// change runs a statement and counts the rows it touched.
func (w *writer) change(ctx context.Context, query string, args ...any) error {
	res, err := w.Exec(ctx, query, args...)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	w.rows += int(n)
	return err
}

// tuples returns n groups of placeholders for a VALUES list; each is as given: "(?, ?)".
func tuples(n int, group string) string {
	return strings.TrimSuffix(strings.Repeat(group+", ", n), ", ")
}

// each calls f for every row and closes rows.
func each(rows *sql.Rows, err error, f func(*sql.Rows) error) error {
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err below tells
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
