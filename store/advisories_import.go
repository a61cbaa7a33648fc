package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"plimsoll"
)

// advisoryImport is a running import of one feed.
type advisoryImport struct {
	feed, source string
	revision     plimsoll.Revision // that its rows are written with

	mu      sync.Mutex // held while rows are written
	nextID  int64      // of a record
	changed bool
}

// BeginImport starts an import of a feed, cleans up what a dead one left, and returns
// the SHA-256 of the feed's valid files by name. One import runs at a time: Conflict.
// EndImport must follow.
func (a *Advisories) BeginImport(ctx context.Context, feed, source string) (map[string][sha256.Size]byte, error) {
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
	err := a.db.read(ctx, func(tx *Tx) error {
		newest, err := newestRevision(ctx, tx)
		if err != nil {
			return err
		}
		i.revision = newest + 1
		if err := tx.QueryRow(ctx, `SELECT COALESCE(MAX(id), 0) + 1 FROM record`).Scan(&i.nextID); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT file, hash FROM record WHERE feed = ? AND to_revision IS NULL`, feed)
		_, err = collect(rows, err, func(rows *sql.Rows) (none struct{}, err error) {
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

// EndImport ends the running import. What was not published stays out of sight.
func (a *Advisories) EndImport() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.current = nil
}

func (a *Advisories) running() (*advisoryImport, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current == nil {
		return nil, plimsoll.Errorf(plimsoll.Internal, "advisories: no import is running")
	}
	return a.current, nil
}

// cleanUp removes rows of revisions that were never published, in short transactions.
func (a *Advisories) cleanUp(ctx context.Context) error {
	for {
		var left int64
		err := a.db.write(ctx, func(tx *Tx) error {
			newest, err := newestRevision(ctx, tx)
			if err != nil {
				return err
			}
			rows, err := tx.Query(ctx, `SELECT id FROM record WHERE from_revision > ? LIMIT 500`, newest)
			ids, err := collect(rows, err, scanRecordID)
			if err != nil {
				return err
			}
			if left = int64(len(ids)); left > 0 {
				return deleteRecords(ctx, tx, ids)
			}
			if _, err := tx.Exec(ctx, `DELETE FROM change_key WHERE revision > ?`, newest); err != nil {
				return err
			}
			res, err := tx.Exec(ctx, reviveRecords, newest)
			if err == nil {
				left, err = res.RowsAffected()
			}
			return err
		})
		if err != nil || left == 0 {
			return err
		}
	}
}

func deleteRecords(ctx context.Context, tx *Tx, ids []any) error {
	for _, query := range [...]string{
		`DELETE FROM affected WHERE record_id IN (%s)`, `DELETE FROM rating WHERE record_id IN (%s)`, `DELETE FROM record WHERE id IN (%s)`,
	} {
		if _, err := tx.Exec(ctx, fmt.Sprintf(query, marks(len(ids))), ids...); err != nil {
			return err
		}
	}
	return nil
}

const reviveRecords = `
UPDATE record SET to_revision = NULL
WHERE id IN (SELECT id FROM record WHERE to_revision > ? LIMIT 2000)`

func scanRecordID(rows *sql.Rows) (any, error) {
	var id int64
	err := rows.Scan(&id)
	return id, err
}

// SaveRecords writes new and changed files of the running import. They stay out of
// sight until it is published. Callers may be several: each puts its records into stored
// form, and then they write one after the other.
func (a *Advisories) SaveRecords(ctx context.Context, records []plimsoll.FeedRecord) error {
	i, err := a.running()
	if err != nil {
		return err
	}
	rows := make([]packedRecord, len(records))
	for k := range records {
		if rows[k], err = a.packRecord(&records[k]); err != nil {
			return dbError(err)
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return a.inSlices(ctx, func(w *sliceWriter) error { return w.save(ctx, i, rows) })
}

// WithdrawRecords ends the files that a full dump of the feed does not hold any more,
// when the running import is published.
func (a *Advisories) WithdrawRecords(ctx context.Context, files []string) error {
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

// packedRecord is a record in stored form.
type packedRecord struct {
	*plimsoll.FeedRecord
	ecosystems    string
	body, details []byte
	affected      []packedAffected
	cves          []string // none if it has no CVSS vector
	ratings       string
}

type packedAffected struct {
	key     plimsoll.AdvisoryKey
	entries []byte
}

func (a *Advisories) packRecord(r *plimsoll.FeedRecord) (packedRecord, error) {
	out := packedRecord{FeedRecord: r, details: a.pack([]byte(r.Advisory.Details))}
	head := r.Advisory
	head.Feed, head.Details, head.Affected = "", "", nil
	var err error
	if out.body, err = a.packJSON(head); err != nil || !r.Advisory.Withdrawn.IsZero() {
		return out, err
	}
	groups := map[plimsoll.AdvisoryKey][]plimsoll.Affected{}
	var ecosystems []string
	ratings := slices.Clone(r.Advisory.Ratings)
	for _, f := range r.Advisory.Affected {
		key := plimsoll.NewAdvisoryKey(f.Ecosystem, f.Name)
		groups[key] = append(groups[key], f)
		ecosystems = append(ecosystems, f.Ecosystem)
		ratings = append(ratings, f.Ratings...)
	}
	for key, group := range groups {
		entries, err := a.packJSON(group)
		if err != nil {
			return out, err
		}
		out.affected = append(out.affected, packedAffected{key, entries})
	}
	slices.Sort(ecosystems)
	out.ecosystems = strings.Join(slices.Compact(ecosystems), "\n")
	out.cves, out.ratings, err = cvssOf(r.Advisory, ratings)
	return out, err
}

// cvssOf returns the record's distinct CVSS vectors in JSON and the CVEs they are for.
func cvssOf(a plimsoll.Advisory, ratings []plimsoll.Rating) ([]string, string, error) {
	var vectors []plimsoll.Rating
	for _, r := range ratings {
		if strings.HasPrefix(r.Type, "CVSS_") && !slices.Contains(vectors, r) {
			vectors = append(vectors, r)
		}
	}
	cves := a.CVEs()
	if len(vectors) == 0 || len(cves) == 0 {
		return nil, "", nil
	}
	b, err := json.Marshal(vectors)
	return cves, string(b), err
}

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
