package store

import (
	"context"

	"plimsoll"
)

// CreateTask stores a task with its units of work, in one transaction, and sets its
// id, state and counters. A unit that is open already is joined.
func (s *Store) CreateTask(ctx context.Context, task *plimsoll.Task, work []plimsoll.Work) error {
	return s.db.write(ctx, func(tx *Tx) error { return enqueue(ctx, tx, task, work) })
}
