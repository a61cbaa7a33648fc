package backlog

import (
	"context"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// Units whose image or registry no longer exists must not be claimed. They end here as
// stopped, and count as failed in their tasks, so that those can finish.

const openUnitSQL = `state IN ('pending', 'running')`

const scansOfArtifactsSQL = `project_id = ? AND enterprise_project_id = ? AND kind = 'scan' AND key IN (:keys)`

// StopScans stops open scans of artifacts that are not stored any more.
func StopScans(ctx context.Context, tx *sqldb.Tx, t plimsoll.Tenant, gone []plimsoll.Digest) error {
	return sqldb.EachChunk(gone, func(part []plimsoll.Digest) error {
		return stopUnits(ctx, tx, "the image is no longer in its registry", sqldb.WithKeys(scansOfArtifactsSQL, len(part)),
			append([]any{t.ProjectID, t.EnterpriseProject}, sqldb.Args(part)...))
	})
}

// StopRegistryWork stops everything that is open on a registry.
func StopRegistryWork(ctx context.Context, tx *sqldb.Tx, t plimsoll.Tenant, id int64) error {
	return stopUnits(ctx, tx, "the registry was removed",
		`project_id = ? AND enterprise_project_id = ? AND registry_id = ?`, []any{t.ProjectID, t.EnterpriseProject, id})
}

func stopUnits(ctx context.Context, tx *sqldb.Tx, why, condition string, args []any) error {
	rows, err := tx.Query(ctx, `UPDATE backlog SET state = 'stopped', lease_until = 0, finished_at = ?, failure = ?, failure_detail = ? WHERE `+
		condition+` AND `+openUnitSQL+` RETURNING id`, append([]any{tx.Now(), plimsoll.FailureNotFound, why}, args...)...)
	stopped, err := sqldb.Collect(rows, err, sqldb.ScanID)
	if err != nil {
		return err
	}
	for _, id := range stopped {
		if err := countEnded(ctx, tx, id, plimsoll.WorkFailed); err != nil {
			return err
		}
	}
	return nil
}

// An image that a scan may take its bytes from, other than the vanished one.
const otherImageSQL = `FROM image i WHERE i.project_id = backlog.project_id
    AND i.enterprise_project_id = backlog.enterprise_project_id AND i.digest = backlog.key`

const redirectScansSQL = `
UPDATE backlog SET (registry_id, repository) = (SELECT i.registry_id, i.repository ` + otherImageSQL + ` ORDER BY i.id DESC LIMIT 1)
WHERE project_id = ? AND enterprise_project_id = ? AND kind = 'scan' AND key IN (:keys) AND ` + openUnitSQL + `
  AND registry_id = ? AND EXISTS (SELECT 1 ` + otherImageSQL + `)
  AND NOT EXISTS (SELECT 1 ` + otherImageSQL + ` AND i.registry_id = backlog.registry_id AND i.repository = backlog.repository)`

// RedirectScans points open scans of the digests, which a registry just lost a tag of,
// to another image of the same artifact, if there is one.
func RedirectScans(ctx context.Context, tx *sqldb.Tx, t plimsoll.Tenant, registryID int64, digests []plimsoll.Digest) error {
	_, err := sqldb.ExecChunks(ctx, tx, redirectScansSQL, []any{t.ProjectID, t.EnterpriseProject}, digests, registryID)
	return err
}

const stopUnitsSQL = `
UPDATE backlog SET state = 'stopped', lease_until = 0, finished_at = ?
WHERE state IN ('pending', 'running')
  AND id IN (SELECT backlog_id FROM task_work WHERE task_id = ?)
  AND NOT EXISTS (SELECT 1 FROM task_work tw JOIN task t ON t.id = tw.task_id
      WHERE tw.backlog_id = backlog.id AND t.state = 'running')`
