package artifacts

import (
	"context"
	"database/sql"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// Insert stores artifacts that are not stored yet and returns their ids.
func Insert(ctx context.Context, tx *sqldb.Tx, t plimsoll.Tenant, artifacts []plimsoll.Artifact) ([]int64, error) {
	digests := make([]plimsoll.Digest, len(artifacts))
	for i, a := range artifacts {
		digests[i] = a.Digest
	}
	stored, err := FindStored(ctx, tx, t, digests)
	if err != nil {
		return nil, err
	}
	var ids []int64
	insert := artifactInserter{tx: tx, tenant: t}
	defer insert.close()
	for _, a := range artifacts {
		if _, ok := stored[a.Digest]; ok {
			continue
		}
		id, err := insert.artifact(ctx, a)
		if err != nil {
			return nil, err
		}
		stored[a.Digest] = Stored{ID: id}
		ids = append(ids, id)
	}
	return ids, nil
}

// artifactInserter has prepared statements, because a first sync inserts many artifacts.
type artifactInserter struct {
	tx                     *sqldb.Tx
	tenant                 plimsoll.Tenant
	manifest, layer, child *sql.Stmt
}

const insertArtifactSQL = `
INSERT INTO artifact (project_id, enterprise_project_id, digest, kind, media_type, os, architecture, variant, size,
    created_at, config_media_type, config_digest, config_size, config, subject, unscannable)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`

const insertLayerSQL = `
INSERT INTO artifact_layer (artifact_id, project_id, enterprise_project_id, position, blob_digest, diff_id, media_type, size, created_by, top)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const insertChildSQL = `
INSERT INTO artifact_child (artifact_id, project_id, enterprise_project_id, position, digest, media_type, size, os, architecture, variant, unscannable)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

func (n *artifactInserter) prepare(ctx context.Context) (err error) {
	for query, stmt := range map[string]**sql.Stmt{insertArtifactSQL: &n.manifest, insertLayerSQL: &n.layer, insertChildSQL: &n.child} {
		//nolint:sqlclosecheck // a transaction closes its statements
		if *stmt, err = n.tx.Prepare(ctx, query); err != nil {
			return err
		}
	}
	return nil
}

func (n *artifactInserter) close() {
	for _, stmt := range []*sql.Stmt{n.manifest, n.layer, n.child} {
		if stmt != nil {
			stmt.Close() //nolint:errcheck,gosec // the transaction ends it in any case
		}
	}
}

func (n *artifactInserter) artifact(ctx context.Context, a plimsoll.Artifact) (id int64, err error) {
	if n.manifest == nil {
		if err := n.prepare(ctx); err != nil {
			return 0, err
		}
	}
	project, enterprise := n.tenant.ProjectID, n.tenant.EnterpriseProject
	err = n.manifest.QueryRowContext(ctx, project, enterprise, a.Digest, a.Kind, a.MediaType,
		a.Platform.OS, a.Platform.Architecture, a.Platform.Variant, a.Size, sqldb.Millis(a.Created),
		a.Config.MediaType, a.Config.Digest, a.Config.Size, encodeConfig(a.Settings), a.Subject, a.Unscannable).Scan(&id)
	if err != nil {
		return 0, err
	}
	for i, l := range a.Layers {
		if _, err := n.layer.ExecContext(ctx, id, project, enterprise, i, l.Digest, l.DiffID,
			l.MediaType, l.Size, l.CreatedBy, i == len(a.Layers)-1); err != nil {
			return 0, err
		}
	}
	for i, c := range a.Children {
		if _, err := n.child.ExecContext(ctx, id, project, enterprise, i, c.Digest, c.MediaType, c.Size,
			c.Platform.OS, c.Platform.Architecture, c.Platform.Variant, c.Unscannable); err != nil {
			return 0, err
		}
	}
	return id, nil
}

// encodeConfig is the stored form of a config, which manifest.Redactor has made storable. Its diff IDs are columns of
// the layers.
func encodeConfig(c *plimsoll.ImageConfig) any {
	if c == nil {
		return nil
	}
	kept := *c
	kept.DiffIDs = nil
	return sqldb.EncodeJSON(kept)
}

// Stored is what a sync needs to know of an artifact that is stored already.
type Stored struct {
	ID          int64
	State       plimsoll.ScanState
	Unscannable string
	Created     int64 // the config's claim; of an index the newest of its members'
}

const selectStoredSQL = `
SELECT a.id, a.digest, a.scan_state, a.unscannable,
    CASE WHEN a.kind <> 'index' THEN a.created_at ELSE COALESCE((
        SELECT MAX(m.created_at) FROM artifact_child c
        JOIN artifact m ON m.project_id = c.project_id AND m.enterprise_project_id = c.enterprise_project_id AND m.digest = c.digest
        WHERE c.artifact_id = a.id), 0) END
FROM artifact a WHERE a.project_id = ? AND a.enterprise_project_id = ? AND a.digest IN (:keys)`

// FindStored returns those of the digests that the tenant has stored. Others are not in the map.
func FindStored(ctx context.Context, tx *sqldb.Tx, t plimsoll.Tenant, digests []plimsoll.Digest) (map[plimsoll.Digest]Stored, error) {
	out := make(map[plimsoll.Digest]Stored, len(digests))
	err := sqldb.QueryChunks(ctx, tx, selectStoredSQL, []any{t.ProjectID, t.EnterpriseProject}, digests, func(rows *sql.Rows) error {
		var a Stored
		var d plimsoll.Digest
		err := rows.Scan(&a.ID, &d, &a.State, &a.Unscannable, &a.Created)
		out[d] = a
		return err
	})
	return out, err
}
