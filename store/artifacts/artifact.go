package artifacts

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"plimsoll"
	"plimsoll/store/sqldb"
)

const selectKnownArtifactsSQL = `SELECT digest FROM artifact WHERE project_id = ? AND enterprise_project_id = ? AND digest IN (:keys)`

// KnownArtifacts returns which of the digests the tenant has stored. Absent ones are not in the map.
func (s *Store) KnownArtifacts(ctx context.Context, t plimsoll.Tenant, digests []plimsoll.Digest) (map[plimsoll.Digest]bool, error) {
	known := make(map[plimsoll.Digest]bool, len(digests))
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		return sqldb.QueryChunks(ctx, tx, selectKnownArtifactsSQL, []any{t.ProjectID, t.EnterpriseProject}, digests, func(rows *sql.Rows) error {
			d, err := sqldb.ScanValue[plimsoll.Digest](rows)
			known[d] = true
			return err
		})
	})
	return known, err
}

const selectArtifactSQL = `
SELECT id, digest, kind, media_type, os, architecture, variant, size, created_at,
    config_media_type, config_digest, config_size, config, subject, unscannable
FROM artifact WHERE project_id = ? AND enterprise_project_id = ? AND digest = ?`

// Artifact returns what is stored of a manifest, with layers, members and the parsed
// config. The config has names of environment variables but not their values.
func (s *Store) Artifact(ctx context.Context, t plimsoll.Tenant, d plimsoll.Digest) (plimsoll.Artifact, error) {
	var a plimsoll.Artifact
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		var id, created int64
		var config sql.NullString
		err := tx.QueryRow(ctx, selectArtifactSQL, t.ProjectID, t.EnterpriseProject, d).Scan(&id, &a.Digest, &a.Kind, &a.MediaType,
			&a.Platform.OS, &a.Platform.Architecture, &a.Platform.Variant, &a.Size, &created,
			&a.Config.MediaType, &a.Config.Digest, &a.Config.Size, &config, &a.Subject, &a.Unscannable)
		if errors.Is(err, sql.ErrNoRows) {
			return plimsoll.Errorf(plimsoll.NotFound, "no artifact %s", d.Short())
		}
		if err != nil {
			return err
		}
		a.Created = sqldb.FromMillis(created)
		if a.Layers, err = Layers(ctx, tx, id); err != nil {
			return err
		}
		if a.Children, err = readChildren(ctx, tx, id); err != nil || !config.Valid {
			return err
		}
		a.Settings, err = decodeConfig(config.String, a.Layers)
		return err
	})
	if err != nil {
		return plimsoll.Artifact{}, err
	}
	return a, nil
}

const selectLayersSQL = `SELECT media_type, blob_digest, size, diff_id, created_by
FROM artifact_layer WHERE artifact_id = ? ORDER BY position`

// Layers returns the layers of an artifact, bottom first.
func Layers(ctx context.Context, tx *sqldb.Tx, id int64) ([]plimsoll.Layer, error) {
	rows, err := tx.Query(ctx, selectLayersSQL, id)
	return sqldb.Collect(rows, err, func(rows *sql.Rows) (l plimsoll.Layer, err error) {
		return l, rows.Scan(&l.MediaType, &l.Digest, &l.Size, &l.DiffID, &l.CreatedBy)
	})
}

const selectChildrenSQL = `SELECT media_type, digest, size, os, architecture, variant, unscannable
FROM artifact_child WHERE artifact_id = ? ORDER BY position`

func readChildren(ctx context.Context, tx *sqldb.Tx, id int64) ([]plimsoll.Child, error) {
	rows, err := tx.Query(ctx, selectChildrenSQL, id)
	return sqldb.Collect(rows, err, func(rows *sql.Rows) (c plimsoll.Child, err error) {
		return c, rows.Scan(&c.MediaType, &c.Digest, &c.Size, &c.Platform.OS, &c.Platform.Architecture, &c.Platform.Variant, &c.Unscannable)
	})
}

func decodeConfig(written string, layers []plimsoll.Layer) (*plimsoll.ImageConfig, error) {
	c := new(plimsoll.ImageConfig)
	if err := json.Unmarshal([]byte(written), c); err != nil {
		return nil, err
	}
	for _, l := range layers {
		c.DiffIDs = append(c.DiffIDs, l.DiffID)
	}
	return c, nil
}

// Row is an artifact by id and kind.
type Row struct {
	ID   int64
	kind plimsoll.ArtifactKind
}

const findArtifactSQL = `SELECT id, kind FROM artifact WHERE project_id = ? AND enterprise_project_id = ? AND digest = ?`

// Find returns the row of an artifact by digest; NotFound if the tenant has none.
func Find(ctx context.Context, tx *sqldb.Tx, t plimsoll.Tenant, d plimsoll.Digest) (a Row, err error) {
	err = tx.QueryRow(ctx, findArtifactSQL,
		t.ProjectID, t.EnterpriseProject, d).Scan(&a.ID, &a.kind)
	if errors.Is(err, sql.ErrNoRows) {
		return a, plimsoll.Errorf(plimsoll.NotFound, "no artifact %.80s in this project", string(d))
	}
	return a, err
}
