package advisories

import (
	"context"
	"database/sql"
	"slices"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// Bounds of what is kept about changes. Beyond them everything is judged again, which
// costs about as much.
const (
	maxChangedRecords = 5_000
	keptRevisions     = 64
)

// recordsPerWrite bounds how long noting or deleting records holds the write lock. A
// record names a dozen packages, at times thousands.
const recordsPerWrite = 100

const selectChangedRecordsSQL = `SELECT id FROM record WHERE from_revision = ?
	UNION ALL SELECT id FROM record WHERE to_revision = ? LIMIT ?`

const insertChangedPackagesSQL = `INSERT INTO change_key (revision, ecosystem, name) SELECT DISTINCT CAST(? AS BIGINT), ecosystem, name FROM statement
	WHERE record_id IN (:keys) ON CONFLICT DO NOTHING`

// noteChanges stores what a revision, not yet published, changes: the packages of records
// that start or end with it, and the CVEs that such records rate. known is false if that
// is too much to keep.
func (a *Store) noteChanges(ctx context.Context, revision plimsoll.Revision) (known bool, err error) {
	var ids []int64
	err = a.db.Read(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(ctx, selectChangedRecordsSQL, revision, revision, maxChangedRecords+1)
		ids, err = sqldb.Collect(rows, err, sqldb.ScanID)
		return err
	})
	if err != nil || len(ids) > maxChangedRecords {
		return false, err
	}
	for part := range slices.Chunk(ids, recordsPerWrite) {
		err := a.db.Write(ctx, func(tx *sqldb.Tx) error {
			_, err := sqldb.ExecChunks(ctx, tx, insertChangedPackagesSQL, []any{revision}, part)
			return err
		})
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

const selectReleasesByFeedSQL = `SELECT feed, ecosystem FROM feed_release`

// sameCoverage reports whether the feed's ecosystems leave the same ones covered as
// before: the first record of a release makes all its packages judged, the last one's end
// the reverse.
func sameCoverage(ctx context.Context, tx *sqldb.Tx, feed string, now map[string]bool) (bool, error) {
	before, others := map[string]bool{}, map[string]bool{}
	rows, err := tx.Query(ctx, selectReleasesByFeedSQL)
	err = sqldb.Each(rows, err, func(rows *sql.Rows) error {
		var of, name string
		err := rows.Scan(&of, &name)
		if of == feed {
			before[name] = true
		} else {
			others[name] = true
		}
		return err
	})
	for _, pair := range [...][2]map[string]bool{{before, now}, {now, before}} {
		for name := range pair[0] {
			if !pair[1][name] && !others[name] {
				return false, err
			}
		}
	}
	return true, err
}

const countKnownRevisionsSQL = `SELECT COUNT(*) FROM revision WHERE id > ? AND known = 1`

const selectChangesSQL = `SELECT DISTINCT ecosystem, name FROM change_key WHERE revision > ? AND revision <= ?
	ORDER BY ecosystem, name`

// ChangedSince returns what imports changed after a revision. known is false if that is not
// known, so that everything may be judged differently: for old revisions, after imports that
// changed very much or the releases that are covered, and for a revision that this database
// has not reached.
func (a *Store) ChangedSince(ctx context.Context, since plimsoll.Revision) (changes plimsoll.AdvisoryChanges, known bool, err error) {
	err = a.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		if changes.Through, err = newestRevision(ctx, tx); err != nil {
			return err
		}
		var noted plimsoll.Revision
		if err := tx.QueryRow(ctx, countKnownRevisionsSQL, since).Scan(&noted); err != nil {
			return err
		}
		if known = since > 0 && since <= changes.Through && noted == changes.Through-since; !known {
			return nil
		}
		rows, err := tx.Query(ctx, selectChangesSQL, since, changes.Through)
		return sqldb.Each(rows, err, func(rows *sql.Rows) error {
			var key plimsoll.AdvisoryKey
			err := rows.Scan(&key.Ecosystem, &key.Name)
			if key.Ecosystem == "" {
				changes.CVEs = append(changes.CVEs, key.Name)
			} else {
				changes.Keys = append(changes.Keys, key)
			}
			return err
		})
	})
	return changes, known, err
}

// maxChangedThreats bounds how many CVEs are noted as changed.
const maxChangedThreats = 20_000

func scanThreat(rows *sql.Rows) (t plimsoll.Threat, err error) {
	err = rows.Scan(&t.CVE, &t.Exploited, &t.Ransomware, &t.EPSS)
	return t, err
}

const insertChangedCVEsSQL = `INSERT INTO change_key (revision, ecosystem, name) VALUES `

// noteRated stores the CVEs that a revision, not yet published, rates differently.
func (a *Store) noteRated(ctx context.Context, revision plimsoll.Revision, cves []string) (known bool, err error) {
	if len(cves) > maxChangedThreats {
		return false, nil
	}
	err = sqldb.EachChunk(cves, func(part []string) error {
		var args []any
		for _, cve := range part {
			args = append(args, revision, cve)
		}
		return a.db.Write(ctx, func(tx *sqldb.Tx) error {
			return sqldb.NewChanges(tx).Insert(ctx, insertChangedCVEsSQL, "(?, '', ?)", ` ON CONFLICT DO NOTHING`, args)
		})
	})
	return err == nil, err
}

const deleteUnpublishedChangesSQL = `DELETE FROM change_key WHERE revision > ?`

// deleteUnpublishedChanges deletes what an import noted that never published its revision.
func deleteUnpublishedChanges(ctx context.Context, tx *sqldb.Tx, newest plimsoll.Revision) error {
	_, err := tx.Exec(ctx, deleteUnpublishedChangesSQL, newest)
	return err
}

const deleteChangesSQL = `DELETE FROM change_key WHERE revision <= ?`

// deleteChanges deletes what is noted about old revisions.
func deleteChanges(ctx context.Context, tx *sqldb.Tx, old plimsoll.Revision) error {
	_, err := tx.Exec(ctx, deleteChangesSQL, old)
	return err
}
