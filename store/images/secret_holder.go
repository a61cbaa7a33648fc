package images

import (
	"context"
	"database/sql"
	"slices"

	"plimsoll/store/sqldb"
)

// secretHolder is a row of secret_holder.
type secretHolder struct {
	artifact int64
	local    bool // images that clients sent lead to it, not those of registries
}

type holderValue struct{ scannedAt, secrets int64 }

const selectSecretMembersSQL = `SELECT m.id FROM artifact_child k JOIN artifact m ON m.project_id = k.project_id
	 AND m.enterprise_project_id = k.enterprise_project_id AND m.digest = k.digest
	WHERE m.secrets > 0 AND k.artifact_id IN (:keys)`

const selectSecretArtifactsSQL = `SELECT id FROM artifact a WHERE id IN (:keys)
	AND (secrets > 0 OR EXISTS (SELECT 1 FROM secret_holder h WHERE h.artifact_id = a.id))`

const (
	selectOwnHoldersSQL = `SELECT a.id, CASE i.origin WHEN 'local' THEN 1 ELSE 0 END, MAX(i.scanned_at), a.secrets
	FROM artifact a CROSS JOIN image i WHERE i.artifact_id = a.id AND a.secrets > 0 AND a.id IN (:keys) GROUP BY 1, 2, 4`

	selectMemberHoldersSQL = `SELECT a.id, CASE i.origin WHEN 'local' THEN 1 ELSE 0 END, MAX(i.scanned_at), a.secrets
	FROM artifact a CROSS JOIN artifact_child c CROSS JOIN image i
	WHERE c.unscannable = '' AND c.project_id = a.project_id AND c.enterprise_project_id = a.enterprise_project_id AND c.digest = a.digest
	  AND i.artifact_id = c.artifact_id AND a.secrets > 0 AND a.id IN (:keys) GROUP BY 1, 2, 4`
)

// RefreshSecretHolders brings what lists of secrets over all images know of artifacts, and of the members of
// those that are indexes, up to date: that images lead to them, and when those were inspected.
func RefreshSecretHolders(ctx context.Context, w *sqldb.Changes, ids []int64) error {
	members, err := sqldb.CollectChunks(ctx, w.Tx, selectSecretMembersSQL, nil, ids, sqldb.ScanID)
	if err != nil {
		return err
	}
	ids = slices.Concat(ids, members)
	slices.Sort(ids)
	ids, err = sqldb.CollectChunks(ctx, w.Tx, selectSecretArtifactsSQL, nil, slices.Compact(ids), sqldb.ScanID)
	if err != nil || len(ids) == 0 {
		return err
	}
	want := map[secretHolder]holderValue{}
	for _, query := range [...]string{selectOwnHoldersSQL, selectMemberHoldersSQL} {
		if err := readHolders(ctx, w.Tx, query, ids, want); err != nil {
			return err
		}
	}
	have := map[secretHolder]holderValue{}
	const query = `SELECT artifact_id, local, scanned_at, secrets FROM secret_holder WHERE artifact_id IN (:keys)`
	if err := readHolders(ctx, w.Tx, query, ids, have); err != nil {
		return err
	}
	return saveHolders(ctx, w, have, want)
}

func readHolders(ctx context.Context, tx *sqldb.Tx, query string, ids []int64, into map[secretHolder]holderValue) error {
	return sqldb.QueryChunks(ctx, tx, query, nil, ids, func(rows *sql.Rows) error {
		var h secretHolder
		var v holderValue
		err := rows.Scan(&h.artifact, &h.local, &v.scannedAt, &v.secrets)
		v.scannedAt = max(v.scannedAt, into[h].scannedAt)
		into[h] = v
		return err
	})
}

const saveHolderSQL = `INSERT INTO secret_holder (artifact_id, local, project_id, enterprise_project_id, scanned_at, secrets)
	SELECT id, CAST(? AS BIGINT), project_id, enterprise_project_id, CAST(? AS BIGINT), CAST(? AS BIGINT) FROM artifact WHERE id = ?
	ON CONFLICT (artifact_id, local) DO UPDATE SET scanned_at = excluded.scanned_at, secrets = excluded.secrets`

const deleteSecretHolderSQL = `DELETE FROM secret_holder WHERE artifact_id = ? AND local = ?`

// saveHolders writes the rows that differ.
func saveHolders(ctx context.Context, w *sqldb.Changes, have, want map[secretHolder]holderValue) error {
	for h, v := range want {
		old, ok := have[h]
		delete(have, h)
		if ok && old == v {
			continue
		}
		if err := w.Change(ctx, saveHolderSQL, sqldb.BoolInt(h.local), v.scannedAt, v.secrets, h.artifact); err != nil {
			return err
		}
	}
	for h := range have {
		err := w.Change(ctx, deleteSecretHolderSQL, h.artifact, sqldb.BoolInt(h.local))
		if err != nil {
			return err
		}
	}
	return nil
}
