package images

import (
	"context"
	"database/sql"

	"plimsoll"
	"plimsoll/store/backlog"
	"plimsoll/store/sqldb"
)

// ScanImages asks for a scan of every distinct artifact among the images that f
// selects, without its page; with refs, only of those that match a ref as well. A ref that
// matches nothing is NotFound. Images that cannot be scanned are skipped. A task
// without work is finished at once.
func (s *Store) ScanImages(ctx context.Context, by string, priority plimsoll.Priority, f plimsoll.ImageFilter, refs []plimsoll.ImageRef) (plimsoll.Task, error) {
	f.Offset, f.Limit = 0, 0
	task := plimsoll.Task{Tenant: plimsoll.Tenant{ProjectID: f.ProjectID}, Kind: plimsoll.WorkScan, By: by}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		work, err := scansOf(ctx, tx, f, refs, priority)
		if err != nil {
			return err
		}
		task.EnterpriseProject = taskTenant(f, work)
		return backlog.Enqueue(ctx, tx, &task, work)
	})
	if err != nil {
		return plimsoll.Task{}, err
	}
	return task, nil
}

func scansOf(ctx context.Context, tx *sqldb.Tx, f plimsoll.ImageFilter, refs []plimsoll.ImageRef, priority plimsoll.Priority) ([]plimsoll.Work, error) {
	if len(refs) == 0 {
		c, err := ImageClauses(f)
		if err != nil {
			return nil, err
		}
		work, _, err := scannableWork(ctx, tx, c, priority)
		return work, err
	}
	var all []plimsoll.Work
	for _, ref := range refs {
		c, err := refClauses(f, ref)
		if err != nil {
			return nil, err
		}
		work, matched, err := scannableWork(ctx, tx, c, priority)
		if err != nil {
			return nil, err
		}
		if matched == 0 {
			return nil, plimsoll.Errorf(plimsoll.NotFound, "no image %s/%s:%s", ref.Namespace, ref.Name, ref.Tag)
		}
		all = append(all, work...)
	}
	return all, nil
}

const selectScannableSQL = `
SELECT i.enterprise_project_id, i.digest, i.registry_id, i.repository,
    i.unscannable = '' AND (r.share_expires_at = 0 OR r.share_expires_at >= ?)
FROM image i JOIN registry r ON r.id = i.registry_id WHERE `

// scannableWork returns work for the images that can be scanned, and how many images matched.
func scannableWork(ctx context.Context, tx *sqldb.Tx, c *sqldb.Clauses, priority plimsoll.Priority) ([]plimsoll.Work, int, error) {
	matched := 0
	var work []plimsoll.Work
	rows, err := tx.Query(ctx, selectScannableSQL+c.SQL()+newestFirstSQL, append([]any{tx.Now()}, c.Args...)...)
	_, err = sqldb.Collect(rows, err, func(rows *sql.Rows) (struct{}, error) {
		w := plimsoll.Work{Tenant: plimsoll.Tenant{ProjectID: c.Args[0].(string)}, Kind: plimsoll.WorkScan, Priority: priority}
		var can bool
		err := rows.Scan(&w.EnterpriseProject, &w.Key, &w.RegistryID, &w.Repository, &can)
		matched++
		if can {
			work = append(work, w)
		}
		return struct{}{}, err
	})
	return work, matched, err
}

// taskTenant is the enterprise project of a task: that of all its work if it is one, else the default.
func taskTenant(f plimsoll.ImageFilter, work []plimsoll.Work) string {
	if len(f.EnterpriseProjects) == 1 {
		return f.EnterpriseProjects[0]
	}
	one := plimsoll.DefaultEnterpriseProject
	for i, w := range work {
		if i > 0 && w.EnterpriseProject != one {
			return plimsoll.DefaultEnterpriseProject
		}
		one = w.EnterpriseProject
	}
	return one
}
