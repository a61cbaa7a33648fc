package advisories

import (
	"context"
	"database/sql"
	"slices"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// eachChunk is how many records are in memory at a time.
const eachChunk = 500

const selectRecordsSQL = `
SELECT id, file, hash, body, details FROM record
WHERE feed = ? AND id > ? AND from_revision <= ? AND (to_revision IS NULL OR to_revision > ?)
ORDER BY id LIMIT ?`

// EachRecord calls f for every record of a feed at the newest revision, whole, in one
// state of the database.
func (a *Store) EachRecord(ctx context.Context, feed string, f func(plimsoll.FeedRecord) error) error {
	return a.db.Read(ctx, func(tx *sqldb.Tx) error {
		at, err := newestRevision(ctx, tx)
		if err != nil {
			return err
		}
		for last := int64(0); ; {
			rows, err := tx.Query(ctx, selectRecordsSQL, feed, last, at, at, eachChunk)
			part, err := sqldb.Collect(rows, err, a.scanRecord)
			if err != nil || len(part) == 0 {
				return err
			}
			if err := a.attachAffected(ctx, tx, part); err != nil {
				return err
			}
			for _, r := range part {
				if err := f(r.FeedRecord); err != nil {
					return err
				}
			}
			last = part[len(part)-1].id
		}
	})
}

type storedRecord struct {
	id int64
	plimsoll.FeedRecord
}

func (a *Store) scanRecord(rows *sql.Rows) (r storedRecord, err error) {
	var hash, body, details []byte
	if err := rows.Scan(&r.id, &r.File, &hash, &body, &details); err != nil {
		return r, err
	}
	copy(r.Hash[:], hash)
	if err := a.unpackJSON(body, &r.Advisory); err != nil {
		return r, err
	}
	text, err := a.unpack(details)
	r.Advisory.Details = string(text)
	return r, err
}

const selectStatementsSQL = `SELECT record_id, body FROM statement WHERE record_id IN (:keys) AND ecosystem <> ''
	ORDER BY record_id, ecosystem, name`

func (a *Store) attachAffected(ctx context.Context, tx *sqldb.Tx, part []storedRecord) error {
	index := make(map[int64]int, len(part))
	ids := make([]int64, len(part))
	for i, r := range part {
		index[r.id], ids[i] = i, r.id
	}
	return sqldb.QueryChunks(ctx, tx, selectStatementsSQL, nil, ids, func(rows *sql.Rows) error {
		var id int64
		var body sql.RawBytes
		if err := rows.Scan(&id, &body); err != nil {
			return err
		}
		var entries []plimsoll.Affected
		if err := a.unpackJSON(body, &entries); err != nil {
			return err
		}
		r := &part[index[id]]
		r.Advisory.Affected = append(slices.Clip(r.Advisory.Affected), entries...)
		return nil
	})
}
