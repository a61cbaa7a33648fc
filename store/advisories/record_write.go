package advisories

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"plimsoll"
	"plimsoll/store/sqldb"
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
	stmtStatement
	stmtStatements
	stmtLookup
	stmtLookups
	stmtThreatEnd
	stmtThreat
	stmtThreats
	stmtCount
)

const recordRowSQL = `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const statementRowSQL = `(?, ?, ?, ?)`

const lookupRowSQL = `(?, ?, ?)`

const endRecordSQL = `UPDATE record SET to_revision = ? WHERE feed = ? AND file = ? AND to_revision IS NULL`

const insertRecordSQL = `INSERT INTO record (id, feed, file, advisory, hash, modified, ecosystems, from_revision, body, details) VALUES `

const insertStatementSQL = `INSERT INTO statement (record_id, ecosystem, name, body) VALUES `

const insertLookupSQL = `INSERT INTO lookup (ecosystem, name, record_id) VALUES `

func sliceStatements() [stmtCount]string {
	return [stmtCount]string{
		stmtEnd:        endRecordSQL,
		stmtRecord:     insertRecordSQL + recordRowSQL,
		stmtRecords:    insertRecordSQL + sqldb.Tuples(rowsPerInsert, recordRowSQL),
		stmtStatement:  insertStatementSQL + statementRowSQL,
		stmtStatements: insertStatementSQL + sqldb.Tuples(rowsPerInsert, statementRowSQL),
		stmtLookup:     insertLookupSQL + lookupRowSQL,
		stmtLookups:    insertLookupSQL + sqldb.Tuples(rowsPerInsert, lookupRowSQL),
		stmtThreatEnd:  endThreatSQL,
		stmtThreat:     insertThreatSQL + threatRowSQL,
		stmtThreats:    insertThreatSQL + sqldb.Tuples(rowsPerInsert, threatRowSQL),
	}
}

// sliceWriter runs prepared statements in transactions that end when their time is up.
type sliceWriter struct {
	db       *sqldb.DB
	prepared [stmtCount]*sql.Stmt
	tx       *sql.Tx
	bound    [stmtCount]*sql.Stmt // prepared, of tx; nil until it is used
	started  time.Time
}

// inSlices runs f with a writer and commits what is open at its end. Slices before it
// stay committed if f fails: their rows are not visible.
func (a *Store) inSlices(ctx context.Context, f func(*sliceWriter) error) (err error) {
	w := &sliceWriter{db: a.db}
	for i, query := range sliceStatements() {
		stmt, err := a.db.PrepareWriter(ctx, query)
		if err != nil {
			return sqldb.MapError(err)
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
	return sqldb.MapError(err)
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

// pause ends the slice, so that no other writer waits while nothing is written.
func (w *sliceWriter) pause() error {
	if w.tx == nil {
		return nil
	}
	tx := w.tx
	w.tx = nil
	return tx.Commit()
}

// rowBatch gathers rows of one table for statements that insert several.
type rowBatch struct {
	w         *sliceWriter
	one, many int // statements
	width     int // values of a row
	args      []any
}

func (r *rowBatch) add(ctx context.Context, row ...any) error {
	if r.args = append(r.args, row...); len(r.args) < r.width*rowsPerInsert {
		return nil
	}
	err := r.w.exec(ctx, r.many, r.args...)
	r.args = r.args[:0]
	return err
}

func (r *rowBatch) end(ctx context.Context) error {
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
	heads := rowBatch{w: w, one: stmtRecord, many: stmtRecords, width: strings.Count(recordRowSQL, "?")}
	first := i.nextID
	for k := range records {
		r := &records[k]
		if r.Replaces {
			if err := w.exec(ctx, stmtEnd, i.revision, i.feed, r.File); err != nil {
				return err
			}
		}
		if err := heads.add(ctx, i.nextID, i.feed, r.File, r.Advisory.ID, r.Hash[:],
			sqldb.Millis(r.Advisory.Modified), r.ecosystems, i.revision, r.body, r.details); err != nil {
			return err
		}
		i.nextID++
	}
	if err := heads.end(ctx); err != nil {
		return err
	}
	says := rowBatch{w: w, one: stmtStatement, many: stmtStatements, width: strings.Count(statementRowSQL, "?")}
	for k := range records {
		id := first + int64(k)
		for _, p := range records[k].statements {
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

// pendingLookups are rows of the table lookup that are not written yet.
type pendingLookups struct {
	rows  []pendingLookup
	names map[string]string // what the rows share, apart from the text of records
}

type pendingLookup struct {
	key    plimsoll.AdvisoryKey
	record int64
}

func (l *pendingLookups) add(key plimsoll.AdvisoryKey, record int64) {
	key.Ecosystem, key.Name = l.intern(key.Ecosystem), l.intern(key.Name)
	l.rows = append(l.rows, pendingLookup{key, record})
}

// intern returns a copy of s: s itself may be part of a whole record.
func (l *pendingLookups) intern(s string) string {
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
func (l *pendingLookups) flush(ctx context.Context, w *sliceWriter) error {
	if err := w.pause(); err != nil {
		return err
	}
	slices.SortFunc(l.rows, func(a, b pendingLookup) int {
		return cmp.Or(strings.Compare(a.key.Ecosystem, b.key.Ecosystem), strings.Compare(a.key.Name, b.key.Name), cmp.Compare(a.record, b.record))
	})
	out := rowBatch{w: w, one: stmtLookup, many: stmtLookups, width: strings.Count(lookupRowSQL, "?")}
	for _, r := range l.rows {
		if err := out.add(ctx, r.key.Ecosystem, r.key.Name, r.record); err != nil {
			return err
		}
	}
	l.rows, l.names = l.rows[:0], nil
	return out.end(ctx)
}
