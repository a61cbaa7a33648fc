package advisories

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	"plimsoll/store/sqldb"
)

const selectMissingFilesSQL = `SELECT file FROM feed_missing WHERE feed = ?`

// MissingFiles are the stored files that the feed's last full dump lacked.
func (a *Store) MissingFiles(ctx context.Context, feed string) (map[string]bool, error) {
	out := map[string]bool{}
	err := a.db.Read(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(ctx, selectMissingFilesSQL, feed)
		return sqldb.Each(rows, err, func(rows *sql.Rows) error {
			var file string
			err := rows.Scan(&file)
			out[file] = true
			return err
		})
	})
	return out, err
}

const deleteMissingSQL = `DELETE FROM feed_missing WHERE feed = ? AND file IN (:keys)`

const insertMissingSQL = `INSERT INTO feed_missing (feed, file) VALUES `

// NoteMissing replaces what MissingFiles returns, in short transactions.
func (a *Store) NoteMissing(ctx context.Context, feed string, files []string) error {
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
	err = sqldb.EachChunk(slices.Collect(maps.Keys(before)), func(part []string) error {
		return a.db.Write(ctx, func(tx *sqldb.Tx) error {
			_, err := sqldb.ExecChunks(ctx, tx, deleteMissingSQL, []any{feed}, part)
			return err
		})
	})
	if err != nil {
		return err
	}
	return sqldb.EachChunk(fresh, func(part []string) error {
		var args []any
		for _, file := range part {
			args = append(args, feed, file)
		}
		return a.db.Write(ctx, func(tx *sqldb.Tx) error {
			return sqldb.NewChanges(tx).Insert(ctx, insertMissingSQL, "(?, ?)", "", args)
		})
	})
}
