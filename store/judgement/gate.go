package judgement

import (
	"context"
	"database/sql"

	"plimsoll/store/sqldb"
)

// Gate is the rematch whose judgement is visible: rows of set_vulnerability that began
// later do not count yet, and rows that end later still do.
type Gate int64

// InSightSQL selects rows of set_vulnerability s that are true at a gate, bound twice.
const InSightSQL = `s.from_revision <= ? AND (s.to_revision IS NULL OR s.to_revision > ?)`

// OpenGate is the gate of everything that a running rematch has not counted.
func OpenGate(ctx context.Context, tx *sqldb.Tx) (Gate, error) {
	last, err := LastRematch(ctx, tx, true)
	return Gate(last.ID), err
}

// GateOf is the gate of an artifact: its count and its list are of one rematch.
func GateOf(ctx context.Context, tx *sqldb.Tx, artifact int64) (Gate, error) {
	open, err := OpenGate(ctx, tx)
	if err != nil {
		return 0, err
	}
	var own Gate
	err = tx.QueryRow(ctx, `SELECT counted FROM artifact WHERE id = ?`, artifact).Scan(&own)
	return max(open, own), err
}

// GatesOf is GateOf for several artifacts.
func GatesOf(ctx context.Context, tx *sqldb.Tx, artifacts []int64) (map[int64]Gate, error) {
	open, err := OpenGate(ctx, tx)
	if err != nil {
		return nil, err
	}
	out := make(map[int64]Gate, len(artifacts))
	err = sqldb.QueryChunks(ctx, tx, `SELECT id, counted FROM artifact WHERE id IN (:keys)`, nil, artifacts, func(rows *sql.Rows) error {
		var artifact int64
		var own Gate
		err := rows.Scan(&artifact, &own)
		out[artifact] = max(open, own)
		return err
	})
	return out, err
}
