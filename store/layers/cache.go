package layers

import (
	"context"
	"database/sql"
	"errors"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// Cache keeps what scans without a server found, so that the next one of the same content
// reads nothing again. All of it can be lost: it is made anew.
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

// Scanned is a finished scan without its judgement, which is made anew each time.
type Scanned struct {
	Artifact plimsoll.Artifact   `json:"artifact"` // without its config
	Record   plimsoll.ScanRecord `json:"record"`
}

// Scan returns what was kept under a digest, of a manifest or an index, by the same program; ok
// is false if nothing was.
func (c *Cache) Scan(ctx context.Context, d plimsoll.Digest, program string) (s Scanned, ok bool, err error) {
	err = c.db.Read(ctx, func(tx *sqldb.Tx) error {
		var packed []byte
		err := tx.QueryRow(ctx, `SELECT scan FROM scan WHERE digest = ? AND program = ?`, d, program).Scan(&packed)
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

// KeepScan keeps a finished scan under the digest that it was asked for, without the config and the judgements. The caller has
// made the layers storable (manifest.StorableLayers).
func (c *Cache) KeepScan(ctx context.Context, d plimsoll.Digest, program string, s Scanned) error {
	s.Artifact.Settings, s.Record.Judgements = nil, nil
	packed, err := sqldb.Pack([]byte(sqldb.EncodeJSON(s)))
	if err != nil {
		return err
	}
	return c.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO scan (digest, program, scan, created_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (digest) DO UPDATE SET program = excluded.program, scan = excluded.scan, created_at = excluded.created_at`,
			d, program, packed, tx.Now())
		return err
	})
}

// Prune forgets the oldest half of everything if it takes more than so many bytes.
func (c *Cache) Prune(ctx context.Context, bytes int64) error {
	return c.db.Write(ctx, func(tx *sqldb.Tx) error {
		var size int64
		err := tx.QueryRow(ctx, `SELECT COALESCE((SELECT SUM(LENGTH(report)) FROM layer_report), 0) +
			COALESCE((SELECT SUM(LENGTH(scan)) FROM scan), 0)`).Scan(&size)
		if err != nil || size <= bytes {
			return err
		}
		for _, table := range []string{"layer_report", "layer_proof", "scan"} {
			if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE created_at <= (SELECT created_at FROM `+table+`
				ORDER BY created_at LIMIT 1 OFFSET (SELECT COUNT(*) / 2 FROM `+table+`))`); err != nil {
				return err
			}
		}
		return nil
	})
}
