package advisories

import (
	"context"
	"database/sql"
	"time"

	"plimsoll"
	"plimsoll/store/sqldb"
)

const selectFeedReadSQL = `SELECT upstream, etag, last_modified, read_through, full_at, failed_at, failure FROM feed_state WHERE feed = ?`

// FeedState returns how far an online feed was read; the zero state if it never was.
func (a *Store) FeedState(ctx context.Context, feed string) (plimsoll.FeedState, error) {
	s := plimsoll.FeedState{Feed: feed}
	err := a.db.Read(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(ctx, selectFeedReadSQL, feed)
		return sqldb.Each(rows, err, func(rows *sql.Rows) error {
			var through, full, failed int64
			err := rows.Scan(&s.Upstream, &s.ETag, &s.LastModified, &through, &full, &failed, &s.Failure)
			s.ReadThrough, s.FullAt, s.FailedAt = sqldb.FromMillis(through), sqldb.FromMillis(full), sqldb.FromMillis(failed)
			return err
		})
	})
	return s, err
}

const upsertFeedStateSQL = `
INSERT INTO feed_state (feed, upstream, etag, last_modified, read_through, full_at, failed_at, failure) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (feed) DO UPDATE SET upstream = excluded.upstream, etag = excluded.etag, last_modified = excluded.last_modified,
    read_through = excluded.read_through, full_at = excluded.full_at, failed_at = excluded.failed_at, failure = excluded.failure`

// SaveFeedState replaces what FeedState returns. Unless it has a failure, the feed
// counts as checked.
func (a *Store) SaveFeedState(ctx context.Context, s plimsoll.FeedState) error {
	return a.db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, upsertFeedStateSQL, s.Feed, s.Upstream, s.ETag, s.LastModified, sqldb.Millis(s.ReadThrough), sqldb.Millis(s.FullAt),
			sqldb.Millis(s.FailedAt), s.Failure); err != nil || !s.FailedAt.IsZero() {
			return err
		}
		_, err := tx.Exec(ctx, upsertCheckSQL, s.Feed, tx.Now())
		return err
	})
}

// NoteCheck sets when the stored content of a feed was current: a bundle has feeds that
// were checked elsewhere, some time ago.
func (a *Store) NoteCheck(ctx context.Context, feed string, at time.Time) error {
	return a.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, upsertCheckSQL, feed, sqldb.Millis(at))
		return err
	})
}
