package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode"

	"plimsoll"
)

// inList bounds the placeholders of one IN list.
const inList = 500

// KnownArtifacts tells which of the digests the tenant has stored. Absent ones are not in the map.
func (s *Store) KnownArtifacts(ctx context.Context, t plimsoll.Tenant, digests []plimsoll.Digest) (map[plimsoll.Digest]bool, error) {
	known := make(map[plimsoll.Digest]bool, len(digests))
	err := s.db.read(ctx, func(tx *Tx) error {
		for chunk := range slices.Chunk(digests, inList) {
			rows, err := tx.Query(ctx, `SELECT digest FROM artifact WHERE project_id = ? AND enterprise_project_id = ? AND digest IN (`+
				marks(len(chunk))+`)`, append([]any{t.ProjectID, t.EnterpriseProject}, anys(chunk)...)...)
			found, err := collect(rows, err, func(rows *sql.Rows) (d plimsoll.Digest, err error) { return d, rows.Scan(&d) })
			if err != nil {
				return err
			}
			for _, d := range found {
				known[d] = true
			}
		}
		return nil
	})
	return known, err
}

const artifactSQL = `
SELECT id, digest, kind, media_type, os, architecture, variant, size, created_at,
    config_media_type, config_digest, config_size, config, subject, unscannable
FROM artifact WHERE project_id = ? AND enterprise_project_id = ? AND digest = ?`

// Artifact returns what is stored of a manifest, with layers, members and the parsed
// config. The config has names of environment variables but not their values.
func (s *Store) Artifact(ctx context.Context, t plimsoll.Tenant, d plimsoll.Digest) (plimsoll.Artifact, error) {
	var a plimsoll.Artifact
	err := s.db.read(ctx, func(tx *Tx) error {
		var id, created int64
		var config sql.NullString
		err := tx.QueryRow(ctx, artifactSQL, t.ProjectID, t.EnterpriseProject, d).Scan(&id, &a.Digest, &a.Kind, &a.MediaType,
			&a.Platform.OS, &a.Platform.Architecture, &a.Platform.Variant, &a.Size, &created,
			&a.Config.MediaType, &a.Config.Digest, &a.Config.Size, &config, &a.Subject, &a.Unscannable)
		if errors.Is(err, sql.ErrNoRows) {
			return plimsoll.Errorf(plimsoll.NotFound, "no artifact %s", d.Short())
		}
		if err != nil {
			return err
		}
		a.Created = fromMillis(created)
		if a.Layers, err = artifactLayers(ctx, tx, id); err != nil {
			return err
		}
		if a.Children, err = artifactChildren(ctx, tx, id); err != nil || !config.Valid {
			return err
		}
		a.Settings, err = readConfig(config.String, a.Layers)
		return err
	})
	if err != nil {
		return plimsoll.Artifact{}, err
	}
	return a, nil
}

func artifactLayers(ctx context.Context, tx *Tx, id int64) ([]plimsoll.Layer, error) {
	rows, err := tx.Query(ctx, `SELECT media_type, blob_digest, size, diff_id, created_by
FROM artifact_layer WHERE artifact_id = ? ORDER BY position`, id)
	return collect(rows, err, func(rows *sql.Rows) (l plimsoll.Layer, err error) {
		return l, rows.Scan(&l.MediaType, &l.Digest, &l.Size, &l.DiffID, &l.CreatedBy)
	})
}

func artifactChildren(ctx context.Context, tx *Tx, id int64) ([]plimsoll.Child, error) {
	rows, err := tx.Query(ctx, `SELECT media_type, digest, size, os, architecture, variant, unscannable
FROM artifact_child WHERE artifact_id = ? ORDER BY position`, id)
	return collect(rows, err, func(rows *sql.Rows) (c plimsoll.Child, err error) {
		return c, rows.Scan(&c.MediaType, &c.Digest, &c.Size, &c.Platform.OS, &c.Platform.Architecture, &c.Platform.Variant, &c.Unscannable)
	})
}

