// Package backlog stores pending work and the tasks that wait for it.
//
// A unit is a row of backlog; a task is what a user asked for; task_work joins them. Other
// parts of the store add units in the transaction that made them necessary, with Enqueue.
package backlog

import (
	"context"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// Store answers for the tables of the backlog.
type Store struct {
	db       *sqldb.DB
	failScan FailScanFunc
}

// FailScanFunc records on the artifact of a unit that its scan failed, in the transaction
// that ends the unit. A failure that the artifact has already is only replaced if replace is set.
type FailScanFunc func(ctx context.Context, tx *sqldb.Tx, w plimsoll.Work, replace bool) error

// New makes a store over an engine whose schema is current.
func New(db *sqldb.DB, failScan FailScanFunc) *Store { return &Store{db: db, failScan: failScan} }
