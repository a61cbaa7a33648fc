package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"plimsoll"
)

// writeSlice is how long an import holds the write lock at a time, without the commit.
const writeSlice = 12 * time.Millisecond

// rowsPerInsert is how many rows one statement carries: most of the cost of a row of
// this size is that of running a statement.
const rowsPerInsert = 32

// The statements of a sliceWriter.
const (
	stmtEnd = iota
	stmtRecord
	stmtRecords // rowsPerInsert of them
	stmtSays
	stmtSaysMany
	stmtLookup
	stmtLookups
	stmtThreatEnd
	stmtThreat
	stmtThreats
	stmtCount
)

const (
	endRecord    = `UPDATE record SET to_revision = ? WHERE feed = ? AND file = ? AND to_revision IS NULL`
	insertRecord = `INSERT INTO record (id, feed, file, advisory, hash, modified, ecosystems, from_revision, body, details) VALUES `
	recordRow    = `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	insertSays   = `INSERT INTO statement (record_id, ecosystem, name, body) VALUES `
	saysRow      = `(?, ?, ?, ?)`
	insertLookup = `INSERT INTO lookup (ecosystem, name, record_id) VALUES `
	lookupRow    = `(?, ?, ?)`
	endThreat    = `UPDATE threat SET to_revision = ? WHERE cve = ? AND feed = ? AND to_revision IS NULL`
	insertThreat = `INSERT INTO threat (cve, feed, from_revision, exploited, ransomware, epss) VALUES `
	threatRow    = `(?, ?, ?, ?, ?, ?)`
)

func sliceStatements() [stmtCount]string {
	return [stmtCount]string{
		stmtEnd:       endRecord,
		stmtRecord:    insertRecord + recordRow,
		stmtRecords:   insertRecord + tuples(rowsPerInsert, recordRow),
		stmtSays:      insertSays + saysRow,
		stmtSaysMany:  insertSays + tuples(rowsPerInsert, saysRow),
		stmtLookup:    insertLookup + lookupRow,
		stmtLookups:   insertLookup + tuples(rowsPerInsert, lookupRow),
		stmtThreatEnd: endThreat,
		stmtThreat:    insertThreat + threatRow,
		stmtThreats:   insertThreat + tuples(rowsPerInsert, threatRow),
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
	return w.pause()
}

// pause ends the slice: nobody is to wait while something else than writing is done.
func (w *sliceWriter) pause() error {
	if w.tx == nil {
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

// save writes records of a running import table by table, each in the order of its key.
// Their lookup rows wait in the import: see lookups.
func (w *sliceWriter) save(ctx context.Context, i *advisoryImport, records []packedRecord) error {
	i.changed = i.changed || len(records) > 0
	heads := rows{w: w, one: stmtRecord, many: stmtRecords, width: strings.Count(recordRow, "?")}
	first := i.nextID
	for k := range records {
		r := &records[k]
		if r.Replaces {
			if err := w.exec(ctx, stmtEnd, i.revision, i.feed, r.File); err != nil {
				return err
			}
		}
		if err := heads.add(ctx, i.nextID, i.feed, r.File, r.Advisory.ID, r.Hash[:],
			millis(r.Advisory.Modified), r.ecosystems, i.revision, r.body, r.details); err != nil {
			return err
		}
		i.nextID++
	}
	if err := heads.end(ctx); err != nil {
		return err
	}
	says := rows{w: w, one: stmtSays, many: stmtSaysMany, width: strings.Count(saysRow, "?")}
	for k := range records {
		id := first + int64(k)
		for _, p := range records[k].says {
			if err := says.add(ctx, id, p.key.Ecosystem, p.key.Name, p.body); err != nil {
				return err
			}
			i.lookups.add(p.key, id)
		}
	}
	if err := says.end(ctx); err != nil {
		return err
	}
	if len(i.lookups.rows) < lookupRun {
		return nil
	}
	return i.lookups.flush(ctx, w)
}

// lookupRun is how many lookup rows make a run. Sorted by name, a run of this size writes
// each page of the table about once; rows as they come would write a page each.
const lookupRun = 500_000

// lookups are rows of the table lookup that are not written yet.
type lookups struct {
	rows  []lookup
	names map[string]string // what the rows share, apart from the text of records
}

type lookup struct {
	key    plimsoll.AdvisoryKey
	record int64
}

func (l *lookups) add(key plimsoll.AdvisoryKey, record int64) {
	key.Ecosystem, key.Name = l.own(key.Ecosystem), l.own(key.Name)
	l.rows = append(l.rows, lookup{key, record})
}

// own returns a copy of s: s itself may be part of a whole record.
func (l *lookups) own(s string) string {
	c, ok := l.names[s]
	if !ok {
		c = strings.Clone(s)
		if l.names == nil {
			l.names = map[string]string{}
		}
		l.names[c] = c
	}
	return c
}

// flush writes the rows in the order of their key.
func (l *lookups) flush(ctx context.Context, w *sliceWriter) error {
	if err := w.pause(); err != nil {
		return err
	}
	slices.SortFunc(l.rows, func(a, b lookup) int {
		return cmp.Or(strings.Compare(a.key.Ecosystem, b.key.Ecosystem), strings.Compare(a.key.Name, b.key.Name), cmp.Compare(a.record, b.record))
	})
	out := rows{w: w, one: stmtLookup, many: stmtLookups, width: strings.Count(lookupRow, "?")}
	for _, r := range l.rows {
		if err := out.add(ctx, r.key.Ecosystem, r.key.Name, r.record); err != nil {
			return err
		}
	}
	l.rows, l.names = l.rows[:0], nil
	return out.end(ctx)
}
