package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"
)

// writeSlice is how long an import holds the write lock at a time, without the commit.
const writeSlice = 20 * time.Millisecond

// rowsPerInsert is how many rows one statement carries: most of the cost of a row of
// this size is that of running a statement.
const rowsPerInsert = 32

// The statements of a sliceWriter.
const (
	stmtEnd = iota
	stmtRecord
	stmtRecords // rowsPerInsert of them
	stmtAffected
	stmtAffecteds
	stmtRating
	stmtRatings
	stmtCount
)

const (
	endRecord      = `UPDATE record SET to_revision = ? WHERE feed = ? AND file = ? AND to_revision IS NULL`
	insertRecord   = `INSERT INTO record (id, feed, file, advisory, hash, modified, ecosystems, from_revision, body, details) VALUES `
	recordRow      = `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	insertAffected = `INSERT INTO affected (ecosystem, name, record_id, entries) VALUES `
	affectedRow    = `(?, ?, ?, ?)`
	insertRating   = `INSERT INTO rating (cve, record_id, ratings) VALUES `
	ratingRow      = `(?, ?, ?)`
)

func sliceStatements() [stmtCount]string {
	return [stmtCount]string{
		stmtEnd:       endRecord,
		stmtRecord:    insertRecord + recordRow,
		stmtRecords:   insertRecord + tuples(rowsPerInsert, recordRow),
		stmtAffected:  insertAffected + affectedRow,
		stmtAffecteds: insertAffected + tuples(rowsPerInsert, affectedRow),
		stmtRating:    insertRating + ratingRow,
		stmtRatings:   insertRating + tuples(rowsPerInsert, ratingRow),
	}
}

// sliceWriter runs prepared statements in transactions that end when their time is up.
type sliceWriter struct {
	db       *DB
	prepared [stmtCount]*sql.Stmt
	tx       *sql.Tx
	bound    [stmtCount]*sql.Stmt // prepared, of tx; nil until it is used
	started  time.Time
}

// inSlices runs f with a writer and commits what is open at its end. Slices before it
// stay committed if f fails: nobody sees their rows.
func (a *Advisories) inSlices(ctx context.Context, f func(*sliceWriter) error) (err error) {
	w := &sliceWriter{db: a.db}
	for i, query := range sliceStatements() {
		stmt, err := a.db.Writer.PrepareContext(ctx, a.db.Dialect.Rebind(query))
		if err != nil {
			return dbError(err)
		}
		defer stmt.Close() //nolint:errcheck // nothing depends on it
		w.prepared[i] = stmt
	}
	err = f(w)
	if w.tx != nil && err != nil {
		err = errors.Join(err, w.tx.Rollback())
	} else if w.tx != nil {
		err = w.tx.Commit()
	}
	return dbError(err)
}

func (w *sliceWriter) exec(ctx context.Context, stmt int, args ...any) error {
	// Statements are short and many: ctx ends the slice, not each of them.
	free := context.WithoutCancel(ctx)
	if w.tx == nil {
		if err := ctx.Err(); err != nil {
			return err
		}
		tx, err := w.db.Writer.BeginTx(free, nil)
		if err != nil {
			return err
		}
		w.tx, w.started, w.bound = tx, time.Now(), [stmtCount]*sql.Stmt{}
	}
	if w.bound[stmt] == nil {
		w.bound[stmt] = w.tx.StmtContext(free, w.prepared[stmt])
	}
	if _, err := w.bound[stmt].ExecContext(free, args...); err != nil {
		return err
	}
	if time.Since(w.started) < writeSlice {
		return nil
	}
	tx := w.tx
	w.tx = nil
	return tx.Commit()
}

// rows gathers rows of one table for statements that insert several.
type rows struct {
	w         *sliceWriter
	one, many int // statements
	width     int // values of a row
	args      []any
}

func (r *rows) add(ctx context.Context, row ...any) error {
	if r.args = append(r.args, row...); len(r.args) < r.width*rowsPerInsert {
		return nil
	}
	err := r.w.exec(ctx, r.many, r.args...)
	r.args = r.args[:0]
	return err
}

func (r *rows) end(ctx context.Context) error {
	for row := range slices.Chunk(r.args, r.width) {
		if err := r.w.exec(ctx, r.one, row...); err != nil {
			return err
		}
	}
	return nil
}

// save writes records of a running import table by table, each in the order of its key:
// rows that stand on one page of the file come together.
func (w *sliceWriter) save(ctx context.Context, i *advisoryImport, records []packedRecord) error {
	i.changed = i.changed || len(records) > 0
	heads := rows{w: w, one: stmtRecord, many: stmtRecords, width: strings.Count(recordRow, "?")}
	var packages []affectedOf
	var ratings []ratingOf
	for k := range records {
		r := &records[k]
		if r.Replaces {
			if err := w.exec(ctx, stmtEnd, i.revision, i.feed, r.File); err != nil {
				return err
			}
		}
		id := i.nextID
		i.nextID++
		if err := heads.add(ctx, id, i.feed, r.File, r.Advisory.ID, r.Hash[:],
			millis(r.Advisory.Modified), r.ecosystems, i.revision, r.body, r.details); err != nil {
			return err
		}
		for _, p := range r.affected {
			packages = append(packages, affectedOf{p, id})
		}
		for _, cve := range r.cves {
			ratings = append(ratings, ratingOf{cve, id, r.ratings})
		}
	}
	if err := heads.end(ctx); err != nil {
		return err
	}
	if err := w.saveAffected(ctx, packages); err != nil {
		return err
	}
	return w.saveRatings(ctx, ratings)
}

type affectedOf struct {
	packedAffected
	record int64
}

func (w *sliceWriter) saveAffected(ctx context.Context, list []affectedOf) error {
	slices.SortFunc(list, func(a, b affectedOf) int {
		return cmp.Or(strings.Compare(a.key.Ecosystem, b.key.Ecosystem), strings.Compare(a.key.Name, b.key.Name), cmp.Compare(a.record, b.record))
	})
	out := rows{w: w, one: stmtAffected, many: stmtAffecteds, width: strings.Count(affectedRow, "?")}
	for _, p := range list {
		if err := out.add(ctx, p.key.Ecosystem, p.key.Name, p.record, p.entries); err != nil {
			return err
		}
	}
	return out.end(ctx)
}

type ratingOf struct {
	cve     string
	record  int64
	ratings string
}

func (w *sliceWriter) saveRatings(ctx context.Context, list []ratingOf) error {
	slices.SortFunc(list, func(a, b ratingOf) int {
		return cmp.Or(strings.Compare(a.cve, b.cve), cmp.Compare(a.record, b.record))
	})
	out := rows{w: w, one: stmtRating, many: stmtRatings, width: strings.Count(ratingRow, "?")}
	for _, r := range list {
		if err := out.add(ctx, r.cve, r.record, r.ratings); err != nil {
			return err
		}
	}
	return out.end(ctx)
}
