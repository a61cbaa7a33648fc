package images

import (
	"context"
	"database/sql"

	"plimsoll"
	"plimsoll/store/sqldb"
)

const selectKnownTagsSQL = `SELECT tag, digest FROM image
WHERE project_id = (SELECT project_id FROM registry WHERE id = ?) AND registry_id = ? AND repository = ?`

// KnownTags returns what is stored of a repository: tag to digest.
func (s *Store) KnownTags(ctx context.Context, registryID int64, repository string) (map[string]plimsoll.Digest, error) {
	known := map[string]plimsoll.Digest{}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(ctx, selectKnownTagsSQL,
			registryID, registryID, repository)
		_, err = sqldb.Collect(rows, err, func(rows *sql.Rows) (struct{}, error) {
			var tag string
			var d plimsoll.Digest
			err := rows.Scan(&tag, &d)
			known[tag] = d
			return struct{}{}, err
		})
		return err
	})
	return known, err
}

const selectKnownRepositoriesSQL = `SELECT DISTINCT repository FROM image
WHERE project_id = (SELECT project_id FROM registry WHERE id = ?) AND registry_id = ? ORDER BY repository`

// KnownRepositories returns the repositories of a registry that have images, sorted.
func (s *Store) KnownRepositories(ctx context.Context, registryID int64) ([]string, error) {
	var out []string
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(ctx, selectKnownRepositoriesSQL,
			registryID, registryID)
		out, err = sqldb.Collect(rows, err, func(rows *sql.Rows) (name string, err error) { return name, rows.Scan(&name) })
		return err
	})
	return out, err
}
