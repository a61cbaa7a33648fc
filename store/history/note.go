package history

import (
	"context"
	"slices"

	"plimsoll/store/artifacts"
	"plimsoll/store/judgement"
	"plimsoll/store/sqldb"
)

// The current counted sets of images; those of an index are the sets of its members.
const currentSetsSQL = `WITH held (image_id, project_id, enterprise_project_id, set_id) AS (
		SELECT i.id, i.project_id, i.enterprise_project_id, h.set_id
		FROM image i JOIN artifact_set h ON h.artifact_id = i.artifact_id WHERE i.id IN (:keys) AND ` + judgement.CountedSQL + `
		UNION
		SELECT i.id, i.project_id, i.enterprise_project_id, h.set_id FROM image i
		JOIN artifact_child c ON c.artifact_id = i.artifact_id AND c.unscannable = ''
		JOIN artifact a ON a.project_id = c.project_id AND a.enterprise_project_id = c.enterprise_project_id AND a.digest = c.digest
		JOIN artifact_set h ON h.artifact_id = a.id WHERE i.id IN (:keys) AND ` + judgement.CountedSQL + `)
		`

const insertImageArtifactsSQL = `INSERT INTO image_artifact (image_id, project_id, enterprise_project_id, from_at, digest)
		SELECT id, project_id, enterprise_project_id, CAST(? AS BIGINT), digest FROM image WHERE id IN (:keys)
	ON CONFLICT (image_id, from_at) DO UPDATE SET digest = excluded.digest`

// RecordArtifacts records what image rows point to from now on, and which sets they have.
func RecordArtifacts(ctx context.Context, w *sqldb.Changes, images []int64) error {
	if err := w.ChangeChunks(ctx, insertImageArtifactsSQL, []any{w.Now()}, images); err != nil {
		return err
	}
	return recordSets(ctx, w, images)
}

const endImageSetsSQL = currentSetsSQL + `UPDATE image_set SET until_at = ? WHERE image_id IN (:keys) AND until_at IS NULL
		AND NOT EXISTS (SELECT 1 FROM held WHERE held.image_id = image_set.image_id AND held.set_id = image_set.set_id)`

const insertImageSetsSQL = currentSetsSQL + `INSERT INTO image_set (image_id, project_id, enterprise_project_id, set_id, from_at)
		SELECT image_id, project_id, enterprise_project_id, set_id, CAST(? AS BIGINT) FROM held
		WHERE NOT EXISTS (SELECT 1 FROM image_set s WHERE s.image_id = held.image_id AND s.set_id = held.set_id AND s.until_at IS NULL)
		ON CONFLICT (image_id, set_id, from_at) DO UPDATE SET until_at = NULL`

// recordSets records which sets images have from now on, and which they no longer have.
func recordSets(ctx context.Context, w *sqldb.Changes, images []int64) error {
	return sqldb.EachChunk(images, func(part []int64) error {
		ids, now := sqldb.Args(part), w.Now()
		twice := append(slices.Clone(ids), ids...)
		err := w.Change(ctx, sqldb.WithKeys(endImageSetsSQL, len(ids)), append(append(slices.Clone(twice), now), ids...)...)
		if err != nil {
			return err
		}
		return w.Change(ctx, sqldb.WithKeys(insertImageSetsSQL, len(ids)), append(twice, now)...)
	})
}

const selectImagesAboveSQL = `SELECT id FROM image WHERE artifact_id IN (:keys)`

// RecordSetsAbove is noteSets for the images of an artifact and of the indexes above it.
func RecordSetsAbove(ctx context.Context, w *sqldb.Changes, artifact int64) error {
	holders, err := artifacts.IndexesAbove(ctx, w.Tx, []int64{artifact})
	if err != nil {
		return err
	}
	holders = append(holders, artifact)
	images, err := sqldb.CollectChunks(ctx, w.Tx, selectImagesAboveSQL, nil, holders, sqldb.ScanID)
	if err != nil {
		return err
	}
	return recordSets(ctx, w, images)
}
