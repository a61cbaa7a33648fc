package judgement

import (
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"slices"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// SaveJudgements stores what judgements say about packages themselves: new verdicts, and
// which packages are malware. It returns how the judgements differ from what is stored as true about
// the sets that contain the packages; these changes have no reason yet, and SaveChanges writes them.
func (s *Store) SaveJudgements(ctx context.Context, js []plimsoll.PackageJudgement) (plimsoll.PackageChanges, error) {
	changes := plimsoll.PackageChanges{NotJudged: map[int64]string{}}
	if _, err := s.saveMalicious(ctx, js); err != nil {
		return changes, err
	}
	verdicts, err := s.saveNewVerdicts(ctx, js)
	if err != nil {
		return changes, err
	}
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		err := sqldb.EachChunk(js, func(part []plimsoll.PackageJudgement) error {
			return comparePackages(ctx, tx, part, verdicts, &changes)
		})
		if err != nil {
			return err
		}
		return describeEnds(ctx, tx, changes.Findings)
	})
	return changes, err
}

// verdictsByPackage are the vulnerabilities of packages, by package and by the id of the verdict.
type verdictsByPackage map[int64]map[int64]plimsoll.Vulnerability

// saveNewVerdicts stores the verdicts of judgements that are new, and returns all by their ids.
func (s *Store) saveNewVerdicts(ctx context.Context, js []plimsoll.PackageJudgement) (verdictsByPackage, error) {
	verdicts := map[string]plimsoll.Vulnerability{}
	hashes := make([][]string, len(js))
	for i, j := range js {
		for _, v := range distinctVulnerabilities(j.Vulnerabilities) {
			h := verdictHash(v)
			verdicts[h] = v
			hashes[i] = append(hashes[i], h)
		}
	}
	ids, err := s.knownVerdicts(ctx, verdicts)
	if err != nil {
		return nil, err
	}
	if len(ids) < len(verdicts) {
		err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
			ids, err = saveVerdicts(ctx, sqldb.NewChanges(tx), verdicts)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	out := make(verdictsByPackage, len(js))
	for i, j := range js {
		out[j.PackageID] = make(map[int64]plimsoll.Vulnerability, len(hashes[i]))
		for _, h := range hashes[i] {
			out[j.PackageID][ids[h]] = verdicts[h]
		}
	}
	return out, nil
}

func (s *Store) knownVerdicts(ctx context.Context, verdicts map[string]plimsoll.Vulnerability) (map[string]int64, error) {
	hashes := make([]string, 0, len(verdicts))
	for h := range verdicts {
		hashes = append(hashes, h)
	}
	slices.Sort(hashes)
	ids := make(map[string]int64, len(verdicts))
	return ids, s.db.Read(ctx, func(tx *sqldb.Tx) error { return verdictIDs(ctx, tx, hashes, ids) })
}

const countHoldersSQL = `SELECT package_id, COUNT(*) FROM set_package WHERE package_id IN (:keys) GROUP BY package_id`

// Of each package and verdict the number of sets for which it is true.
const countOpenFindingsSQL = `SELECT s.package_id, s.verdict_id, COUNT(*) FROM set_package sp CROSS JOIN set_vulnerability s
		WHERE s.set_id = sp.set_id AND s.package_id = sp.package_id AND s.to_revision IS NULL AND sp.package_id IN (:keys)
	GROUP BY s.package_id, s.verdict_id`

// comparePackages adds the differences of a few judgements. A verdict is true for every set with the
// package or for none, unless a rematch was interrupted or a scan judged by other advisories.
func comparePackages(ctx context.Context, tx *sqldb.Tx, js []plimsoll.PackageJudgement, want verdictsByPackage, out *plimsoll.PackageChanges) error {
	packages := make([]int64, len(js))
	for i, j := range js {
		packages[i] = j.PackageID
	}
	holders := make(map[int64]int, len(js))
	err := sqldb.QueryChunks(ctx, tx, countHoldersSQL, nil, packages, func(rows *sql.Rows) error {
		var pkg int64
		var n int
		err := rows.Scan(&pkg, &n)
		holders[pkg] = n
		return err
	})
	if err != nil {
		return err
	}
	whole := map[[2]int64]bool{} // package and verdict: true for every set with the package
	err = sqldb.QueryChunks(ctx, tx, countOpenFindingsSQL, nil, packages, func(rows *sql.Rows) error {
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

const countNotJudgedSQL = `SELECT n.package_id, n.reason, COUNT(*) FROM set_package sp CROSS JOIN set_not_judged n
		WHERE n.set_id = sp.set_id AND n.package_id = sp.package_id AND sp.package_id IN (:keys)
	GROUP BY n.package_id, n.reason`

func compareUnjudged(ctx context.Context, tx *sqldb.Tx, js []plimsoll.PackageJudgement, packages []int64, holders map[int64]int, out map[int64]string) error {
	type reasons struct {
		text  string
		n     int
		mixed bool
	}
	stored := map[int64]reasons{}
	err := sqldb.QueryChunks(ctx, tx, countNotJudgedSQL, nil, packages, func(rows *sql.Rows) error {
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

const selectEndedVerdictsSQL = `SELECT id, vulnerability, advisories FROM verdict WHERE id IN (:keys)`

// describeEnds adds the texts of verdicts that end.
func describeEnds(ctx context.Context, tx *sqldb.Tx, changes []plimsoll.FindingChange) error {
	type text struct{ vulnerability, advisories string }
	verdicts := map[int64]text{}
	for _, c := range changes {
		if c.Ends {
			verdicts[c.VerdictID] = text{}
		}
	}
	err := sqldb.QueryChunks(ctx, tx, selectEndedVerdictsSQL, nil, slices.Collect(maps.Keys(verdicts)), func(rows *sql.Rows) error {
		var id int64
		var t text
		err := rows.Scan(&id, &t.vulnerability, &t.advisories)
		verdicts[id] = t
		return err
	})
	if err != nil {
		return err
	}
	for i := range changes {
		c := &changes[i]
		if !c.Ends {
			continue
		}
		c.Vulnerability = verdicts[c.VerdictID].vulnerability
		if err := json.Unmarshal([]byte(verdicts[c.VerdictID].advisories), &c.Advisories); err != nil {
			return err
		}
	}
	return nil
}
