package artifacts

import (
	"bytes"
	"context"
	"database/sql"

	"plimsoll"
	"plimsoll/store/judgement"
	"plimsoll/store/sqldb"
)

// PackageSetRow is one row of artifact_set.
type PackageSetRow struct {
	Set    int64
	places []byte // packed, as stored
	Text   []byte // JSON, as scanned
}

const selectPackageSetsSQL = `SELECT set_id, places FROM artifact_set WHERE artifact_id = ? ORDER BY position`

// packageSetRows returns the sets of an artifact in its order.
func packageSetRows(ctx context.Context, tx *sqldb.Tx, artifact int64) ([]PackageSetRow, error) {
	rows, err := tx.Query(ctx, selectPackageSetsSQL, artifact)
	return sqldb.Collect(rows, err, func(rows *sql.Rows) (h PackageSetRow, err error) {
		err = rows.Scan(&h.Set, &h.places)
		return h, err
	})
}

const upsertPackageSetSQL = `INSERT INTO artifact_set (artifact_id, project_id, enterprise_project_id, set_id, position, places)
	VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (artifact_id, position) DO UPDATE SET set_id = excluded.set_id, places = excluded.places`

const deletePackageSetsSQL = `DELETE FROM artifact_set WHERE artifact_id = ? AND position >= ?`

// SavePackageSets rewrites the rows that differ. Texts are compared, not packed bytes,
// which may change with the compressor.
func SavePackageSets(ctx context.Context, w *sqldb.Changes, t plimsoll.Tenant, artifact int64, want []PackageSetRow) error {
	have, err := packageSetRows(ctx, w.Tx, artifact)
	if err != nil {
		return err
	}
	for i, h := range want {
		if i < len(have) && have[i].Set == h.Set {
			text, err := sqldb.Unpack(have[i].places)
			if err != nil {
				return err
			}
			if bytes.Equal(text, h.Text) {
				continue
			}
		}
		packed, err := sqldb.Pack(h.Text)
		if err != nil {
			return err
		}
		err = w.Change(ctx, upsertPackageSetSQL,
			artifact, t.ProjectID, t.EnterpriseProject, h.Set, i, packed)
		if err != nil {
			return err
		}
	}
	if len(have) <= len(want) {
		return nil
	}
	return w.Change(ctx, deletePackageSetsSQL, artifact, len(want))
}

// ArtifactSets returns the package sets of an artifact with the places of their
// packages, as its last scan that could look at packages saved them.
func (s *Store) ArtifactSets(ctx context.Context, t plimsoll.Tenant, d plimsoll.Digest) ([]plimsoll.PlacedSet, error) {
	var out []plimsoll.PlacedSet
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		a, err := Find(ctx, tx, t, d)
		if err != nil {
			return err
		}
		held, err := packageSetRows(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		var ids []int64
		for _, h := range held {
			ids = append(ids, h.Set)
		}
		sets, err := judgement.ReadSets(ctx, tx, ids)
		if err != nil {
			return err
		}
		for _, h := range held {
			placed := plimsoll.PlacedSet{PackageSet: sets[h.Set]}
			if err := sqldb.UnpackJSON(h.places, &placed.Places); err != nil {
				return err
			}
			out = append(out, placed)
		}
		return nil
	})
	return out, err
}

// PlacedSetRow is a set of an artifact with its places by package position.
type PlacedSetRow struct {
	Set    int64
	Os     bool
	Kind   plimsoll.SetKind
	Places map[int][]plimsoll.Place
}

const selectPlacedSetsSQL = `SELECT h.set_id, s.kind, h.places FROM artifact_set h JOIN package_set s ON s.id = h.set_id
	WHERE h.artifact_id = ? ORDER BY h.position`

// PlacedSets returns the package sets of an artifact with the places of their packages, in their order.
func PlacedSets(ctx context.Context, tx *sqldb.Tx, artifact int64) ([]PlacedSetRow, error) {
	rows, err := tx.Query(ctx, selectPlacedSetsSQL, artifact)
	return sqldb.Collect(rows, err, func(rows *sql.Rows) (h PlacedSetRow, err error) {
		var kind plimsoll.SetKind
		var packed []byte
		if err := rows.Scan(&h.Set, &kind, &packed); err != nil {
			return h, err
		}
		var places []plimsoll.Place
		if err := sqldb.UnpackJSON(packed, &places); err != nil {
			return h, err
		}
		h.Os, h.Kind = kind == plimsoll.SetOS, kind
		h.Places = make(map[int][]plimsoll.Place, len(places))
		for _, p := range places {
			h.Places[p.Package] = append(h.Places[p.Package], p)
		}
		return h, nil
	})
}

const selectLayersByPositionSQL = `SELECT position, diff_id FROM artifact_layer WHERE artifact_id = ?`

// LayersByPosition returns the diff IDs of an artifact's layers by position.
func LayersByPosition(ctx context.Context, tx *sqldb.Tx, artifact int64) (map[int]plimsoll.Digest, error) {
	out := map[int]plimsoll.Digest{}
	rows, err := tx.Query(ctx, selectLayersByPositionSQL, artifact)
	err = sqldb.Each(rows, err, func(rows *sql.Rows) error {
		var position int
		var d plimsoll.Digest
		err := rows.Scan(&position, &d)
		out[position] = d
		return err
	})
	return out, err
}
