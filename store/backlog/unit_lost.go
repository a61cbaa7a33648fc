package backlog

import (
	"context"
	"time"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// maxInterruptions is how often a unit may lose its worker before it fails: what kills its
// process would do so every time.
const maxInterruptions = 3

// Reclaim takes back running units whose lease ended before now, and returns how many.
func (s *Store) Reclaim(ctx context.Context, now time.Time) (int, error) {
	return s.takeBack(ctx, `state = 'running' AND lease_until < ?`, sqldb.Millis(now))
}

// Sweep takes back every running unit, and returns how many. Only a process that is alone with
// the database may call it, before it claims any.
func (s *Store) Sweep(ctx context.Context) (int, error) {
	return s.takeBack(ctx, `state = 'running'`)
}

// takeBack makes units pending, or failed if they have lost too many workers.
func (s *Store) takeBack(ctx context.Context, where string, args ...any) (int, error) {
	var n int
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		ended, err := s.failInterrupted(ctx, tx, where, args...)
		if err != nil {
			return err
		}
		res, err := tx.Exec(ctx, `UPDATE backlog
SET state = 'pending', interruptions = interruptions + 1, lease_until = 0
WHERE `+where, args...)
		if err != nil {
			return err
		}
		back, err := res.RowsAffected()
		n = ended + int(back)
		return err
	})
	return n, err
}

// interruptedDetail is the failure that people read of such a unit, and of its image.
const interruptedDetail = "the process ended during every attempt"

// failInterrupted fails the units that have lost their last worker, and returns how many. Their
// workers could not record the failure on the artifact of a scan, so it is recorded here.
func (s *Store) failInterrupted(ctx context.Context, tx *sqldb.Tx, where string, args ...any) (int, error) {
	rows, err := tx.Query(ctx, `UPDATE backlog
SET state = 'failed', failure = ?, failure_detail = ?, interruptions = interruptions + 1, lease_until = 0, finished_at = ?
WHERE state = 'running' AND interruptions >= ? AND `+where+` RETURNING `+unitColumnsSQL,
		append([]any{plimsoll.FailureInterrupted, interruptedDetail, tx.Now(), maxInterruptions - 1}, args...)...)
	ended, err := sqldb.Collect(rows, err, scanWork)
	if err != nil {
		return 0, err
	}
	for _, w := range ended {
		if err := countEnded(ctx, tx, w.ID, plimsoll.WorkFailed); err != nil {
			return 0, err
		}
		if err := s.failScan(ctx, tx, w, true); err != nil {
			return 0, err
		}
	}
	return len(ended), nil
}
