package advisories

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"sync"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// advisoryImport is a running import of one feed.
type advisoryImport struct {
	feed, source string
	revision     plimsoll.Revision // that its rows are written with

	mu      sync.Mutex // held while rows are written
	nextID  int64      // of a record
	changed bool
	lookups pendingLookups
	rated   []string // CVEs whose threats changed so that findings may be judged differently
}

const selectNextRecordSQL = `SELECT COALESCE(MAX(id), 0) + 1 FROM record`

const selectFilesSQL = `SELECT file, hash FROM record WHERE feed = ? AND to_revision IS NULL`

// BeginImport starts an import of a feed, cleans up what an interrupted one left, and returns
// the SHA-256 of the feed's valid files by name. One import runs at a time: Conflict.
// EndImport must follow.
func (a *Store) BeginImport(ctx context.Context, feed, source string) (map[string][sha256.Size]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current != nil {
		return nil, plimsoll.Errorf(plimsoll.Conflict, "advisories: an import of feed %q is running", a.current.feed).
			WithHint("wait until it has ended")
	}
	if err := a.cleanUp(ctx); err != nil {
		return nil, err
	}
	i := &advisoryImport{feed: feed, source: source}
	known := map[string][sha256.Size]byte{}
	err := a.db.Read(ctx, func(tx *sqldb.Tx) error {
		newest, err := newestRevision(ctx, tx)
		if err != nil {
			return err
		}
		i.revision = newest + 1
		if err := tx.QueryRow(ctx, selectNextRecordSQL).Scan(&i.nextID); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, selectFilesSQL, feed)
		_, err = sqldb.Collect(rows, err, func(rows *sql.Rows) (none struct{}, err error) {
			var file string
			var hash []byte
			err = rows.Scan(&file, &hash)
			var sum [sha256.Size]byte
			copy(sum[:], hash)
			known[file] = sum
			return none, err
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	a.current = i
	return known, nil
}

// EndImport ends the running import. What was not published stays invisible.
func (a *Store) EndImport() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.current = nil
}

func (a *Store) running() (*advisoryImport, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current == nil {
		return nil, plimsoll.Errorf(plimsoll.Internal, "advisories: no import is running")
	}
	return a.current, nil
}

// SaveRecords writes new and changed files of the running import. They stay invisible
// until it is published. Callers may be several: each puts its records into stored
// form, and then they write one after the other.
func (a *Store) SaveRecords(ctx context.Context, records []plimsoll.FeedRecord) error {
	i, err := a.running()
	if err != nil {
		return err
	}
	rows := make([]packedRecord, len(records))
	for k := range records {
		if rows[k], err = a.packRecord(&records[k]); err != nil {
			return sqldb.MapError(err)
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return a.inSlices(ctx, func(w *sliceWriter) error { return w.save(ctx, i, rows) })
}

// WithdrawRecords ends the files that a full dump of the feed no longer has, when the
// running import is published.
func (a *Store) WithdrawRecords(ctx context.Context, files []string) error {
	i, err := a.running()
	if err != nil {
		return err
	}
	return a.inSlices(ctx, func(w *sliceWriter) error {
		for _, file := range files {
			if err := w.exec(ctx, stmtEnd, i.revision, i.feed, file); err != nil {
				return err
			}
			i.changed = true
		}
		return nil
	})
}