const (
	insertArtifactSQL = `
INSERT INTO artifact (project_id, enterprise_project_id, digest, kind, media_type, os, architecture, variant, size,
    created_at, config_media_type, config_digest, config_size, config, subject, unscannable)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`
	insertLayerSQL = `
INSERT INTO artifact_layer (artifact_id, project_id, enterprise_project_id, position, blob_digest, diff_id, media_type, size, created_by, top)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	insertChildSQL = `
INSERT INTO artifact_child (artifact_id, project_id, enterprise_project_id, position, digest, media_type, size, os, architecture, variant, unscannable)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
)

// insertArtifacts stores artifacts that are not stored yet and returns their ids.
func insertArtifacts(ctx context.Context, tx *Tx, t plimsoll.Tenant, artifacts []plimsoll.Artifact) ([]int64, error) {
	digests := make([]plimsoll.Digest, len(artifacts))
	for i, a := range artifacts {
		digests[i] = a.Digest
	}
	stored, err := storedArtifacts(ctx, tx, t, digests)
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
		stored[a.Digest] = storedArtifact{id: id}
		ids = append(ids, id)
	}
	return ids, nil
}

// artifactInserter holds prepared statements: a first sync inserts the same way many times.
type artifactInserter struct {
	tx                     *Tx
	tenant                 plimsoll.Tenant
	manifest, layer, child *sql.Stmt
}

