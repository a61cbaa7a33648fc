package artifacts

import (
	"context"
	"slices"

	"plimsoll"
	"plimsoll/store/backlog"
	"plimsoll/store/sqldb"
)

// An artifact that no image and no stored index refers to.
const unreferencedSQL = `
NOT EXISTS (SELECT 1 FROM image i WHERE i.artifact_id = artifact.id)
AND NOT EXISTS (SELECT 1 FROM artifact_child c WHERE c.project_id = artifact.project_id
    AND c.enterprise_project_id = artifact.enterprise_project_id AND c.digest = artifact.digest)`

const selectUnreferencedMembersSQL = `
SELECT DISTINCT m.id FROM artifact
JOIN artifact_child k ON k.artifact_id = artifact.id
JOIN artifact m ON m.project_id = k.project_id AND m.enterprise_project_id = k.enterprise_project_id AND m.digest = k.digest
WHERE artifact.id IN (:keys) AND ` + unreferencedSQL

const deleteUnreferencedSQL = `DELETE FROM artifact WHERE id IN (:keys) AND ` + unreferencedSQL + ` RETURNING digest`

// DeleteUnreferenced deletes those of the candidates, and of the members of what it
// deletes, that nothing refers to any more, and stops scans of them.
func DeleteUnreferenced(ctx context.Context, tx *sqldb.Tx, t plimsoll.Tenant, candidates []int64) error {
	slices.Sort(candidates)
	candidates = slices.Compact(candidates)
	var gone []plimsoll.Digest
	for len(candidates) > 0 {
		var members []int64
		err := sqldb.EachChunk(candidates, func(part []int64) error {
			ids, err := sqldb.CollectChunks(ctx, tx, selectUnreferencedMembersSQL, nil, part, sqldb.ScanID)
			if err != nil {
				return err
			}
			digests, err := sqldb.CollectChunks(ctx, tx, deleteUnreferencedSQL, nil, part, sqldb.ScanValue[plimsoll.Digest])
			members, gone = append(members, ids...), append(gone, digests...)
			return err
		})
		if err != nil {
			return err
		}
		candidates = members
	}
	return backlog.StopScans(ctx, tx, t, gone)
}
