package artifacts

import (
	"context"
	"database/sql"

	"plimsoll"
	"plimsoll/store/judgement"
	"plimsoll/store/sqldb"
)

const selectIndexesAboveSQL = `SELECT DISTINCT c.artifact_id FROM artifact a
	JOIN artifact_child c ON c.project_id = a.project_id
	 AND c.enterprise_project_id = a.enterprise_project_id AND c.digest = a.digest
	WHERE c.unscannable = '' AND a.id IN (:keys)`

// IndexesAbove returns the indexes with any of the artifacts as a scanned member.
func IndexesAbove(ctx context.Context, tx *sqldb.Tx, artifacts []int64) ([]int64, error) {
	return sqldb.CollectChunks(ctx, tx, selectIndexesAboveSQL, nil, artifacts, sqldb.ScanID)
}

// ScannedMembersSQL joins the members of an index (c) that are scanned with their artifacts (a).
const ScannedMembersSQL = `artifact_child c JOIN artifact a ON c.unscannable = '' AND a.project_id = c.project_id
	 AND a.enterprise_project_id = c.enterprise_project_id AND a.digest = c.digest `

// Member is an artifact whose findings an image shows.
type Member struct {
	Artifact int64
	Digest   plimsoll.Digest
	Platform plimsoll.Platform // of a member of an index
	At       judgement.Gate    // of the image, not of the member: its count is of this judgement
}

const selectImageMembersSQL = `SELECT a.id, a.digest, c.os, c.architecture, c.variant, a.os, a.architecture, a.variant FROM ` + ScannedMembersSQL + `
	WHERE c.artifact_id = ? ORDER BY c.position`

// ImageMembers returns the artifact of a plain image, or the members of an index that
// are scanned, in its order.
func ImageMembers(ctx context.Context, tx *sqldb.Tx, img plimsoll.Image) ([]Member, error) {
	t := img.Tenant
	a, err := Find(ctx, tx, t, img.Digest)
	if err != nil {
		return nil, err
	}
	at, err := judgement.GateOf(ctx, tx, a.ID)
	if err != nil {
		return nil, err
	}
	if a.kind != plimsoll.KindIndex {
		return []Member{{Artifact: a.ID, Digest: img.Digest, At: at}}, nil
	}
	rows, err := tx.Query(ctx, selectImageMembersSQL, a.ID)
	return sqldb.Collect(rows, err, func(rows *sql.Rows) (m Member, err error) {
		var own plimsoll.Platform
		m.At = at
		err = rows.Scan(&m.Artifact, &m.Digest, &m.Platform.OS, &m.Platform.Architecture, &m.Platform.Variant, &own.OS, &own.Architecture, &own.Variant)
		if m.Platform == (plimsoll.Platform{}) {
			m.Platform = own
		}
		return m, err
	})
}

// EachMember calls f for every artifact whose findings the image shows, in one state of the database.
func EachMember(ctx context.Context, db *sqldb.DB, img plimsoll.Image, f func(*sqldb.Tx, Member) error) error {
	return db.Read(ctx, func(tx *sqldb.Tx) error {
		list, err := ImageMembers(ctx, tx, img)
		if err != nil {
			return err
		}
		for _, m := range list {
			if err := f(tx, m); err != nil {
				return err
			}
		}
		return nil
	})
}
