package judgement

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// rowsPerWrite bounds how long SaveChanges keeps the writer from others.
const rowsPerWrite = 1_000

// SaveChanges writes changes of findings for every set with their packages, in short
// transactions, and returns how many rows those were. They are not visible until the
// artifacts above are counted, or the rematch finishes. Saved again, it writes nothing.
//
// Rows of a set are next to each other on disk, so they are written in the order of sets:
// many changes at a time cost much less than the same ones one by one.
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

// setWithPackage is a set with a package.
type setWithPackage struct{ set, pkg int64 }

// holdersOf returns the sets with changed packages, sorted.
func (s *Store) holdersOf(ctx context.Context, c plimsoll.PackageChanges, byPackage map[int64][]plimsoll.FindingChange) ([]setWithPackage, error) {
	var packages []int64
	for id := range byPackage {
		packages = append(packages, id)
	}
	for id := range c.NotJudged {
		if byPackage[id] == nil {
			packages = append(packages, id)
		}
	}
	const query = `SELECT set_id, package_id FROM set_package WHERE package_id IN (:keys)`
	var out []setWithPackage
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		out, err = sqldb.CollectChunks(ctx, tx, query, nil, packages, func(rows *sql.Rows) (h setWithPackage, err error) {
			err = rows.Scan(&h.set, &h.pkg)
			return h, err
		})
		return err
	})
	slices.SortFunc(out, func(a, b setWithPackage) int { return cmp.Or(cmp.Compare(a.set, b.set), cmp.Compare(a.pkg, b.pkg)) })
	return out, err
}

const changedRowSQL = `(CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS TEXT))`

const changedRowsSQL = `WITH want (set_id, package_id, verdict_id, reason) AS (VALUES `

const endFindingsSQL = `) UPDATE set_vulnerability SET to_revision = ?, ended = want.reason FROM want
		WHERE set_vulnerability.set_id = want.set_id AND set_vulnerability.package_id = want.package_id
		  AND set_vulnerability.verdict_id = want.verdict_id AND set_vulnerability.to_revision IS NULL`

// A row that ended in the same rematch, because another process had read other
// advisories, is valid again.
const beginFindingsSQL = `) INSERT INTO set_vulnerability (set_id, package_id, verdict_id, matcher, from_revision, began)
		SELECT want.set_id, want.package_id, want.verdict_id, CAST(? AS TEXT), CAST(? AS BIGINT), want.reason FROM want
		WHERE NOT EXISTS (SELECT 1 FROM set_vulnerability s WHERE s.set_id = want.set_id AND s.package_id = want.package_id
			AND s.verdict_id = want.verdict_id AND s.to_revision IS NULL)
		ON CONFLICT (set_id, package_id, verdict_id, from_revision) DO UPDATE SET to_revision = NULL, ended = ''`

const replaceNotJudgedSQL = ` ON CONFLICT (set_id, package_id) DO UPDATE SET reason = excluded.reason
	WHERE set_not_judged.reason <> excluded.reason`

const insertNotJudgedSQL = `INSERT INTO set_not_judged (set_id, package_id, reason) VALUES `

func saveFindingChanges(ctx context.Context, w *sqldb.Changes, r plimsoll.Rematch, c plimsoll.PackageChanges, byPackage map[int64][]plimsoll.FindingChange, pairs []setWithPackage) error {
	var begin, end, unjudged, sets []any
	var judged []setWithPackage
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
	return sqldb.NewChanges(w.Tx).Insert(ctx, `INSERT INTO set_recount (set_id) VALUES `, "(?)", ` ON CONFLICT DO NOTHING`, sets)
}

// deleteNotJudged deletes why packages of sets were not judged, by a prepared statement: SQLite
// finds no index for a list of pairs.
func deleteNotJudged(ctx context.Context, w *sqldb.Changes, pairs []setWithPackage) error {
	if len(pairs) == 0 {
		return nil
	}
	stmt, err := w.Prepare(ctx, `DELETE FROM set_not_judged WHERE set_id = ? AND package_id = ?`)
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

// deleteRecounts clears the list of sets whose artifacts have to be counted again.
func deleteRecounts(ctx context.Context, tx *sqldb.Tx) error {
	_, err := tx.Exec(ctx, `DELETE FROM set_recount`)
	return err
}
