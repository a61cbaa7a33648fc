package judgement

import (
	"context"
	"database/sql"

	"plimsoll/store/sqldb"
)

// Gate is the id of a rematch. A reader with this gate sees the judgement as this rematch left
// it: without the rows of set_vulnerability that began later, and with those that end later.
//
// The gate of an artifact is the last finished rematch, or the running one if that has already
// counted the artifact (artifact.counted). So the list and the count of an artifact belong to
// the same rematch at any moment. Readers get their gate from OpenGate, GateOf or GatesOf, and
// apply it with one of the conditions below, or with Shows and HasEnded to rows they have read.
type Gate int64

// Conditions on rows of set_vulnerability s. Each placeholder is bound to a gate.
const (
	BegunSQL    = `s.from_revision <= ?`
	NotEndedSQL = `(s.to_revision IS NULL OR s.to_revision > ?)`
	InSightSQL  = BegunSQL + ` AND ` + NotEndedSQL
)

// HasEnded reports whether a row with this to_revision has ended.
func (g Gate) HasEnded(to sql.NullInt64) bool { return to.Valid && Gate(to.Int64) <= g }

// Shows is InSightSQL for a row with this from_revision and to_revision.
func (g Gate) Shows(from Gate, to sql.NullInt64) bool { return from <= g && !g.HasEnded(to) }

// OpenGate is the gate of every artifact that a running rematch has not counted yet.
func OpenGate(ctx context.Context, tx *sqldb.Tx) (Gate, error) {
	finished, err := lastFinished(ctx, tx)
	return Gate(finished.ID), err
}

const selectCountedSQL = `SELECT counted FROM artifact WHERE id = ?`

// GateOf is the gate of an artifact.
func GateOf(ctx context.Context, tx *sqldb.Tx, artifact int64) (Gate, error) {
	open, err := OpenGate(ctx, tx)
	if err != nil {
		return 0, err
	}
	var own Gate
	err = tx.QueryRow(ctx, selectCountedSQL, artifact).Scan(&own)
	return max(open, own), err
}

const selectAllCountedSQL = `SELECT id, counted FROM artifact WHERE id IN (:keys)`

// GatesOf is GateOf for several artifacts.
func GatesOf(ctx context.Context, tx *sqldb.Tx, artifacts []int64) (map[int64]Gate, error) {
	open, err := OpenGate(ctx, tx)
	if err != nil {
		return nil, err
	}
	out := make(map[int64]Gate, len(artifacts))
	err = sqldb.QueryChunks(ctx, tx, selectAllCountedSQL, nil, artifacts, func(rows *sql.Rows) error {
		var artifact int64
		var own Gate
		err := rows.Scan(&artifact, &own)
		out[artifact] = max(open, own)
		return err
	})
	return out, err
}
