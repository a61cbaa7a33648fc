package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"

	"plimsoll"
)

// SaveMalicious stores which of the judged packages advisories call malware, and brings what
// artifacts with a package show, and the counts above, up to date where that differs. It
// returns how many artifacts that is.
func (s *Store) SaveMalicious(ctx context.Context, js []plimsoll.PackageJudgement) (artifacts int, err error) {
	want := map[int64][]string{}
	ids := make([]int64, len(js))
	for i, j := range js {
		ids[i] = j.PackageID
		if len(j.Malicious) > 0 {
			want[j.PackageID] = j.Malicious
		}
	}
	var have map[int64]string
	err = s.db.read(ctx, func(tx *Tx) (err error) {
		have, err = readMalicious(ctx, tx, ids)
		return err
	})
	if err != nil || len(want) == 0 && len(have) == 0 {
		return 0, err
	}
	err = s.db.write(ctx, func(tx *Tx) error {
		w := &writer{Tx: tx}
		changed, err := w.saveMalicious(ctx, ids, want)
		if err != nil || len(changed) == 0 {
			return err
		}
		artifacts, err = w.refreshHolders(ctx, changed)
		return err
	})
	return artifacts, err
}

func readMalicious(ctx context.Context, tx *Tx, packages []int64) (map[int64]string, error) {
	out := map[int64]string{}
	for part := range slices.Chunk(packages, chunk) {
		rows, err := tx.Query(ctx, `SELECT package_id, advisories FROM package_malicious WHERE package_id IN (`+marks(len(part))+`)`, anys(part)...)
		err = each(rows, err, func(rows *sql.Rows) error {
			var id int64
			var advisories string
			err := rows.Scan(&id, &advisories)
			out[id] = advisories
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// saveMalicious writes the rows of judged packages that differ, and returns whose.
func (w *writer) saveMalicious(ctx context.Context, judged []int64, want map[int64][]string) (changed []int64, err error) {
	have, err := readMalicious(ctx, w.Tx, judged)
	if err != nil {
		return nil, err
	}
	for _, id := range judged {
		text, malicious := "", len(want[id]) > 0
		if malicious {
			text = encodeList(want[id])
		}
		if text == have[id] {
			continue
		}
		if changed = append(changed, id); malicious {
			err = w.change(ctx, `INSERT INTO package_malicious (package_id, advisories) VALUES (?, ?)
				ON CONFLICT (package_id) DO UPDATE SET advisories = excluded.advisories`, id, text)
		} else {
			err = w.change(ctx, `DELETE FROM package_malicious WHERE package_id = ?`, id)
		}
		if err != nil {
			return nil, err
		}
	}
	return changed, nil
}

// heldArtifact is an artifact that holds some package.
type heldArtifact struct {
	id int64
	plimsoll.Tenant
}

func holdersOfPackages(ctx context.Context, tx *Tx, packages []int64) ([]heldArtifact, error) {
	var out []heldArtifact
	for part := range slices.Chunk(packages, chunk) {
		rows, err := tx.Query(ctx, `SELECT DISTINCT h.artifact_id, h.project_id, h.enterprise_project_id FROM set_package sp
			CROSS JOIN artifact_set h WHERE h.set_id = sp.set_id AND sp.package_id IN (`+marks(len(part))+`)`, anys(part)...)
		found, err := collect(rows, err, func(rows *sql.Rows) (h heldArtifact, err error) {
			return h, rows.Scan(&h.id, &h.ProjectID, &h.EnterpriseProject)
		})
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// refreshMalicious rewrites what an artifact shows of malicious packages. One that was never
// looked at for malware stays so.
func (w *writer) refreshMalicious(ctx context.Context, h heldArtifact) error {
	have, err := readOutcome(ctx, w.Tx, h.id)
	if err != nil || !have.malware.Valid {
		return err
	}
	files, err := fileMalware(ctx, w.Tx, h.id)
	if err != nil {
		return err
	}
	want := have
	if want.malware.Int64, err = w.saveAllMalware(ctx, h.Tenant, h.id, files); err != nil {
		return err
	}
	if err := w.saveOutcome(ctx, h.id, have, want); err != nil {
		return err
	}
	return w.refreshAbove(ctx, h.id)
}

// fileMalware is what was found in an artifact's files.
func fileMalware(ctx context.Context, tx *Tx, artifact int64) ([]plimsoll.Malware, error) {
	all, err := readMalware(ctx, tx, artifact)
	return slices.DeleteFunc(all, func(m plimsoll.Malware) bool { return m.Kind == plimsoll.MalwarePackage }), err
}

// saveAllMalware saves what was found in files and what advisories say of packages, and counts.
func (w *writer) saveAllMalware(ctx context.Context, t plimsoll.Tenant, artifact int64, files []plimsoll.Malware) (int64, error) {
	packages, err := maliciousOf(ctx, w.Tx, artifact)
	if err != nil {
		return 0, err
	}
	all := slices.Concat(files, packages)
	return visiblePaths(all), w.saveMalware(ctx, t, artifact, all)
}

// saveMalwareOf saves what a scan tells of malware, in files and of the packages that the
// artifact holds now, and returns the count. Files that could not be looked at keep what was
// last found, which matches beside them are added to; an artifact that was never looked at has no count.
func (w *writer) saveMalwareOf(ctx context.Context, artifact int64, have sql.NullInt64, p preparedScan) (sql.NullInt64, error) {
	files := p.Malware
	if !p.savesMalware {
		if !have.Valid || !p.savesSets {
			return have, nil
		}
		var err error
		if files, err = fileMalware(ctx, w.Tx, artifact); err != nil {
			return have, err
		}
	}
	if p.MalwareAdds {
		known, err := fileMalware(ctx, w.Tx, artifact)
		if err != nil {
			return have, err
		}
		files = withKnown(known, files)
	}
	n, err := w.saveAllMalware(ctx, p.Tenant, artifact, files)
	return sql.NullInt64{Int64: n, Valid: true}, err
}

// withKnown adds findings to known ones, which stay as they are.
func withKnown(known, found []plimsoll.Malware) []plimsoll.Malware {
	have := map[malwareKey]bool{}
	for _, m := range known {
		have[malwareKey{m.Path, m.Layer, m.Rule}] = true
	}
	for _, m := range found {
		if !have[malwareKey{m.Path, m.Layer, m.Rule}] {
			known = append(known, m)
		}
	}
	return known
}

// noteMalicious stores what the first judgement of a set says of its packages. Other sets may
// hold them too.
func (w *writer) noteMalicious(ctx context.Context, j plimsoll.Judgement, packages map[plimsoll.Package]int64) error {
	var ids []int64
	want := map[int64][]string{}
	for _, m := range j.Malicious {
		if id := packages[m.Package]; id != 0 {
			ids, want[id] = append(ids, id), m.Advisories
		}
	}
	changed, err := w.saveMalicious(ctx, ids, want)
	if err != nil || len(changed) == 0 {
		return err
	}
	_, err = w.refreshHolders(ctx, changed)
	return err
}

// refreshHolders brings artifacts that hold some of the packages up to date.
func (w *writer) refreshHolders(ctx context.Context, packages []int64) (artifacts int, err error) {
	holders, err := holdersOfPackages(ctx, w.Tx, packages)
	for _, h := range holders {
		if err == nil {
			err = w.refreshMalicious(ctx, h)
		}
	}
	return len(holders), err
}

// maliciousOf lists the malicious packages of an artifact, where each stands.
func maliciousOf(ctx context.Context, tx *Tx, artifact int64) ([]plimsoll.Malware, error) {
	type place struct {
		set        int64
		position   int
		name       string
		advisories string
	}
	var any sql.NullInt64
	if err := tx.QueryRow(ctx, `SELECT MIN(package_id) FROM package_malicious`).Scan(&any); err != nil || !any.Valid {
		return nil, err // nearly always there are none
	}
	rows, err := tx.Query(ctx, `SELECT h.set_id, sp.position, p.name, m.advisories FROM artifact_set h
		CROSS JOIN set_package sp JOIN package_malicious m ON m.package_id = sp.package_id JOIN package p ON p.id = sp.package_id
		WHERE sp.set_id = h.set_id AND h.artifact_id = ?`, artifact)
	found, err := collect(rows, err, func(rows *sql.Rows) (p place, err error) {
		return p, rows.Scan(&p.set, &p.position, &p.name, &p.advisories)
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	held, err := heldPlacesOf(ctx, tx, artifact)
	if err != nil {
		return nil, err
	}
	layers, err := layersOf(ctx, tx, artifact)
	if err != nil {
		return nil, err
	}
	var out []plimsoll.Malware
	seen := map[malwareKey]bool{}
	for _, p := range found {
		var advisories []string
		if err := json.Unmarshal([]byte(p.advisories), &advisories); err != nil {
			return nil, err
		}
		for _, h := range held {
			if h.set != p.set {
				continue
			}
			for _, at := range h.places[p.position] {
				m := plimsoll.Malware{Path: at.Path, Kind: plimsoll.MalwarePackage, Rule: advisories[0], Engine: "advisories", Layer: layers[at.Layer]}
				if key := (malwareKey{m.Path, m.Layer, m.Rule}); !seen[key] {
					seen[key] = true
					out = append(out, m)
				}
			}
		}
	}
	return out, nil
}