func (n *artifactInserter) prepare(ctx context.Context) (err error) {
	for query, stmt := range map[string]**sql.Stmt{insertArtifactSQL: &n.manifest, insertLayerSQL: &n.layer, insertChildSQL: &n.child} {
		//nolint:sqlclosecheck // a transaction closes its statements
		if *stmt, err = n.tx.PrepareContext(ctx, n.tx.db.Dialect.Rebind(query)); err != nil {
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
		a.Platform.OS, a.Platform.Architecture, a.Platform.Variant, a.Size, millis(a.Created),
		a.Config.MediaType, a.Config.Digest, a.Config.Size, writtenConfig(a.Settings), a.Subject, a.Unscannable).Scan(&id)
	if err != nil {
		return 0, err
	}
	for i, l := range a.Layers {
		if _, err := n.layer.ExecContext(ctx, id, project, enterprise, i, l.Digest, l.DiffID,
			l.MediaType, l.Size, withoutValues(l.CreatedBy), i == len(a.Layers)-1); err != nil {
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

// writtenConfig is the stored form of a config: values of variables are left out,
// because they may be secrets, and diff IDs stand with the layers.
func writtenConfig(c *plimsoll.ImageConfig) any {
	if c == nil {
		return nil
	}
	kept := *c
	kept.DiffIDs = nil
	kept.Env = make([]string, len(c.Env))
	for i, e := range c.Env {
		kept.Env[i], _, _ = strings.Cut(e, "=")
	}
	kept.History = slices.Clone(c.History)
	for i := range kept.History {
		kept.History[i].CreatedBy = withoutValues(kept.History[i].CreatedBy)
	}
	return encodeJSON(kept)
}

func readConfig(written string, layers []plimsoll.Layer) (*plimsoll.ImageConfig, error) {
	c := new(plimsoll.ImageConfig)
	if err := json.Unmarshal([]byte(written), c); err != nil {
		return nil, err
	}
	for _, l := range layers {
		c.DiffIDs = append(c.DiffIDs, l.DiffID)
	}
	return c, nil
}

// withoutValues takes the values out of a build step that sets variables: ENV and ARG
// as the classic builder ("/bin/sh -c #(nop)  ENV A=b") and BuildKit ("ENV A=b") write
// them, and build arguments before a command ("RUN |1 A=b /bin/sh -c …"). A value may
// hold spaces, so only the first name is kept.
func withoutValues(step string) string {
	const nop, shell = "/bin/sh -c #(nop)", " /bin/sh -c "
	bare := strings.TrimSpace(strings.TrimPrefix(step, nop))
	if word, rest, ok := strings.Cut(bare, " "); ok && (word == "ENV" || word == "ARG") {
		name, _, _ := strings.Cut(strings.TrimSpace(rest), "=")
		if space := strings.IndexFunc(name, unicode.IsSpace); space >= 0 {
			name = name[:space]
		}
		return word + " " + name
	}
	run := strings.TrimPrefix(bare, "RUN ")
	if !strings.HasPrefix(run, "|") {
		return step
	}
	kept := strings.TrimSuffix(bare, run)
	count, rest, _ := strings.Cut(run, " ")
	if _, command, ok := strings.Cut(rest, shell); ok {
		return kept + count + " …" + shell + command
	}
	return kept + count + " …"
}

type storedArtifact struct {
	id          int64
	state       plimsoll.ScanState
	unscannable string
	created     int64 // the config's claim; of an index the newest of its members'
}

const storedArtifactsSQL = `
SELECT a.id, a.digest, a.scan_state, a.unscannable,
    CASE WHEN a.kind <> 'index' THEN a.created_at ELSE COALESCE((
        SELECT MAX(m.created_at) FROM artifact_child c
        JOIN artifact m ON m.project_id = c.project_id AND m.enterprise_project_id = c.enterprise_project_id AND m.digest = c.digest
        WHERE c.artifact_id = a.id), 0) END
FROM artifact a WHERE a.project_id = ? AND a.enterprise_project_id = ? AND a.digest IN (`

func storedArtifacts(ctx context.Context, tx *Tx, t plimsoll.Tenant, digests []plimsoll.Digest) (map[plimsoll.Digest]storedArtifact, error) {
	out := make(map[plimsoll.Digest]storedArtifact, len(digests))
	for chunk := range slices.Chunk(digests, inList) {
		rows, err := tx.Query(ctx, storedArtifactsSQL+marks(len(chunk))+`)`,
			append([]any{t.ProjectID, t.EnterpriseProject}, anys(chunk)...)...)
		_, err = collect(rows, err, func(rows *sql.Rows) (struct{}, error) {
			var a storedArtifact
			var d plimsoll.Digest
			err := rows.Scan(&a.id, &d, &a.state, &a.unscannable, &a.created)
			out[d] = a
			return struct{}{}, err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// An artifact that no image and no stored index refers to.
const unreferenced = `
NOT EXISTS (SELECT 1 FROM image i WHERE i.artifact_id = artifact.id)
AND NOT EXISTS (SELECT 1 FROM artifact_child c WHERE c.project_id = artifact.project_id
    AND c.enterprise_project_id = artifact.enterprise_project_id AND c.digest = artifact.digest)`

// sweepArtifacts deletes those of the candidates, and of the members of what it
// deletes, that nothing refers to any more, and stops scans of them.
func sweepArtifacts(ctx context.Context, tx *Tx, t plimsoll.Tenant, candidates []int64) error {
	slices.Sort(candidates)
	candidates = slices.Compact(candidates)
	var gone []plimsoll.Digest
	for len(candidates) > 0 {
		var members []int64
		for chunk := range slices.Chunk(candidates, inList) {
			in := `IN (` + marks(len(chunk)) + `)`
			rows, err := tx.Query(ctx, `
SELECT DISTINCT m.id FROM artifact
JOIN artifact_child k ON k.artifact_id = artifact.id
JOIN artifact m ON m.project_id = k.project_id AND m.enterprise_project_id = k.enterprise_project_id AND m.digest = k.digest
WHERE artifact.id `+in+` AND `+unreferenced, anys(chunk)...)
			ids, err := collect(rows, err, scanID)
			if err != nil {
				return err
			}
			members = append(members, ids...)
			rows, err = tx.Query(ctx, `DELETE FROM artifact WHERE id `+in+` AND `+unreferenced+` RETURNING digest`, anys(chunk)...)
			digests, err := collect(rows, err, func(rows *sql.Rows) (d plimsoll.Digest, err error) { return d, rows.Scan(&d) })
			if err != nil {
				return err
			}
			gone = append(gone, digests...)
		}
		candidates = members
	}
	return stopScans(ctx, tx, t, gone)
}
