package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"plimsoll"
)

// JudgedThrough returns the revision through which every stored set is judged by this
// version of the matcher; 0 if it never finished a walk over them.
func (s *Store) JudgedThrough(ctx context.Context, matcher string) (plimsoll.Revision, error) {
	var through plimsoll.Revision
	err := s.db.read(ctx, func(tx *Tx) (err error) {
		through, err = judgedThrough(ctx, tx, matcher)
		return err
	})
	return through, err
}

func judgedThrough(ctx context.Context, tx *Tx, matcher string) (through plimsoll.Revision, err error) {
	err = tx.QueryRow(ctx, `SELECT current_through FROM matcher_state WHERE matcher = ?`, matcher).Scan(&through)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return through, err
}

// FinishRematch records that every stored set is judged through a revision by this
// version of the matcher. newest is the id of the last set that the caller knows to be: if
// a set was stored after it, nothing is recorded and done is false.
func (s *Store) FinishRematch(ctx context.Context, matcher string, through plimsoll.Revision, newest int64) (done bool, err error) {
	err = s.db.write(ctx, func(tx *Tx) error {
		last, err := newestSet(ctx, tx)
		if done = err == nil && last <= newest; !done {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO matcher_state (matcher, current_through) VALUES (?, ?)
			ON CONFLICT (matcher) DO UPDATE SET current_through = excluded.current_through
			WHERE matcher_state.current_through <> excluded.current_through`, matcher, through)
		return err
	})
	return done && err == nil, err
}

// setsPerWrite bounds how long SaveJudgements keeps the writer from others.
const setsPerWrite = 50

// SaveJudgements writes how the judgements differ from what is stored: rows that are no
// longer true end at the judgement's revision, new ones start there. Then it brings the
// counts of the artifacts, indexes and images above the changed sets up to date. It
// returns how many rows of judgement changed. Judgements of unchanged sets only read. The
// sets must be distinct.
func (s *Store) SaveJudgements(ctx context.Context, matcher string, js []plimsoll.SetJudgement) (changedRows int, err error) {
	var diffs []judgementDiff
	err = s.db.read(ctx, func(tx *Tx) error {
		diffs, err = diffJudgements(ctx, tx, js, nil)
		return err
	})
	if err != nil {
		return 0, err
	}
	differs := map[int64]bool{}
	for _, d := range diffs {
		differs[d.set] = true
	}
	differing := slices.DeleteFunc(slices.Clone(js), func(j plimsoll.SetJudgement) bool { return !differs[j.SetID] })
	for part := range slices.Chunk(differing, setsPerWrite) {
		var w *writer
		judged := 0
		err := s.db.write(ctx, func(tx *Tx) error {
			w = &writer{Tx: tx}
			diffs, err := diffJudgements(ctx, tx, part, nil)
			if err != nil {
				return err
			}
			if judged, err = w.saveDiffs(ctx, matcher, diffs); err != nil {
				return err
			}
			return w.recountAbove(ctx, diffs)
		})
		if err != nil {
			return changedRows, err
		}
		changedRows += judged
	}
	return changedRows, nil
}

// finding is what one row of a judgement says: this package, these words about it.
type finding struct {
	pkg     int64
	verdict string // hash
}

// openRow is a row of set_vulnerability that is still true.
type openRow struct {
	verdict int64
	from    plimsoll.Revision
}

// judgementDiff is how a judgement of a set differs from what is stored.
type judgementDiff struct {
	set      int64
	revision plimsoll.Revision
	vanished map[finding]openRow
	appeared map[finding]plimsoll.Vulnerability

	judgedNow []int64          // packages that had not been judged and are now
	notJudged map[int64]string // packages that are not judged now, or for another reason
}

func (d judgementDiff) empty() bool {
	return len(d.vanished)+len(d.appeared)+len(d.judgedNow)+len(d.notJudged) == 0
}

// diffJudgements compares judgements of distinct sets with what is stored; it leaves out
// those that do not differ. known are ids of packages that the caller has at hand.
func diffJudgements(ctx context.Context, tx *Tx, js []plimsoll.SetJudgement, known map[plimsoll.Package]int64) ([]judgementDiff, error) {
	var sets []int64
	packages := map[plimsoll.Package]int64{}
	for _, j := range js {
		sets = append(sets, j.SetID)
		for _, v := range j.Vulnerabilities {
			packages[v.Package] = known[v.Package]
		}
		for _, n := range j.NotJudged {
			packages[n.Package] = known[n.Package]
		}
	}
	if err := knownPackageIDs(ctx, tx, packages); err != nil {
		return nil, err
	}
	open, err := openFindings(ctx, tx, sets)
	if err != nil {
		return nil, err
	}
	unjudged, err := unjudgedPackages(ctx, tx, sets)
	if err != nil {
		return nil, err
	}
	var diffs []judgementDiff
	for _, j := range js {
		d := judgementDiff{set: j.SetID, revision: j.Revision}
		d.findings(j, packages, open[j.SetID])
		d.unjudged(j, packages, unjudged[j.SetID])
		if !d.empty() {
			diffs = append(diffs, d)
		}
	}
	return diffs, nil
}

// findings compares vulnerabilities. Two of one id about one package count as one, the first.
func (d *judgementDiff) findings(j plimsoll.SetJudgement, packages map[plimsoll.Package]int64, open map[finding]openRow) {
	type subject struct {
		pkg int64
		id  string
	}
	said := map[subject]bool{}
	d.vanished, d.appeared = open, map[finding]plimsoll.Vulnerability{}
	for _, v := range j.Vulnerabilities {
		about := subject{packages[v.Package], v.ID}
		if said[about] {
			continue
		}
		said[about] = true
		f := finding{about.pkg, verdictHash(v)}
		if _, ok := open[f]; ok {
			delete(d.vanished, f)
		} else {
			d.appeared[f] = v
		}
	}
}

func (d *judgementDiff) unjudged(j plimsoll.SetJudgement, packages map[plimsoll.Package]int64, stored map[int64]string) {
	now := map[int64]string{}
	for _, n := range j.NotJudged {
		now[packages[n.Package]] = n.Reason
	}
	d.notJudged = map[int64]string{}
	for pkg, reason := range now {
		if stored[pkg] != reason {
			d.notJudged[pkg] = reason
		}
	}
	for pkg := range stored {
		if _, ok := now[pkg]; !ok {
			d.judgedNow = append(d.judgedNow, pkg)
		}
	}
}

// knownPackageIDs fills in the ids of stored packages; one that is not stored is a defect of the caller.
func knownPackageIDs(ctx context.Context, tx *Tx, packages map[plimsoll.Package]int64) error {
	var list []plimsoll.Package
	for p, id := range packages {
		if id == 0 {
			list = append(list, p)
		}
	}
	if err := packageIDs(ctx, tx, list, packages); err != nil {
		return err
	}
	for p, id := range packages {
		if id == 0 {
			return plimsoll.Errorf(plimsoll.Internal, "judgement names package %.80q %.80q, which is in no stored set", p.Name, p.Version)
		}
	}
	return nil
}

const sqlOpenFindings = `SELECT s.set_id, s.package_id, v.hash, s.verdict_id, s.from_revision
	FROM set_vulnerability s JOIN verdict v ON v.id = s.verdict_id
	WHERE s.to_revision IS NULL AND s.set_id IN (`

// openFindings returns what is stored as still true about each set.
func openFindings(ctx context.Context, tx *Tx, sets []int64) (map[int64]map[finding]openRow, error) {
	out := make(map[int64]map[finding]openRow, len(sets))
	for part := range slices.Chunk(sets, chunk) {
		rows, err := tx.Query(ctx, sqlOpenFindings+marks(len(part))+`)`, anys(part)...)
		err = each(rows, err, func(rows *sql.Rows) error {
			var set int64
			var f finding
			var row openRow
			err := rows.Scan(&set, &f.pkg, &f.verdict, &row.verdict, &row.from)
			if out[set] == nil {
				out[set] = map[finding]openRow{}
			}
			out[set][f] = row
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// unjudgedPackages returns the stored reasons by set and package.
func unjudgedPackages(ctx context.Context, tx *Tx, sets []int64) (map[int64]map[int64]string, error) {
	out := map[int64]map[int64]string{}
	for part := range slices.Chunk(sets, chunk) {
		rows, err := tx.Query(ctx, `SELECT set_id, package_id, reason FROM set_not_judged
			WHERE set_id IN (`+marks(len(part))+`)`, anys(part)...)
		err = each(rows, err, func(rows *sql.Rows) error {
			var set, pkg int64
			var reason string
			err := rows.Scan(&set, &pkg, &reason)
			if out[set] == nil {
				out[set] = map[int64]string{}
			}
			out[set][pkg] = reason
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
