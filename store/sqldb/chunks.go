package sqldb

import (
	"context"
	"database/sql"
	"slices"
	"strings"
)

// ChunkSize is how many rows or keys one statement has: engines limit the parameters of a
// statement (SQLite 32,766, PostgreSQL 65,535).
const ChunkSize = 500

// keysMark is where a query has its list of keys.
const keysMark = ":keys"

// WithKeys returns a query with n placeholders at every (:keys).
func WithKeys(query string, n int) string { return strings.ReplaceAll(query, keysMark, Marks(n)) }

// EachChunk calls f with at most ChunkSize keys at a time, in order, until it fails.
func EachChunk[K any](keys []K, f func(part []K) error) error {
	for part := range slices.Chunk(keys, ChunkSize) {
		if err := f(part); err != nil {
			return err
		}
	}
	return nil
}

// QueryChunks runs a query with one (:keys) for the keys, ChunkSize at a time, and calls f for
// every row. before and after are the arguments on either side of the keys.
func QueryChunks[K any](ctx context.Context, tx *Tx, query string, before []any, keys []K, f func(*sql.Rows) error, after ...any) error {
	return EachChunk(keys, func(part []K) error {
		rows, err := tx.Query(ctx, WithKeys(query, len(part)), slices.Concat(before, Args(part), after)...)
		return Each(rows, err, f)
	})
}

// CollectChunks is QueryChunks that scans every row into a value.
func CollectChunks[K, T any](ctx context.Context, tx *Tx, query string, before []any, keys []K, scan func(*sql.Rows) (T, error), after ...any) ([]T, error) {
	var out []T
	err := QueryChunks(ctx, tx, query, before, keys, func(rows *sql.Rows) error {
		v, err := scan(rows)
		out = append(out, v)
		return err
	}, after...)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ExecChunks runs a statement with one (:keys) for the keys, ChunkSize at a time, and returns
// how many rows it changed. before and after are the arguments on either side of the keys.
func ExecChunks[K any](ctx context.Context, tx *Tx, query string, before []any, keys []K, after ...any) (changed int64, err error) {
	err = EachChunk(keys, func(part []K) error {
		n, err := Affected(tx.Exec(ctx, WithKeys(query, len(part)), slices.Concat(before, Args(part), after)...))
		changed += n
		return err
	})
	return changed, err
}

// Marks returns n placeholders for an IN list, NULL for none.
func Marks(n int) string {
	if n == 0 {
		return "NULL"
	}
	return strings.TrimSuffix(strings.Repeat("?,", n), ",")
}

// Tuples returns n groups of placeholders for a VALUES list; each is as given: "(?, ?)".
func Tuples(n int, group string) string {
	return strings.TrimSuffix(strings.Repeat(group+", ", n), ", ")
}

func countMarks(group string) int { return strings.Count(group, "?") }

// Args returns values as arguments of a statement.
func Args[T any](values []T) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}
