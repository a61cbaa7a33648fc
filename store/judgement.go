package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"

	"plimsoll"
)

// JudgementChanges compares judgements of packages with what is stored as still true about
// the sets that hold them. The changes have no reason yet. Words that no verdict has
// said before are stored, and nothing else.
func (s *Store) JudgementChanges(ctx context.Context, js []plimsoll.PackageJudgement) (plimsoll.PackageChanges, error) {
	changes := plimsoll.PackageChanges{NotJudged: map[int64]string{}}
	said, err := s.verdictsOf(ctx, js)
	if err != nil {
		return changes, err
	}
	err = s.db.read(ctx, func(tx *Tx) error {
		for part := range slices.Chunk(js, chunk) {
			if err := compare(ctx, tx, part, said, &changes); err != nil {
				return err
			}
		}
		return describeEnds(ctx, tx, changes.Findings)
	})
	return changes, err
}

// said is what a judgement says of a package, by the id of the verdict.
type said map[int64]map[int64]plimsoll.Vulnerability

// verdictsOf stores the words of judgements that are new, and returns all by their ids.
func (s *Store) verdictsOf(ctx context.Context, js []plimsoll.PackageJudgement) (said, error) {
	words := map[string]plimsoll.Vulnerability{}
	hashes := make([][]string, len(js))
	for i, j := range js {
		for _, v := range distinct(j.Vulnerabilities) {
			h := verdictHash(v)
			words[h] = v
			hashes[i] = append(hashes[i], h)
		}
	}
	ids, err := s.knownVerdicts(ctx, words)
	if err != nil {
		return nil, err
	}
	if len(ids) < len(words) {
		err := s.db.write(ctx, func(tx *Tx) error {
			ids, err = (&writer{Tx: tx}).saveVerdicts(ctx, words)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	out := make(said, len(js))
	for i, j := range js {
		out[j.PackageID] = make(map[int64]plimsoll.Vulnerability, len(hashes[i]))
		for _, h := range hashes[i] {
			out[j.PackageID][ids[h]] = words[h]
		}
	}
	return out, nil
}

func (s *Store) knownVerdicts(ctx context.Context, words map[string]plimsoll.Vulnerability) (map[string]int64, error) {
	hashes := make([]string, 0, len(words))
	for h := range words {
		hashes = append(hashes, h)
	}
	slices.Sort(hashes)
	ids := make(map[string]int64, len(words))
	return ids, s.db.read(ctx, func(tx *Tx) error { return verdictIDs(ctx, tx, hashes, ids) })
}

const (
	sqlHolders = `SELECT package_id, COUNT(*) FROM set_package WHERE package_id IN (`

	// Of each package and verdict the number of sets for which it stands.
	sqlStanding = `SELECT s.package_id, s.verdict_id, COUNT(*) FROM set_package sp CROSS JOIN set_vulnerability s
		WHERE s.set_id = sp.set_id AND s.package_id = sp.package_id AND s.to_revision IS NULL AND sp.package_id IN (`
	sqlUnjudged = `SELECT n.package_id, n.reason, COUNT(*) FROM set_package sp CROSS JOIN set_not_judged n
		WHERE n.set_id = sp.set_id AND n.package_id = sp.package_id AND sp.package_id IN (`
)

// compare adds how a few judgements differ. A verdict stands for every set that holds the
// package or for none, unless a rematch was cut off or scans judged by something else.
func compare(ctx context.Context, tx *Tx, js []plimsoll.PackageJudgement, want said, out *plimsoll.PackageChanges) error {
	packages := make([]any, len(js))
	for i, j := range js {
		packages[i] = j.PackageID
	}
	holders := make(map[int64]int, len(js))
	rows, err := tx.Query(ctx, sqlHolders+marks(len(packages))+`) GROUP BY package_id`, packages...)
	err = each(rows, err, func(rows *sql.Rows) error {
		var pkg int64
		var n int
		err := rows.Scan(&pkg, &n)
		holders[pkg] = n
		return err
	})
	if err != nil {
		return err
	}
	whole := map[[2]int64]bool{} // package and verdict stand for every holder
	rows, err = tx.Query(ctx, sqlStanding+marks(len(packages))+`) GROUP BY s.package_id, s.verdict_id`, packages...)
	err = each(rows, err, func(rows *sql.Rows) error {
		var pkg, verdict int64
		var n int
		err := rows.Scan(&pkg, &verdict, &n)
		whole[[2]int64{pkg, verdict}] = n == holders[pkg]
		if _, ok := want[pkg][verdict]; !ok {
			out.Findings = append(out.Findings, plimsoll.FindingChange{PackageID: pkg, VerdictID: verdict, Ends: true})
			out.Rows += n
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, j := range js {
		for verdict, v := range want[j.PackageID] {
			if holders[j.PackageID] > 0 && !whole[[2]int64{j.PackageID, verdict}] {
				out.Findings = append(out.Findings, plimsoll.FindingChange{
					PackageID: j.PackageID, VerdictID: verdict, Vulnerability: v.ID, Advisories: v.Advisories,
				})
				out.Rows += holders[j.PackageID]
			}
		}
	}
	return compareUnjudged(ctx, tx, js, packages, holders, out.NotJudged)
}

func compareUnjudged(ctx context.Context, tx *Tx, js []plimsoll.PackageJudgement, packages []any, holders map[int64]int, out map[int64]string) error {
	type reasons struct {
		text  string
		n     int
		mixed bool
	}
	stored := map[int64]reasons{}
	rows, err := tx.Query(ctx, sqlUnjudged+marks(len(packages))+`) GROUP BY n.package_id, n.reason`, packages...)
	err = each(rows, err, func(rows *sql.Rows) error {
		var pkg int64
		var r reasons
		err := rows.Scan(&pkg, &r.text, &r.n)
		_, r.mixed = stored[pkg]
		stored[pkg] = r
		return err
	})
	for _, j := range js {
		have := stored[j.PackageID]
		differs := have.mixed || have.text != j.NotJudged || (have.n != 0 && have.n != holders[j.PackageID])
		if differs && holders[j.PackageID] > 0 {
			out[j.PackageID] = j.NotJudged
		}
	}
	return err
}

// describeEnds adds the words of verdicts that end.
func describeEnds(ctx context.Context, tx *Tx, changes []plimsoll.FindingChange) error {
	type words struct{ id, advisories string }
	verdicts := map[int64]words{}
	for _, c := range changes {
		if c.Ends {
			verdicts[c.VerdictID] = words{}
		}
	}
	var ids []int64
	for id := range verdicts {
		ids = append(ids, id)
	}
	for part := range slices.Chunk(ids, chunk) {
		rows, err := tx.Query(ctx, `SELECT id, vulnerability, advisories FROM verdict WHERE id IN (`+marks(len(part))+`)`, anys(part)...)
		err = each(rows, err, func(rows *sql.Rows) error {
			var id int64
			var w words
			err := rows.Scan(&id, &w.id, &w.advisories)
			verdicts[id] = w
			return err
		})
		if err != nil {
			return err
		}
	}
	for i := range changes {
		c := &changes[i]
		if !c.Ends {
			continue
		}
		c.Vulnerability = verdicts[c.VerdictID].id
		if err := json.Unmarshal([]byte(verdicts[c.VerdictID].advisories), &c.Advisories); err != nil {
			return err
		}
	}
	return nil
}
