package backlog

import (
	"context"
	"database/sql"

	"plimsoll"
	"plimsoll/store/sqldb"
)

const insertUnitsSQL = `
INSERT INTO backlog (project_id, enterprise_project_id, kind, key, registry_id, repository, priority, not_before, state, created_at)
VALUES `

const unitRowSQL = `(?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?)`

const joinUnitsSQL = `
ON CONFLICT (project_id, enterprise_project_id, kind, key) WHERE state IN ('pending', 'running')
DO UPDATE SET priority = CASE WHEN excluded.priority > backlog.priority THEN excluded.priority ELSE backlog.priority END
RETURNING id`

// InsertUnits returns the ids of the units, new or joined, each once.
func InsertUnits(ctx context.Context, tx *sqldb.Tx, task *plimsoll.Task, work []plimsoll.Work) ([]int64, error) {
	units := distinctUnits(task, work)
	now := tx.Now()
	args := make([]any, 0, len(units)*9)
	for _, w := range units {
		args = append(args, w.ProjectID, w.EnterpriseProject, w.Kind, w.Key, w.RegistryID, w.Repository,
			w.Priority, sqldb.Millis(w.NotBefore), now)
	}
	ids := make([]int64, 0, len(units))
	err := execBatches(ctx, tx, insertUnitsSQL, unitRowSQL, joinUnitsSQL, 9, args, func(stmt *sql.Stmt, args []any) error {
		rows, err := stmt.QueryContext(ctx, args...)
		got, err := sqldb.Collect(rows, err, sqldb.ScanID)
		ids = append(ids, got...)
		return err
	})
	return ids, err
}

// distinctUnits fills in tenants and drops repeats, keeping the highest priority: one
// statement may not meet the same row twice.
func distinctUnits(task *plimsoll.Task, work []plimsoll.Work) []plimsoll.Work {
	type identity struct {
		plimsoll.Tenant
		kind plimsoll.WorkKind
		key  string
	}
	at := make(map[identity]int, len(work))
	units := make([]plimsoll.Work, 0, len(work))
	for _, w := range work {
		if w.ProjectID == "" {
			w.ProjectID, w.EnterpriseProject = task.ProjectID, task.EnterpriseProject
		}
		id := identity{w.Tenant, w.Kind, w.Key}
		if i, ok := at[id]; ok {
			units[i].Priority = max(units[i].Priority, w.Priority)
			continue
		}
		at[id] = len(units)
		units = append(units, w)
	}
	return units
}
