package store

import (
	"context"
	"database/sql"
	"maps"
	"slices"
)

// MissingFiles are the stored files that the feed's last full dump lacked.
func (a *Advisories) MissingFiles(ctx context.Context, feed string) (map[string]bool, error) {
	out := map[string]bool{}
	err := a.db.read(ctx, func(tx *Tx) error {
		rows, err := tx.Query(ctx, `SELECT file FROM feed_missing WHERE feed = ?`, feed)
		return each(rows, err, func(rows *sql.Rows) error {
			var file string
			err := rows.Scan(&file)
			out[file] = true
			return err
		})
	})
	return out, err
}

// NoteMissing replaces what MissingFiles tells, in short transactions.
func (a *Advisories) NoteMissing(ctx context.Context, feed string, files []string) error {
	before, err := a.MissingFiles(ctx, feed)
	if err != nil {
		return err
	}
	var fresh []string
	for _, file := range files {
		if !before[file] {
			fresh = append(fresh, file)
		}
		delete(before, file)
	}
	for part := range slices.Chunk(slices.Collect(maps.Keys(before)), nameChunk) {
		err := a.db.write(ctx, func(tx *Tx) error {
			_, err := tx.Exec(ctx, `DELETE FROM feed_missing WHERE feed = ? AND file IN (`+marks(len(part))+`)`, append([]any{feed}, anys(part)...)...)
			return err
		})
		if err != nil {
			return err
		}
	}
	for part := range slices.Chunk(fresh, nameChunk) {
		var args []any
		for _, file := range part {
			args = append(args, feed, file)
		}
		err := a.db.write(ctx, func(tx *Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO feed_missing (feed, file) VALUES `+tuples(len(part), "(?, ?)"), args...)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
