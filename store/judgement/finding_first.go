package judgement

import (
	"context"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// CheckPackages refuses a judgement about packages that are not in its set.
func CheckPackages(j plimsoll.Judgement, list []plimsoll.Package) error {
	packages := make(map[plimsoll.Package]int64, len(list))
	for _, p := range list {
		packages[p] = 1
	}
	return checkPackagesKnown(j, packages)
}

const insertFirstFindingsSQL = `INSERT INTO set_vulnerability (set_id, package_id, verdict_id, matcher, severity_rank, urgency, vulnerability, from_revision) VALUES `

const insertFirstNotJudgedSQL = `INSERT INTO set_not_judged (set_id, package_id, reason) VALUES `

// SaveFirstJudgement writes what is wrong with a set that was just stored. packages has
// the ids of its packages.
func SaveFirstJudgement(ctx context.Context, w *sqldb.Changes, set int64, matcher string, j plimsoll.Judgement, packages map[plimsoll.Package]int64) error {
	if err := checkPackagesKnown(j, packages); err != nil {
		return err
	}
	found := distinctVulnerabilities(j.Vulnerabilities)
	verdicts, hashes := map[string]plimsoll.Vulnerability{}, make([]string, len(found))
	for i, v := range found {
		hashes[i] = verdictHash(v)
		verdicts[hashes[i]] = v
	}
	ids, err := saveVerdicts(ctx, w, verdicts)
	if err != nil {
		return err
	}
	var args []any
	for i, v := range found {
		args = append(args, set, packages[v.Package], ids[hashes[i]], matcher, v.Severity.Rank(), v.UrgencyOrDefault(), v.ID)
	}
	if err := w.Insert(ctx, insertFirstFindingsSQL, "(?, ?, ?, ?, ?, ?, ?, 0)", ` ON CONFLICT DO NOTHING`, args); err != nil {
		return err
	}
	args = nil
	for _, n := range j.NotJudged {
		args = append(args, set, packages[n.Package], n.Reason)
	}
	return w.Insert(ctx, insertFirstNotJudgedSQL, "(?, ?, ?)", ` ON CONFLICT DO NOTHING`, args)
}

// checkPackagesKnown refuses a judgement about packages that are not in its set: a defect of the caller.
func checkPackagesKnown(j plimsoll.Judgement, packages map[plimsoll.Package]int64) error {
	unknown := func(p plimsoll.Package) error {
		return plimsoll.Errorf(plimsoll.Internal, "judgement names package %.80q %.80q, which is in no stored set", p.Name, p.Version)
	}
	for _, v := range j.Vulnerabilities {
		if packages[v.Package] == 0 {
			return unknown(v.Package)
		}
	}
	for _, n := range j.NotJudged {
		if packages[n.Package] == 0 {
			return unknown(n.Package)
		}
	}
	return nil
}
