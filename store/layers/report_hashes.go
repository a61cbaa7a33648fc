package layers

import (
	"context"
	"database/sql"

	"plimsoll"
	"plimsoll/store/sqldb"
)

const selectHashesSQL = `SELECT diff_id, sealed_hashes FROM layer_hash WHERE analyzer = ? AND version = ? AND diff_id IN (:keys)`

// LayerHashes returns the sealed hashes of layers, by diff ID, as a version of the analyzer kept them.
func (s *Store) LayerHashes(ctx context.Context, analyzer plimsoll.AnalyzerID, diffIDs []plimsoll.Digest) (map[plimsoll.Digest][]byte, error) {
	out := map[plimsoll.Digest][]byte{}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return sqldb.QueryChunks(ctx, tx, selectHashesSQL, []any{analyzer.Name, analyzer.Version}, diffIDs, func(rows *sql.Rows) error {
			var d plimsoll.Digest
			var sealed []byte
			err := rows.Scan(&d, &sealed)
			out[d] = sealed
			return err
		})
	})
	return out, err
}
