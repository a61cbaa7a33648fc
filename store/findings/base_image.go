package findings

import (
	"context"
	"database/sql"
	"slices"

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

// maxBases bounds the artifacts that are compared with one image.
const maxBases = 1000

// baseCandidate is an artifact whose top layer the image has at the same position.
type baseCandidate struct {
	artifact int64
	position int
}

func findBases(ctx context.Context, tx *sqldb.Tx, project string, eps []string, artifact int64) ([]plimsoll.BaseImage, error) {
	layers, err := artifacts.Layers(ctx, tx, artifact)
	if err != nil {
		return nil, err
	}
	candidates, err := baseCandidates(ctx, tx, project, layers)
	if err != nil {
		return nil, err
	}
	var out []plimsoll.BaseImage
	for _, c := range candidates {
		below, err := artifacts.Layers(ctx, tx, c.artifact)
		if err != nil {
			return nil, err
		}
		same := func(a, b plimsoll.Layer) bool { return a.DiffID == b.DiffID }
		if !slices.EqualFunc(below, layers[:c.position+1], same) {
			continue
		}
		found, ok, err := baseImage(ctx, tx, project, eps, c.artifact)
		if err != nil {
			return nil, err
		}
		if ok {
			found.Layers, found.TopLayer = c.position+1, below[c.position].Digest
			out = append(out, found)
		}
	}
	return out, nil
}

// baseCandidates finds the artifacts whose top layer is one of the layers but the last, at its position.
func baseCandidates(ctx context.Context, tx *sqldb.Tx, project string, layers []plimsoll.Layer) ([]baseCandidate, error) {
	var all []baseCandidate
	for start := 0; start < len(layers)-1; start += sqldb.ChunkSize {
		args := []any{project}
		part := layers[start:min(start+sqldb.ChunkSize, len(layers)-1)]
		for i, l := range part {
			args = append(args, l.DiffID, start+i)
		}
		rows, err := tx.Query(ctx, `SELECT artifact_id, position FROM artifact_layer
			WHERE top = 1 AND project_id = ? AND diff_id <> '' AND (diff_id, position) IN (VALUES `+sqldb.Tuples(len(part), "(?, ?)")+`)
			ORDER BY position DESC, artifact_id DESC LIMIT ?`, append(args, maxBases)...)
		found, err := sqldb.Collect(rows, err, func(rows *sql.Rows) (b baseCandidate, err error) { return b, rows.Scan(&b.artifact, &b.position) })
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.SortStableFunc(all, func(a, b baseCandidate) int { return b.position - a.position })
	return all, nil
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
