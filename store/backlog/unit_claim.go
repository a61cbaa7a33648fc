package backlog

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// Claim picks up to limit pending units whose time has come and makes them running, each with a
// new generation, one more attempt and the lease. It returns them in the order of their turns.
// No unit is returned twice, whatever calls Claim at the same time. TaskID is the oldest running
// task that waits for the unit, 0 if none.
//
// Interactive work goes before bulk. Within each class the projects take turns, and the next call
// continues where this one ended; within a project the higher priority goes first, then the older.
//
// The attempt is counted before the work starts, so that a process that dies of it leaves a trace.
func (s *Store) Claim(ctx context.Context, limit int, lease time.Time) ([]plimsoll.Work, error) {
	if limit <= 0 {
		return nil, nil
	}
	var work []plimsoll.Work
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		chosen, err := chooseUnits(ctx, tx, true, limit)
		if err != nil {
			return err
		}
		if len(chosen) < limit {
			bulk, err := chooseUnits(ctx, tx, false, limit-len(chosen))
			if err != nil {
				return err
			}
			chosen = append(chosen, bulk...)
		}
		work, err = startUnits(ctx, tx, chosen, lease)
		return err
	})
	if err != nil {
		return nil, err
	}
	return work, nil
}

// candidate is a pending unit that a turn may pick.
type candidate struct {
	id       int64
	project  string
	priority plimsoll.Priority
}

// selectCandidatesSQL walks from project to project by index, so that its cost grows with
// the projects that have work and not with the work. An engine with several writers may lock the
// rows of u and skip those that another transaction has locked (FOR UPDATE OF u SKIP LOCKED):
// startUnits leaves out what was claimed since.
const selectCandidatesSQL = `
WITH RECURSIVE waiting (project_id) AS (
    SELECT MIN(project_id) FROM backlog WHERE state = 'pending'
    UNION ALL
    SELECT (SELECT MIN(b.project_id) FROM backlog b WHERE b.state = 'pending' AND b.project_id > waiting.project_id)
    FROM waiting WHERE waiting.project_id IS NOT NULL
), ready AS (
    SELECT project_id FROM waiting
    WHERE EXISTS (SELECT 1 FROM backlog b WHERE b.project_id = waiting.project_id AND b.state = 'pending'
        AND b.priority >= ? AND b.priority < ? AND b.not_before <= ?)
    ORDER BY CASE WHEN project_id > ? THEN 0 ELSE 1 END, project_id
    LIMIT ?
)
SELECT u.id, u.project_id, u.priority FROM ready JOIN backlog u ON u.id IN (
    SELECT b.id FROM backlog b WHERE b.project_id = ready.project_id AND b.state = 'pending'
        AND b.priority >= ? AND b.priority < ? AND b.not_before <= ?
    ORDER BY b.priority DESC, b.id LIMIT ?)`

const selectTurnSQL = `SELECT served FROM dispatch_turn WHERE interactive = ?`

const upsertTurnSQL = `INSERT INTO dispatch_turn (interactive, served) VALUES (?, ?)
ON CONFLICT (interactive) DO UPDATE SET served = excluded.served`

// chooseUnits picks units of one class in turns and records whose turn was last.
func chooseUnits(ctx context.Context, tx *sqldb.Tx, interactive bool, limit int) ([]int64, error) {
	low, high := plimsoll.PriorityInteractive, plimsoll.Priority(1<<30)
	if !interactive {
		low, high = -high, low
	}
	var served string
	err := tx.QueryRow(ctx, selectTurnSQL, sqldb.BoolInt(interactive)).Scan(&served)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	now := tx.Now()
	rows, err := tx.Query(ctx, selectCandidatesSQL, low, high, now, served, limit, low, high, now, limit)
	candidates, err := sqldb.Collect(rows, err, func(rows *sql.Rows) (c candidate, err error) {
		return c, rows.Scan(&c.id, &c.project, &c.priority)
	})
	if err != nil || len(candidates) == 0 {
		return nil, err
	}
	chosen, last := takeTurns(candidates, served, limit)
	_, err = tx.Exec(ctx, upsertTurnSQL, sqldb.BoolInt(interactive), last)
	return chosen, err
}

// takeTurns picks one unit of each project in turn, beginning with the project after served,
// until limit is reached. It returns the picks and the project that picked last.
func takeTurns(candidates []candidate, served string, limit int) (ids []int64, last string) {
	slices.SortFunc(candidates, func(a, b candidate) int {
		return cmp.Or(-cmp.Compare(a.priority, b.priority), cmp.Compare(a.id, b.id))
	})
	byProject := map[string][]int64{}
	var projects []string
	for _, c := range candidates {
		if byProject[c.project] == nil {
			projects = append(projects, c.project)
		}
		byProject[c.project] = append(byProject[c.project], c.id)
	}
	slices.Sort(projects)
	next, _ := slices.BinarySearch(projects, served+"\x00")
	projects = append(projects[next:], projects[:next]...)
	for len(ids) < limit && len(ids) < len(candidates) {
		for _, p := range projects {
			if len(byProject[p]) == 0 || len(ids) == limit {
				continue
			}
			ids, last = append(ids, byProject[p][0]), p
			byProject[p] = byProject[p][1:]
		}
	}
	return ids, last
}

const startUnitsSQL = `
UPDATE backlog SET state = 'running', generation = generation + 1, attempts = attempts + 1, lease_until = ?
WHERE state = 'pending' AND id IN (:keys)
RETURNING ` + unitColumnsSQL + `, (SELECT COALESCE(MIN(t.id), 0) FROM task_work tw JOIN task t ON t.id = tw.task_id
    WHERE tw.backlog_id = backlog.id AND t.state = 'running')`

// startUnits makes those of the units running that are still pending, and returns them in the
// order of ids.
func startUnits(ctx context.Context, tx *sqldb.Tx, ids []int64, lease time.Time) ([]plimsoll.Work, error) {
	work, err := sqldb.CollectChunks(ctx, tx, startUnitsSQL, []any{sqldb.Millis(lease)}, ids, scanClaimed)
	if err != nil {
		return nil, err
	}
	turn := make(map[int64]int, len(ids))
	for i, id := range ids {
		turn[id] = i
	}
	slices.SortFunc(work, func(a, b plimsoll.Work) int { return cmp.Compare(turn[a.ID], turn[b.ID]) })
	return work, nil
}

// scanClaimed scans the columns of a unit, and the task that it works for.
func scanClaimed(rows *sql.Rows) (plimsoll.Work, error) {
	var w plimsoll.Work
	var notBefore, created int64
	err := rows.Scan(append(workFields(&w, &notBefore, &created), &w.TaskID)...)
	w.NotBefore, w.CreatedAt = sqldb.FromMillis(notBefore), sqldb.FromMillis(created)
	return w, err
}
