package store

import (
	"context"
	"database/sql"
	"slices"

	"plimsoll"
)

// BaseImages returns the known images that an image is based on: one for each artifact whose
// layers the image begins with, the one that shares most layers first. Only images in the
// listed enterprise projects (nil lists all) are known to the asker. For an index the
// scanned platforms are looked at one by one.
func (s *Store) BaseImages(ctx context.Context, img plimsoll.Image, enterpriseProjects []string) ([]plimsoll.BaseImage, error) {
	var out []plimsoll.BaseImage
	err := s.eachMember(ctx, img, func(tx *Tx, m member) error {
		found, err := basesOf(ctx, tx, img.ProjectID, enterpriseProjects, m.artifact)
		out = append(out, found...)
		return err
	})
	return out, err
}

// maxBases bounds the artifacts that are looked at for one image.
const maxBases = 1000

// base is a candidate: an artifact whose top layer the image has in the same place.
type base struct {
	artifact int64
	position int
}

func basesOf(ctx context.Context, tx *Tx, project string, eps []string, artifact int64) ([]plimsoll.BaseImage, error) {
	layers, err := artifactLayers(ctx, tx, artifact)
	if err != nil {
		return nil, err
	}
	candidates, err := baseCandidates(ctx, tx, project, layers)
	if err != nil {
		return nil, err
	}
	var out []plimsoll.BaseImage
	for _, c := range candidates {
		below, err := artifactLayers(ctx, tx, c.artifact)
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

// baseCandidates finds the artifacts that end with one of the layers but the last, in its place.
func baseCandidates(ctx context.Context, tx *Tx, project string, layers []plimsoll.Layer) ([]base, error) {
	var all []base
	for start := 0; start < len(layers)-1; start += chunk {
		args := []any{project}
		part := layers[start:min(start+chunk, len(layers)-1)]
		for i, l := range part {
			args = append(args, l.DiffID, start+i)
		}
		rows, err := tx.Query(ctx, `SELECT artifact_id, position FROM artifact_layer
			WHERE top = 1 AND project_id = ? AND diff_id <> '' AND (diff_id, position) IN (VALUES `+tuples(len(part), "(?, ?)")+`)
			ORDER BY position DESC, artifact_id DESC LIMIT ?`, append(args, maxBases)...)
		found, err := collect(rows, err, func(rows *sql.Rows) (b base, err error) { return b, rows.Scan(&b.artifact, &b.position) })
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.SortStableFunc(all, func(a, b base) int { return b.position - a.position })
	return all, nil
}

// baseImage is the newest visible image of an artifact.
func baseImage(ctx context.Context, tx *Tx, project string, eps []string, artifact int64) (b plimsoll.BaseImage, ok bool, err error) {
	query, args := `SELECT repository, tag, digest FROM image WHERE artifact_id = ? AND project_id = ?`, []any{artifact, project}
	if eps != nil {
		query += ` AND enterprise_project_id IN (` + marks(len(eps)) + `)`
		args = append(args, anys(eps)...)
	}
	rows, err := tx.Query(ctx, query+` ORDER BY updated_at DESC, id DESC LIMIT 1`, args...)
	found, err := collect(rows, err, func(rows *sql.Rows) (b plimsoll.BaseImage, err error) {
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
