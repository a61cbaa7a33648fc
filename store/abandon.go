package store

import (
	"context"
	"slices"

	"plimsoll"
)

// Work whose subject is gone must not be handed out. Units end here as stopped and
// count as failed in the tasks that wait for them, so that those can finish.

const openUnit = `state IN ('pending', 'queued', 'running')`

// stopScans stops open scans of artifacts that are not stored any more.
func stopScans(ctx context.Context, tx *Tx, t plimsoll.Tenant, gone []plimsoll.Digest) error {
	for chunk := range slices.Chunk(gone, inList) {
		err := stopUnits(ctx, tx, "the image is gone from its registry",
			`project_id = ? AND enterprise_project_id = ? AND kind = 'scan' AND key IN (`+marks(len(chunk))+`)`,
			append([]any{t.ProjectID, t.EnterpriseProject}, anys(chunk)...))
		if err != nil {
			return err
		}
	}
	return nil
}

// stopRegistryWork stops everything that is open on a registry.
func stopRegistryWork(ctx context.Context, tx *Tx, t plimsoll.Tenant, id int64) error {
	return stopUnits(ctx, tx, "the registry was removed",
		`project_id = ? AND enterprise_project_id = ? AND registry_id = ?`, []any{t.ProjectID, t.EnterpriseProject, id})
}

func stopUnits(ctx context.Context, tx *Tx, why, condition string, args []any) error {
	rows, err := tx.Query(ctx, `UPDATE backlog SET state = 'stopped', lease_until = 0, finished_at = ?, failure = ?, failure_detail = ? WHERE `+
		condition+` AND `+openUnit+` RETURNING id`, append([]any{tx.Now(), plimsoll.FailureNotFound, why}, args...)...)
	stopped, err := collect(rows, err, scanID)
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
const elsewhere = `FROM image i WHERE i.project_id = backlog.project_id
    AND i.enterprise_project_id = backlog.enterprise_project_id AND i.digest = backlog.key`

// redirectScans points open scans of the digests, which a registry just lost a tag of,
// to another image of the same artifact, if there is one.
func redirectScans(ctx context.Context, tx *Tx, t plimsoll.Tenant, registryID int64, digests []plimsoll.Digest) error {
	for chunk := range slices.Chunk(digests, inList) {
		_, err := tx.Exec(ctx, `
UPDATE backlog SET (registry_id, repository) = (SELECT i.registry_id, i.repository `+elsewhere+` ORDER BY i.id DESC LIMIT 1)
WHERE project_id = ? AND enterprise_project_id = ? AND kind = 'scan' AND key IN (`+marks(len(chunk))+`) AND `+openUnit+`
  AND registry_id = ? AND EXISTS (SELECT 1 `+elsewhere+`)
  AND NOT EXISTS (SELECT 1 `+elsewhere+` AND i.registry_id = backlog.registry_id AND i.repository = backlog.repository)`,
			slices.Concat([]any{t.ProjectID, t.EnterpriseProject}, anys(chunk), []any{registryID})...)
		if err != nil {
			return err
		}
	}
	return nil
}
