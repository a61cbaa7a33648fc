package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"plimsoll"
)

// rowsPerWrite bounds how long SaveChanges keeps the writer from others.
const rowsPerWrite = 1_000

// SaveChanges writes changes of findings for every set that holds their packages, in short
// transactions, and returns how many rows that were. Nothing of it is in sight until the
// artifacts above are counted, or the rematch finishes. Saved again, it writes nothing.
//
// Rows of a set stand together on disk, so they are written in the order of sets: many
// changes at a time cost much less than the same ones one by one.
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
		var w *writer
		err = s.db.write(ctx, func(tx *Tx) error {
			w = &writer{Tx: tx}
			return w.saveChanges(ctx, r, c, byPackage, pairs[:n])
		})
		if err == nil {
			rows += w.rows
		}
		pairs = pairs[n:]
	}
	return rows, err
}

// holder is a set that holds a package.
type holder struct{ set, pkg int64 }

// holdersOf returns the sets that hold changed packages, sorted.
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
	err := s.db.read(ctx, func(tx *Tx) error {
		for part := range slices.Chunk(packages, chunk) {
			rows, err := tx.Query(ctx, `SELECT set_id, package_id FROM set_package WHERE package_id IN (`+marks(len(part))+`)`, anys(part)...)
			found, err := collect(rows, err, func(rows *sql.Rows) (h holder, err error) {
				err = rows.Scan(&h.set, &h.pkg)
				return h, err
			})
			if err != nil {
				return err
			}
			out = append(out, found...)
		}
		return nil
	})
	slices.SortFunc(out, func(a, b holder) int { return cmp.Or(cmp.Compare(a.set, b.set), cmp.Compare(a.pkg, b.pkg)) })
	return out, err
}

const (
	changedRow  = `(CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS TEXT))`
	changedRows = `WITH want (set_id, package_id, verdict_id, reason) AS (VALUES `

	sqlEnd = `) UPDATE set_vulnerability SET to_revision = ?, ended = want.reason FROM want
		WHERE set_vulnerability.set_id = want.set_id AND set_vulnerability.package_id = want.package_id
		  AND set_vulnerability.verdict_id = want.verdict_id AND set_vulnerability.to_revision IS NULL`

	// A row that ended in the same rematch, because another process had read other
	// advisories, stands again.
	sqlBegin = `) INSERT INTO set_vulnerability (set_id, package_id, verdict_id, matcher, from_revision, began)
		SELECT want.set_id, want.package_id, want.verdict_id, CAST(? AS TEXT), CAST(? AS BIGINT), want.reason FROM want
		WHERE NOT EXISTS (SELECT 1 FROM set_vulnerability s WHERE s.set_id = want.set_id AND s.package_id = want.package_id
			AND s.verdict_id = want.verdict_id AND s.to_revision IS NULL)
		ON CONFLICT (set_id, package_id, verdict_id, from_revision) DO UPDATE SET to_revision = NULL, ended = ''`

	sqlNotJudged = `INSERT INTO set_not_judged (set_id, package_id, reason) VALUES `
)

func (w *writer) saveChanges(ctx context.Context, r plimsoll.Rematch, c plimsoll.PackageChanges, byPackage map[int64][]plimsoll.FindingChange, pairs []holder) error {
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
	if err := w.nowJudged(ctx, judged); err != nil {
		return err
	}
	for part := range slices.Chunk(end, 4*chunk) {
		if err := w.change(ctx, changedRows+tuples(len(part)/4, changedRow)+sqlEnd, append(slices.Clip(part), r.ID)...); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(begin, 4*chunk) {
		if err := w.change(ctx, changedRows+tuples(len(part)/4, changedRow)+sqlBegin, append(slices.Clip(part), r.Matcher, r.ID)...); err != nil {
			return err
		}
	}
	err := w.insert(ctx, sqlNotJudged, "(?, ?, ?)", 3, unjudged, ` ON CONFLICT (set_id, package_id) DO UPDATE SET reason = excluded.reason
		WHERE set_not_judged.reason <> excluded.reason`)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(sets, chunk) {
		if _, err := w.Exec(ctx, `INSERT INTO set_recount (set_id) VALUES `+tuples(len(part), "(?)")+` ON CONFLICT DO NOTHING`, part...); err != nil {
			return err
		}
	}
	return nil
}

// nowJudged forgets why packages of sets were not judged, by a prepared statement: SQLite
// finds no index for a list of pairs.
func (w *writer) nowJudged(ctx context.Context, pairs []holder) error {
	if len(pairs) == 0 {
		return nil
	}
	stmt, err := w.PrepareContext(ctx, w.db.Dialect.Rebind(`DELETE FROM set_not_judged WHERE set_id = ? AND package_id = ?`))
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
		w.rows += int(n)
	}
	return nil
}
