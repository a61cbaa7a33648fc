package layers

import (
	"context"
	"database/sql"
	"errors"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// Cache keeps what scans without a server found, so that the next one of the same content
// reads nothing again. All of it can be lost: it is built again.
type Cache struct {
	*Store
	db *sqldb.DB
}

// NewCache makes a cache over an engine whose schema is current.
func NewCache(db *sqldb.DB) *Cache { return &Cache{Store: New(db), db: db} }

// Close closes the database.
func (c *Cache) Close() error { return c.db.Close() }

// DB is the engine.
func (c *Cache) DB() *sqldb.DB { return c.db }

// Scanned is a finished scan without its judgement, which is made again each time.
type Scanned struct {
	Artifact plimsoll.Artifact   `json:"artifact"` // without its config
	Record   plimsoll.ScanRecord `json:"record"`
}

const selectScanSQL = `SELECT scan FROM scan WHERE digest = ? AND program = ?`

// Scan returns the scan that was kept under a digest, of a manifest or an index, by the same program; ok
// is false if nothing was.
func (c *Cache) Scan(ctx context.Context, d plimsoll.Digest, program string) (s Scanned, ok bool, err error) {
	err = c.db.Read(ctx, func(tx *sqldb.Tx) error {
		var packed []byte
		err := tx.QueryRow(ctx, selectScanSQL, d, program).Scan(&packed)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil {
			err = sqldb.UnpackJSON(packed, &s)
			ok = err == nil
		}
		return err
	})
	return s, ok, err
}

const insertScanSQL = `INSERT INTO scan (digest, program, scan, created_at) VALUES (?, ?, ?, ?)
	ON CONFLICT (digest) DO UPDATE SET program = excluded.program, scan = excluded.scan, created_at = excluded.created_at`

// KeepScan keeps a finished scan under the digest that the user named, without the config and the judgements. The caller has
// made the layers storable (manifest.StorableLayers).
func (c *Cache) KeepScan(ctx context.Context, d plimsoll.Digest, program string, s Scanned) error {
	s.Artifact.Settings, s.Record.Judgements = nil, nil
	packed, err := sqldb.Pack([]byte(sqldb.EncodeJSON(s)))
	if err != nil {
		return err
	}
	return c.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, insertScanSQL,
			d, program, packed, tx.Now())
		return err
	})
}

const pruneScansSQL = `DELETE FROM scan WHERE created_at <= (SELECT created_at FROM scan
	ORDER BY created_at LIMIT 1 OFFSET (SELECT COUNT(*) / 2 FROM scan))`

const selectCacheSizeSQL = `SELECT COALESCE((SELECT SUM(LENGTH(report)) FROM layer_report), 0) +
	COALESCE((SELECT SUM(LENGTH(scan)) FROM scan), 0)`

// Prune deletes the oldest half of everything if it takes more bytes than the limit.
func (c *Cache) Prune(ctx context.Context, limit int64) error {
	return c.db.Write(ctx, func(tx *sqldb.Tx) error {
		var size int64
		err := tx.QueryRow(ctx, selectCacheSizeSQL).Scan(&size)
		if err != nil || size <= limit {
			return err
		}
		if err := pruneReports(ctx, tx); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, pruneScansSQL)
		return err
	})
}
