// Package advisories stores OSV records by revision, in a database of its own, and reads them back as evidence for the matcher.
package advisories

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// Store answers for the advisory database.
type Store struct {
	db     *sqldb.DB
	packer *zstd.Encoder
	opener *zstd.Decoder

	mu      sync.Mutex
	current *advisoryImport // the running import; at most one

	cache evidenceCache
}

// New makes a store over an engine whose advisory schema is current.
func New(db *sqldb.DB) *Store {
	// With these options neither fails.
	packer, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<16), zstd.WithEncoderCRC(false))
	opener, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxAdvisory))
	return &Store{db: db, packer: packer, opener: opener}
}

// maxAdvisory bounds a stored record when it is unpacked, in bytes.
const maxAdvisory = 64 << 20

// Close closes the database.
func (a *Store) Close() error { return a.db.Close() }

// Revision returns the newest published revision, 0 before the first.
func (a *Store) Revision(ctx context.Context) (plimsoll.Revision, error) {
	var r plimsoll.Revision
	err := a.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		r, err = newestRevision(ctx, tx)
		return err
	})
	return r, err
}

const selectNewestRevisionSQL = `SELECT COALESCE(MAX(id), 0) FROM revision`

func newestRevision(ctx context.Context, tx *sqldb.Tx) (r plimsoll.Revision, err error) {
	err = tx.QueryRow(ctx, selectNewestRevisionSQL).Scan(&r)
	return r, err
}

const selectFeedsSQL = `
SELECT n.feed, COALESCE(f.source, ''), COALESCE(f.records, 0), COALESCE(f.revision, 0), COALESCE(c.checked_at, 0), COALESCE(f.changed_at, 0),
    COALESCE(f.newest, 0), COALESCE(s.failed_at, 0), COALESCE(s.failure, '')
FROM (SELECT feed FROM feed_check UNION SELECT feed FROM feed_state) n
LEFT JOIN feed_check c ON c.feed = n.feed LEFT JOIN feed f ON f.name = n.feed LEFT JOIN feed_state s ON s.feed = n.feed
ORDER BY n.feed`

// Status sums up the feeds, by name.
func (a *Store) Status(ctx context.Context) (plimsoll.AdvisoryStatus, error) {
	status := plimsoll.AdvisoryStatus{Feeds: []plimsoll.FeedStatus{}}
	err := a.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		if status.Revision, err = newestRevision(ctx, tx); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, selectFeedsSQL)
		feeds, err := sqldb.Collect(rows, err, scanFeed)
		for _, f := range feeds {
			if !f.CheckedAt.IsZero() { // else it was never read
				status.AgeSeconds = max(status.AgeSeconds, int64(a.db.Now().Sub(f.CheckedAt)/time.Second))
			}
			status.Feeds = append(status.Feeds, f)
		}
		return err
	})
	return status, err
}

func scanFeed(rows *sql.Rows) (f plimsoll.FeedStatus, err error) {
	var checked, changed, newest, failed int64
	err = rows.Scan(&f.Name, &f.Source, &f.Records, &f.Revision, &checked, &changed, &newest, &failed, &f.Failure)
	f.FailedAt = sqldb.FromMillis(failed)
	f.CheckedAt, f.ChangedAt, f.Newest = sqldb.FromMillis(checked), sqldb.FromMillis(changed), sqldb.FromMillis(newest)
	return f, err
}

const selectTextsSQL = `
SELECT feed, body, details FROM record
WHERE advisory IN (:keys) AND from_revision <= ? AND (to_revision IS NULL OR to_revision > ?)
ORDER BY advisory, feed, file`

// Advisory returns the stored records with these ids, for their texts: Affected is left
// out. An id may occur in several feeds and files; an unknown one is missing from the result.
func (a *Store) Advisory(ctx context.Context, ids []string) ([]plimsoll.Advisory, error) {
	var out []plimsoll.Advisory
	err := a.db.Read(ctx, func(tx *sqldb.Tx) error {
		revision, err := newestRevision(ctx, tx)
		if err != nil {
			return err
		}
		out, err = sqldb.CollectChunks(ctx, tx, selectTextsSQL, nil, ids, a.scanText, revision, revision)
		return err
	})
	return out, err
}

func (a *Store) scanText(rows *sql.Rows) (v plimsoll.Advisory, err error) {
	var feed string
	var body, details []byte
	if err := rows.Scan(&feed, &body, &details); err != nil {
		return v, err
	}
	if err := a.unpackJSON(body, &v); err != nil {
		return v, err
	}
	text, err := a.unpack(details)
	v.Feed, v.Details = feed, string(text)
	return v, err
}

// minPacked is what is not worth compressing, in bytes.
const minPacked = 1 << 10

// zstdMagic begins every zstd frame (RFC 8878, 3.1.1) and no UTF-8 text.
const zstdMagic = "\x28\xb5\x2f\xfd"

func (a *Store) pack(raw []byte) []byte {
	if len(raw) <= minPacked {
		return raw
	}
	return a.packer.EncodeAll(raw, make([]byte, 0, len(raw)/2))
}

func (a *Store) packJSON(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	return a.pack(raw), err
}

// unpack reads what pack wrote.
func (a *Store) unpack(packed []byte) ([]byte, error) {
	if !bytes.HasPrefix(packed, []byte(zstdMagic)) {
		return packed, nil
	}
	return a.opener.DecodeAll(packed, nil)
}

func (a *Store) unpackJSON(packed []byte, v any) error {
	raw, err := a.unpack(packed)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}
