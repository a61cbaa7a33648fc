package store

import (
	"context"
	"slices"
	"strings"
)

const (
	sqlNoteArtifact = `INSERT INTO image_artifact (image_id, project_id, enterprise_project_id, from_at, digest)
		SELECT id, project_id, enterprise_project_id, CAST(? AS BIGINT), digest FROM image WHERE id IN (`

	// The sets that images hold; those of an index are its members'.
	sqlHeldNow = `WITH held (image_id, project_id, enterprise_project_id, set_id) AS (
		SELECT i.id, i.project_id, i.enterprise_project_id, h.set_id
		FROM image i JOIN artifact_set h ON h.artifact_id = i.artifact_id WHERE i.id IN (%s)
		UNION
		SELECT i.id, i.project_id, i.enterprise_project_id, h.set_id FROM image i
		JOIN artifact_child c ON c.artifact_id = i.artifact_id AND c.unscannable = ''
		JOIN artifact a ON a.project_id = c.project_id AND a.enterprise_project_id = c.enterprise_project_id AND a.digest = c.digest
		JOIN artifact_set h ON h.artifact_id = a.id WHERE i.id IN (%s))
		`
	sqlNoteLeft = sqlHeldNow + `UPDATE image_set SET until_at = ? WHERE image_id IN (%s) AND until_at IS NULL
		AND NOT EXISTS (SELECT 1 FROM held WHERE held.image_id = image_set.image_id AND held.set_id = image_set.set_id)`
	sqlNoteHeld = sqlHeldNow + `INSERT INTO image_set (image_id, project_id, enterprise_project_id, set_id, from_at)
		SELECT image_id, project_id, enterprise_project_id, set_id, CAST(? AS BIGINT) FROM held
		WHERE NOT EXISTS (SELECT 1 FROM image_set s WHERE s.image_id = held.image_id AND s.set_id = held.set_id AND s.until_at IS NULL)
		ON CONFLICT (image_id, set_id, from_at) DO UPDATE SET until_at = NULL`
)

// noteArtifacts writes down what image rows point to from now on, and which sets they hold.
func (w *writer) noteArtifacts(ctx context.Context, images []int64) error {
	for part := range slices.Chunk(images, chunk) {
		err := w.change(ctx, sqlNoteArtifact+marks(len(part))+`) ON CONFLICT (image_id, from_at) DO UPDATE SET digest = excluded.digest`,
			append([]any{w.Now()}, anys(part)...)...)
		if err != nil {
			return err
		}
	}
	return w.noteSets(ctx, images)
}

// noteSets writes down which sets images began to hold, and which they hold no more.
func (w *writer) noteSets(ctx context.Context, images []int64) error {
	for part := range slices.Chunk(images, chunk) {
		ids, now := anys(part), w.Now()
		twice := append(slices.Clone(ids), ids...)
		err := w.change(ctx, inLists(sqlNoteLeft, len(ids)), append(append(slices.Clone(twice), now), ids...)...)
		if err != nil {
			return err
		}
		if err := w.change(ctx, inLists(sqlNoteHeld, len(ids)), append(twice, now)...); err != nil {
			return err
		}
	}
	return nil
}

// noteSetsAbove is noteSets for the images of an artifact and of the indexes above it.
func (w *writer) noteSetsAbove(ctx context.Context, artifact int64) error {
	holders, err := indexesAbove(ctx, w.Tx, []int64{artifact})
	if err != nil {
		return err
	}
	holders = append(holders, artifact)
	rows, err := w.Query(ctx, `SELECT id FROM image WHERE artifact_id IN (`+marks(len(holders))+`)`, anys(holders)...)
	images, err := collect(rows, err, scanID)
	if err != nil {
		return err
	}
	return w.noteSets(ctx, images)
}

// inLists puts lists of n placeholders where a query has %s.
func inLists(query string, n int) string { return strings.ReplaceAll(query, "%s", marks(n)) }
