package backlog

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// Dispatch picks up to room pending units whose time has come, marks them queued,
// raises their generation and passes them on, in the order of their turns, in one
// transaction: if pass fails, nothing was picked. It returns how many were passed on.
//
// Interactive work goes before bulk. Within each class the projects take turns, and
// the next call goes on where this one ended; within a project the higher priority
// goes first, then the older.
func (s *Store) Dispatch(ctx context.Context, room int, pass func(*sql.Tx, []plimsoll.Work) error) (int, error) {
	if room <= 0 {
		return 0, nil
	}
	var n int
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		chosen, err := chooseUnits(ctx, tx, true, room)
		if err != nil {
			return err
		}
		if len(chosen) < room {
			bulk, err := chooseUnits(ctx, tx, false, room-len(chosen))
			if err != nil {
				return err
			}
			chosen = append(chosen, bulk...)
		}
		if n = len(chosen); n == 0 {
			return nil
		}
		work, err := markQueued(ctx, tx, chosen)
		if err != nil {
			return err
		}
		return pass(tx.SQLTx(), work)
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// candidateUnit is a pending unit that a turn may pick.
type candidateUnit struct {
	id       int64
	project  string
	priority plimsoll.Priority
}

// selectCandidatesSQL walks from project to project by index, so that its cost grows with
// the projects that have work and not with the work.
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

// chooseUnits picks units of one class in turns and records whose turn was last.
func chooseUnits(ctx context.Context, tx *sqldb.Tx, interactive bool, room int) ([]int64, error) {
	low, high := plimsoll.PriorityInteractive, plimsoll.Priority(1<<30)
	if !interactive {
		low, high = -high, low
	}
	var served string
	err := tx.QueryRow(ctx, `SELECT served FROM dispatch_turn WHERE interactive = ?`, sqldb.BoolInt(interactive)).Scan(&served)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	now := tx.Now()
	rows, err := tx.Query(ctx, selectCandidatesSQL, low, high, now, served, room, low, high, now, room)
	candidates, err := sqldb.Collect(rows, err, func(rows *sql.Rows) (c candidateUnit, err error) {
		return c, rows.Scan(&c.id, &c.project, &c.priority)
	})
	if err != nil || len(candidates) == 0 {
		return nil, err
	}
	chosen, last := takeTurns(candidates, served, room)
	_, err = tx.Exec(ctx, `INSERT INTO dispatch_turn (interactive, served) VALUES (?, ?)
ON CONFLICT (interactive) DO UPDATE SET served = excluded.served`, sqldb.BoolInt(interactive), last)
	return chosen, err
}

// takeTurns picks one unit of each project in turn, beginning with the project after served,
// until room is filled. It returns the picks and the project that picked last.
func takeTurns(candidates []candidateUnit, served string, room int) (ids []int64, last string) {
	slices.SortFunc(candidates, func(a, b candidateUnit) int {
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
	for len(ids) < room && len(ids) < len(candidates) {
		for _, p := range projects {
			if len(byProject[p]) == 0 || len(ids) == room {
				continue
			}
			ids, last = append(ids, byProject[p][0]), p
			byProject[p] = byProject[p][1:]
		}
	}
	return ids, last
}

const markQueuedSQL = `UPDATE backlog SET state = 'queued', generation = generation + 1, lease_until = 0
WHERE state = 'pending' AND id IN (:keys) RETURNING ` + unitColumnsSQL

// markQueued raises the generations and returns the units in the order of ids.
func markQueued(ctx context.Context, tx *sqldb.Tx, ids []int64) ([]plimsoll.Work, error) {
	work, err := sqldb.CollectChunks(ctx, tx, markQueuedSQL, nil, ids, scanWork)
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
