package store

import (
	"cmp"
	"context"
	"slices"

	"plimsoll"
)

// rowsPerWrite bounds how long SaveChanges keeps the writer from others: about so many
// rows are written in one transaction.
const rowsPerWrite = 1_000

// SaveChanges writes changes of findings for every set that holds their packages, in short
// transactions, and returns how many rows that were. Nothing of it is in sight until the
// artifacts above are counted, or the rematch finishes. Saved again, it writes nothing.
func (s *Store) SaveChanges(ctx context.Context, r plimsoll.Rematch, c plimsoll.PackageChanges) (rows int, err error) {
	units, err := s.units(ctx, c)
	if err != nil {
		return 0, err
	}
	for len(units) > 0 {
		n, size := 0, 0
		for n < len(units) && (n == 0 || size+units[n].size() <= rowsPerWrite) {
			size += units[n].size()
			n++
		}
		var w *writer
		err := s.db.write(ctx, func(tx *Tx) error {
			w = &writer{Tx: tx}
			for _, u := range units[:n] {
				if err := w.saveUnit(ctx, r, u); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return rows, err
		}
		rows += w.rows
		units = units[n:]
	}
	return rows, nil
}

// unit is the changes of one package for some of the sets that hold it.
type unit struct {
	pkg         int64
	first, last int64 // ids of sets
	sets        int
	findings    []plimsoll.FindingChange
	notJudged   *string // nil = as it was
}

func (u unit) size() int { return u.sets * (len(u.findings) + 1) }

// units cuts changes into parts of which a transaction can take at least one.
func (s *Store) units(ctx context.Context, c plimsoll.PackageChanges) ([]unit, error) {
	byPackage := map[int64]*unit{}
	of := func(pkg int64) *unit {
		if byPackage[pkg] == nil {
			byPackage[pkg] = &unit{pkg: pkg}
		}
		return byPackage[pkg]
	}
	for _, f := range c.Findings {
		u := of(f.PackageID)
		u.findings = append(u.findings, f)
	}
	for pkg, reason := range c.NotJudged {
		of(pkg).notJudged = &reason
	}
	var units []unit
	err := s.db.read(ctx, func(tx *Tx) error {
		for _, u := range byPackage {
			rows, err := tx.Query(ctx, `SELECT set_id FROM set_package WHERE package_id = ? ORDER BY set_id`, u.pkg)
			sets, err := collect(rows, err, scanID)
			if err != nil {
				return err
			}
			for part := range slices.Chunk(sets, max(1, rowsPerWrite/(len(u.findings)+1))) {
				one := *u
				one.first, one.last, one.sets = part[0], part[len(part)-1], len(part)
				units = append(units, one)
			}
		}
		return nil
	})
	// Sets that stand together in the tables are written together.
	slices.SortFunc(units, func(a, b unit) int { return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.pkg, b.pkg)) })
	return units, err
}

const (
	// The sets of a unit. Bound: package, first, last.
	unitSets = ` FROM set_package sp WHERE sp.package_id = ? AND sp.set_id >= ? AND sp.set_id <= ?`

	sqlEnd = `UPDATE set_vulnerability SET to_revision = ?, ended = ?
		WHERE package_id = ? AND verdict_id = ? AND to_revision IS NULL AND set_id IN (SELECT sp.set_id` + unitSets + `)`

	// A row that ended in the same rematch, because another process had read other
	// advisories, stands again.
	sqlBegin = `INSERT INTO set_vulnerability (set_id, package_id, verdict_id, matcher, from_revision, began)
		SELECT sp.set_id, sp.package_id, CAST(? AS BIGINT), CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS TEXT)` + unitSets + `
		AND NOT EXISTS (SELECT 1 FROM set_vulnerability s WHERE s.set_id = sp.set_id AND s.package_id = sp.package_id
			AND s.verdict_id = ? AND s.to_revision IS NULL)
		ON CONFLICT (set_id, package_id, verdict_id, from_revision) DO UPDATE SET to_revision = NULL, ended = ''`

	sqlJudged = `DELETE FROM set_not_judged WHERE package_id = ? AND set_id IN (SELECT sp.set_id` + unitSets + `)`

	sqlNotJudged = `INSERT INTO set_not_judged (set_id, package_id, reason)
		SELECT sp.set_id, sp.package_id, CAST(? AS TEXT)` + unitSets + `
		ON CONFLICT (set_id, package_id) DO UPDATE SET reason = excluded.reason WHERE set_not_judged.reason <> excluded.reason`

	sqlToCount = `INSERT INTO set_recount (set_id) SELECT sp.set_id` + unitSets + ` ON CONFLICT DO NOTHING`
)

func (w *writer) saveUnit(ctx context.Context, r plimsoll.Rematch, u unit) error {
	for _, f := range u.findings {
		query, args := sqlBegin, []any{f.VerdictID, r.Matcher, r.ID, f.Reason, u.pkg, u.first, u.last, f.VerdictID}
		if f.Ends {
			query, args = sqlEnd, []any{r.ID, f.Reason, u.pkg, f.VerdictID, u.pkg, u.first, u.last}
		}
		if err := w.change(ctx, query, args...); err != nil {
			return err
		}
	}
	switch {
	case u.notJudged == nil:
	case *u.notJudged == "":
		if err := w.change(ctx, sqlJudged, u.pkg, u.pkg, u.first, u.last); err != nil {
			return err
		}
	default:
		if err := w.change(ctx, sqlNotJudged, *u.notJudged, u.pkg, u.first, u.last); err != nil {
			return err
		}
	}
	if len(u.findings) == 0 {
		return nil
	}
	_, err := w.Exec(ctx, sqlToCount, u.pkg, u.first, u.last)
	return err
}
