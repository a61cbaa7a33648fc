package main

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// checkTables are the tables that an import without changes may write to.
var checkTables = []string{"feed_check", "feed_missing", "feed_state"}

// recordWrittenRows adds triggers that record every row written from now on in the table bench_rows.
func recordWrittenRows(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // Exec reports it
	tables, err := tableNames(ctx, db)
	if err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, `CREATE TABLE bench_rows (name TEXT)`); err != nil {
		return err
	}
	for _, table := range tables {
		for _, event := range []string{"INSERT", "UPDATE", "DELETE"} {
			query := fmt.Sprintf(`CREATE TRIGGER bench_%[1]s_%[2]s AFTER %[2]s ON %[1]s BEGIN INSERT INTO bench_rows VALUES ('%[1]s'); END`, table, event)
			if _, err := db.ExecContext(ctx, query); err != nil {
				return err
			}
		}
	}
	return nil
}

func tableNames(ctx context.Context, db *sql.DB) ([]string, error) {
	rows, err := db.QueryContext(ctx, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%'`)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err reports it
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// writtenCounts are numbers of written rows.
type writtenCounts struct {
	checks, others int      // in checkTables, in other tables
	tables         []string // "table=rows"
}

func countWrittenRows(ctx context.Context, path string) (w writtenCounts, err error) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return w, err
	}
	defer db.Close() //nolint:errcheck // only read from
	rows, err := db.QueryContext(ctx, `SELECT name, COUNT(*) FROM bench_rows GROUP BY name ORDER BY name`)
	if err != nil {
		return w, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err reports it
	for rows.Next() {
		var name string
		var n int
		if err := rows.Scan(&name, &n); err != nil {
			return w, err
		}
		if slices.Contains(checkTables, name) {
			w.checks += n
		} else {
			w.others += n
		}
		w.tables = append(w.tables, fmt.Sprintf("%s=%d", name, n))
	}
	return w, rows.Err()
}
