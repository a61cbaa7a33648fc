package findings

import (
	"context"
	"database/sql"

	"plimsoll"
	"plimsoll/store/artifacts"
	"plimsoll/store/sqldb"
)

// BaseImages returns the known images that an image is based on: one for each artifact whose
// layers the image begins with, the one that shares most layers first. Only images in the
// listed enterprise projects (nil lists all) are returned. For an index the scanned
// platforms are compared one by one.
func (s *Store) BaseImages(ctx context.Context, img plimsoll.Image, enterpriseProjects []string) ([]plimsoll.BaseImage, error) {
	var out []plimsoll.BaseImage
	err := artifacts.EachMember(ctx, s.db, img, func(tx *sqldb.Tx, m artifacts.Member) error {
		found, err := findBases(ctx, tx, img.ProjectID, enterpriseProjects, m.Artifact)
		out = append(out, found...)
		return err
	})
	return out, err
}

// baseCandidate is an artifact whose layers the image begins with.
type baseCandidate struct {
	artifact int64
	position int             // of its top layer
	topLayer plimsoll.Digest // blob
}

func findBases(ctx context.Context, tx *sqldb.Tx, project string, eps []string, artifact int64) ([]plimsoll.BaseImage, error) {
	candidates, err := baseCandidates(ctx, tx, project, artifact)
	if err != nil {
		return nil, err
	}
	var out []plimsoll.BaseImage
	for _, c := range candidates {
		found, ok, err := baseImage(ctx, tx, project, eps, c.artifact)
		if err != nil {
			return nil, err
		}
		if ok {
			found.Layers, found.TopLayer = c.position+1, c.topLayer
			out = append(out, found)
		}
	}
	return out, nil
}

// selectBasesSQL finds artifacts by their top layers, and compares the layers below.
const selectBasesSQL = `SELECT t.artifact_id, t.position, t.blob_digest FROM artifact_layer own CROSS JOIN artifact_layer t
	WHERE own.artifact_id = ? AND own.diff_id <> '' AND own.position < (SELECT MAX(l.position) FROM artifact_layer l WHERE l.artifact_id = ?)
	  AND t.top = 1 AND t.project_id = ? AND t.diff_id = own.diff_id AND t.position = own.position
	  AND NOT EXISTS (SELECT 1 FROM artifact_layer below JOIN artifact_layer same ON same.artifact_id = ? AND same.position = below.position
		WHERE below.artifact_id = t.artifact_id AND below.diff_id <> same.diff_id)
	ORDER BY t.position DESC, t.artifact_id DESC`

// baseCandidates finds every artifact that ends where the image goes on, the largest first.
func baseCandidates(ctx context.Context, tx *sqldb.Tx, project string, artifact int64) ([]baseCandidate, error) {
	rows, err := tx.Query(ctx, selectBasesSQL, artifact, artifact, project, artifact)
	return sqldb.Collect(rows, err, func(rows *sql.Rows) (b baseCandidate, err error) {
		return b, rows.Scan(&b.artifact, &b.position, &b.topLayer)
	})
}

// baseImage is the newest visible image of an artifact.
func baseImage(ctx context.Context, tx *sqldb.Tx, project string, eps []string, artifact int64) (b plimsoll.BaseImage, ok bool, err error) {
	query, args := `SELECT repository, tag, digest FROM image WHERE artifact_id = ? AND project_id = ?`, []any{artifact, project}
	if eps != nil {
		query += ` AND enterprise_project_id IN (` + sqldb.Marks(len(eps)) + `)`
		args = append(args, sqldb.Args(eps)...)
	}
	rows, err := tx.Query(ctx, query+` ORDER BY updated_at DESC, id DESC LIMIT 1`, args...)
	found, err := sqldb.Collect(rows, err, func(rows *sql.Rows) (b plimsoll.BaseImage, err error) {
		return b, rows.Scan(&b.Repository, &b.Tag, &b.Digest)
	})
	if err != nil || len(found) == 0 {
		return b, false, err
	}
	facts, err := readFacts(ctx, tx, artifact)
	if facts != nil {
		found[0].Release = facts.Release
	}
	return found[0], true, err
}
