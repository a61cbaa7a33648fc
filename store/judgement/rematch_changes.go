package judgement

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// rowsPerWrite bounds how long one transaction of SaveChanges blocks other writers.
const rowsPerWrite = 1_000

// SaveChanges writes changes of findings for every set that contains their packages, in short
// transactions, and returns the number of rows written. Readers see none of it before the artifacts
// with these sets are counted, or the rematch finishes. The same changes saved again write nothing.
//
// The rows of a set are next to each other on disk, so they are written in the order of sets: many
// changes in one call cost much less than the same changes in several calls.
func (s *Store) SaveChanges(ctx context.Context, r plimsoll.Rematch, c plimsoll.PackageChanges) (rows int, err error) {
	byPackage := map[int64][]plimsoll.FindingChange{}
	for _, f := range c.Findings {
		byPackage[f.PackageID] = append(byPackage[f.PackageID], f)
	}
	pairs, err := s.holdersOf(ctx, c, byPackage)
	for err == nil && len(pairs) > 0 {
		n, size := 0, 0
		for n < len(pairs) && (n == 0 || size+len(byPackage[pairs[n].pkg])+1 <= rowsPerWrite) {
			size += len(byPackage[pairs[n].pkg]) + 1
			n++
		}
		var w *sqldb.Changes
		err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
			w = sqldb.NewChanges(tx)
			return saveFindingChanges(ctx, w, r, c, byPackage, pairs[:n])
		})
		if err == nil {
			rows += w.Rows
		}
		pairs = pairs[n:]
	}
	return rows, err
}

// holder is a set that contains a package.
type holder struct{ set, pkg int64 }

const selectHoldersSQL = `SELECT set_id, package_id FROM set_package WHERE package_id IN (:keys)`

// holdersOf returns the sets that contain changed packages, sorted.
func (s *Store) holdersOf(ctx context.Context, c plimsoll.PackageChanges, byPackage map[int64][]plimsoll.FindingChange) ([]holder, error) {
	var packages []int64
	for id := range byPackage {
		packages = append(packages, id)
	}
	for id := range c.NotJudged {
		if byPackage[id] == nil {
			packages = append(packages, id)
		}
	}
	var out []holder
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		out, err = sqldb.CollectChunks(ctx, tx, selectHoldersSQL, nil, packages, func(rows *sql.Rows) (h holder, err error) {
			err = rows.Scan(&h.set, &h.pkg)
			return h, err
		})
		return err
	})
	slices.SortFunc(out, func(a, b holder) int { return cmp.Or(cmp.Compare(a.set, b.set), cmp.Compare(a.pkg, b.pkg)) })
	return out, err
}

const changedRowSQL = `(CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS TEXT))`

const changedRowsSQL = `WITH want (set_id, package_id, verdict_id, reason) AS (VALUES `

const endFindingsSQL = `) UPDATE set_vulnerability SET to_revision = ?, ended = want.reason FROM want
		WHERE set_vulnerability.set_id = want.set_id AND set_vulnerability.package_id = want.package_id
		  AND set_vulnerability.verdict_id = want.verdict_id AND set_vulnerability.to_revision IS NULL`

// A row that this rematch has ended itself, because another process had read other advisories,
// is true again.
const beginFindingsSQL = `) INSERT INTO set_vulnerability (set_id, package_id, verdict_id, matcher, from_revision, began, severity_rank, urgency, vulnerability)
		SELECT want.set_id, want.package_id, want.verdict_id, CAST(? AS TEXT), CAST(? AS BIGINT), want.reason,
			CASE v.severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 WHEN 'low' THEN 3 WHEN 'unknown' THEN 4 ELSE 5 END,
			CASE WHEN v.urgency <> '' THEN v.urgency WHEN v.severity IN ('critical', 'high') THEN 'now' WHEN v.severity = 'low' THEN 'later' ELSE 'soon' END,
			v.vulnerability
		FROM want JOIN verdict v ON v.id = want.verdict_id
		WHERE NOT EXISTS (SELECT 1 FROM set_vulnerability s WHERE s.set_id = want.set_id AND s.package_id = want.package_id
			AND s.verdict_id = want.verdict_id AND s.to_revision IS NULL)
		ON CONFLICT (set_id, package_id, verdict_id, from_revision) DO UPDATE SET to_revision = NULL, ended = ''`

const replaceNotJudgedSQL = ` ON CONFLICT (set_id, package_id) DO UPDATE SET reason = excluded.reason
	WHERE set_not_judged.reason <> excluded.reason`

const insertNotJudgedSQL = `INSERT INTO set_not_judged (set_id, package_id, reason) VALUES `

const insertRecountsSQL = `INSERT INTO set_recount (set_id) VALUES `

func saveFindingChanges(ctx context.Context, w *sqldb.Changes, r plimsoll.Rematch, c plimsoll.PackageChanges, byPackage map[int64][]plimsoll.FindingChange, pairs []holder) error {
	var begin, end, unjudged, sets []any
	var judged []holder
	for _, h := range pairs {
		for _, f := range byPackage[h.pkg] {
			if f.Ends {
				end = append(end, h.set, h.pkg, f.VerdictID, f.Reason)
			} else {
				begin = append(begin, h.set, h.pkg, f.VerdictID, f.Reason)
			}
		}
		if len(byPackage[h.pkg]) > 0 && (len(sets) == 0 || sets[len(sets)-1] != h.set) {
			sets = append(sets, h.set)
		}
		reason, differs := c.NotJudged[h.pkg]
		switch {
		case !differs:
		case reason != "":
			unjudged = append(unjudged, h.set, h.pkg, reason)
		default:
			judged = append(judged, h)
		}
	}
	if err := deleteNotJudged(ctx, w, judged); err != nil {
		return err
	}
	if err := w.Insert(ctx, changedRowsSQL, changedRowSQL, endFindingsSQL, end, r.ID); err != nil {
		return err
	}
	if err := w.Insert(ctx, changedRowsSQL, changedRowSQL, beginFindingsSQL, begin, r.Matcher, r.ID); err != nil {
		return err
	}
	err := w.Insert(ctx, insertNotJudgedSQL, "(?, ?, ?)", replaceNotJudgedSQL, unjudged)
	if err != nil {
		return err
	}
	return sqldb.NewChanges(w.Tx).Insert(ctx, insertRecountsSQL, "(?)", ` ON CONFLICT DO NOTHING`, sets)
}

const deleteNotJudgedSQL = `DELETE FROM set_not_judged WHERE set_id = ? AND package_id = ?`

// deleteNotJudged deletes the reasons why packages of sets were not judged, with a prepared statement:
// SQLite uses no index for a list of pairs.
func deleteNotJudged(ctx context.Context, w *sqldb.Changes, pairs []holder) error {
	if len(pairs) == 0 {
		return nil
	}
	stmt, err := w.Prepare(ctx, deleteNotJudgedSQL)
	if err != nil {
		return err
	}
	defer stmt.Close() //nolint:errcheck // the transaction ends it in any case
	for _, h := range pairs {
		res, err := stmt.ExecContext(ctx, h.set, h.pkg)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		w.Rows += int(n)
	}
	return nil
}

const deleteRecountsSQL = `DELETE FROM set_recount`

// deleteRecounts clears the list of sets whose artifacts have to be counted again.
func deleteRecounts(ctx context.Context, tx *sqldb.Tx) error {
	_, err := tx.Exec(ctx, deleteRecountsSQL)
	return err
}
