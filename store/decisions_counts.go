package store

import (
	"context"
	"database/sql"
	"slices"

	"plimsoll"
)

// rulings are the active decisions of a project that name a stored verdict.
type rulings struct {
	about map[int64][]*plimsoll.Decision // by verdict
	names map[int64]string               // canonical ids of those verdicts, and of all others with such an id
}

const sqlRulings = `SELECT n.verdict_id, v.vulnerability, ` + decisionColumns + `
	FROM decision d CROSS JOIN verdict_name n CROSS JOIN verdict v
	WHERE d.project_id = ? AND d.kind = 'vulnerability' AND ` + active + ` AND n.name = d.finding AND v.id = n.verdict_id`

// rulingsOf returns nil if no decision of the project is about anything that is stored.
func rulingsOf(ctx context.Context, tx *Tx, projectID string) (*rulings, error) {
	r := &rulings{about: map[int64][]*plimsoll.Decision{}, names: map[int64]string{}}
	decisions := map[int64]*plimsoll.Decision{}
	var ids []string
	rows, err := tx.Query(ctx, sqlRulings, projectID, tx.Now())
	err = each(rows, err, func(rows *sql.Rows) error {
		var verdict int64
		var id string
		var row decisionRow
		err := rows.Scan(append([]any{&verdict, &id}, row.targets()...)...)
		d := decisions[row.d.ID]
		if d == nil {
			d = new(row.decision())
			decisions[d.ID] = d
		}
		r.about[verdict] = append(r.about[verdict], d)
		ids = append(ids, id)
		return err
	})
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	slices.Sort(ids)
	for part := range slices.Chunk(slices.Compact(ids), chunk) {
		rows, err := tx.Query(ctx, `SELECT id, vulnerability FROM verdict WHERE vulnerability IN (`+marks(len(part))+`)`, anys(part)...)
		err = each(rows, err, func(rows *sql.Rows) error {
			var verdict int64
			var id string
			err := rows.Scan(&verdict, &id)
			r.names[verdict] = id
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return r, nil
}

// deciding returns the decision that holds for a verdict at a place, nil for none.
func (r *rulings) deciding(verdict int64, at plimsoll.FindingPlace) *plimsoll.Decision {
	if r == nil {
		return nil
	}
	return plimsoll.Deciding(r.about[verdict], at)
}

// decided reports whether there is, or was, any decision: without one nothing is handled.
func (w *writer) decided(ctx context.Context) (bool, error) {
	if w.decisions == nil {
		var has bool
		if err := w.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM decision WHERE id > 0)`).Scan(&has); err != nil {
			return false, err
		}
		w.decisions = &has
	}
	return *w.decisions, nil
}

// refreshHandled brings the number of handled vulnerabilities of the images of artifacts
// up to date: by canonical id, those whose every finding in the image is under a decision
// that handles it. refreshImages takes them off the raw counts.
func (w *writer) refreshHandled(ctx context.Context, artifacts []int64) error {
	if decided, err := w.decided(ctx); err != nil || !decided {
		return err
	}
	rows, err := w.Query(ctx, `SELECT DISTINCT project_id FROM artifact WHERE id IN (`+marks(len(artifacts))+`)`, anys(artifacts)...)
	projects, err := collect(rows, err, func(rows *sql.Rows) (id string, err error) { return id, rows.Scan(&id) })
	if err != nil {
		return err
	}
	for _, project := range projects {
		r, loaded := w.rulings[project]
		if !loaded {
			if r, err = rulingsOf(ctx, w.Tx, project); err != nil {
				return err
			}
			if w.rulings == nil {
				w.rulings = map[string]*rulings{}
			}
			w.rulings[project] = r
		}
		if r == nil {
			err = w.change(ctx, `UPDATE image SET handled = 0 WHERE handled <> 0 AND project_id = ? AND artifact_id IN (`+marks(len(artifacts))+`)`,
				append([]any{project}, anys(artifacts)...)...)
		} else {
			err = w.countHandled(ctx, project, artifacts, r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// handledImage is an image row whose handled count may change.
type handledImage struct {
	id, artifact int64
	handled      int
	place        plimsoll.FindingPlace
}

func (w *writer) countHandled(ctx context.Context, project string, artifacts []int64, r *rulings) error {
	rows, err := w.Query(ctx, `SELECT id, artifact_id, handled, enterprise_project_id, registry_id, repository, tag, digest FROM image
		WHERE project_id = ? AND artifact_id IN (`+marks(len(artifacts))+`)`, append([]any{project}, anys(artifacts)...)...)
	images, err := collect(rows, err, func(rows *sql.Rows) (i handledImage, err error) {
		var digest plimsoll.Digest
		err = rows.Scan(&i.id, &i.artifact, &i.handled, &i.place.EnterpriseProject, &i.place.RegistryID, &i.place.Repository, &i.place.Tag, &digest)
		i.place.Digests = []plimsoll.Digest{digest}
		return i, err
	})
	if err != nil || len(images) == 0 {
		return err
	}
	sets, err := memberSets(ctx, w.Tx, artifacts)
	if err != nil {
		return err
	}
	gates, err := gatesOf(ctx, w.Tx, artifacts)
	if err != nil {
		return err
	}
	found, err := ruledFindings(ctx, w.Tx, sets, r)
	if err != nil {
		return err
	}
	var args []any
	for _, i := range images {
		if n := handledOf(i, gates[i.artifact], sets[i.artifact], found, r); n != i.handled {
			args = append(args, i.id, n)
		}
	}
	for part := range slices.Chunk(args, 2*chunk) {
		err := w.change(ctx, `WITH want (id, n) AS (VALUES `+tuples(len(part)/2, "(CAST(? AS BIGINT), CAST(? AS BIGINT))")+`)
			UPDATE image SET handled = want.n FROM want WHERE image.id = want.id`, part...)
		if err != nil {
			return err
		}
	}
	return nil
}

// gatesOf is gateOf of several artifacts.
func gatesOf(ctx context.Context, tx *Tx, artifacts []int64) (map[int64]gate, error) {
	open, err := openGate(ctx, tx)
	if err != nil {
		return nil, err
	}
	out := make(map[int64]gate, len(artifacts))
	rows, err := tx.Query(ctx, `SELECT id, counted FROM artifact WHERE id IN (`+marks(len(artifacts))+`)`, anys(artifacts)...)
	err = each(rows, err, func(rows *sql.Rows) error {
		var artifact int64
		var own gate
		err := rows.Scan(&artifact, &own)
		out[artifact] = max(open, own)
		return err
	})
	return out, err
}

// handledOf counts the ids that are found in an image at a gate and open nowhere in it.
func handledOf(i handledImage, g gate, sets []memberSet, found map[int64][]ruledFinding, r *rulings) int {
	open := map[string]bool{} // by canonical id: is any finding of it not handled?
	for _, s := range sets {
		at := i.place
		if s.member != "" {
			at.Digests = append(slices.Clone(at.Digests), s.member)
		}
		for _, f := range found[s.set] {
			if f.from > g || (f.to.Valid && gate(f.to.Int64) <= g) {
				continue // not in sight
			}
			id := r.names[f.verdict]
			at.Package, at.Set = f.pkg, f.set
			d := r.deciding(f.verdict, at)
			open[id] = open[id] || d == nil || !d.Status.Handled()
		}
	}
	n := 0
	for _, is := range open {
		if !is {
			n++
		}
	}
	return n
}

// memberSet is a set of an artifact; of an index, also which member has it.
type memberSet struct {
	set    int64
	member plimsoll.Digest
}

const (
	sqlOwnSets    = `SELECT artifact_id, set_id, '' FROM artifact_set WHERE artifact_id IN (`
	sqlMemberSets = `SELECT c.artifact_id, s.set_id, c.digest FROM ` + members + `
		JOIN artifact_set s ON s.artifact_id = a.id WHERE c.artifact_id IN (`
)

// memberSets returns the sets of artifacts and of the scanned members of indexes.
func memberSets(ctx context.Context, tx *Tx, artifacts []int64) (map[int64][]memberSet, error) {
	out := map[int64][]memberSet{}
	for _, query := range [...]string{sqlOwnSets, sqlMemberSets} {
		rows, err := tx.Query(ctx, query+marks(len(artifacts))+`)`, anys(artifacts)...)
		err = each(rows, err, func(rows *sql.Rows) error {
			var artifact int64
			var s memberSet
			err := rows.Scan(&artifact, &s.set, &s.member)
			out[artifact] = append(out[artifact], s)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ruledFinding is a finding of a set with an id that some decision is about.
type ruledFinding struct {
	verdict int64
	pkg     plimsoll.Package
	set     plimsoll.SetKind

	from gate
	to   sql.NullInt64
}

// maxListed is up to how many verdicts the database is told which ones matter.
const maxListed = 1000

// ruledFindings reads the findings of sets, whatever the gate.
func ruledFindings(ctx context.Context, tx *Tx, sets map[int64][]memberSet, r *rulings) (map[int64][]ruledFinding, error) {
	out := map[int64][]ruledFinding{}
	for _, list := range sets {
		for _, s := range list {
			out[s.set] = nil
		}
	}
	oldest, err := openGate(ctx, tx) // what ended by then is in nobody's sight
	if err != nil {
		return nil, err
	}
	only, verdicts := "", []any(nil)
	if len(r.names) <= maxListed {
		for v := range r.names {
			verdicts = append(verdicts, v)
		}
		only = ` AND +s.verdict_id IN (` + marks(len(verdicts)) + `)`
	}
	ids := make([]int64, 0, len(out))
	for set := range out {
		ids = append(ids, set)
	}
	slices.Sort(ids)
	for part := range slices.Chunk(ids, chunk) {
		rows, err := tx.Query(ctx, `SELECT s.set_id, s.verdict_id, s.from_revision, s.to_revision, k.kind, p.ecosystem, p.name, p.version, p.source, p.source_version, p.arch, p.purl
			FROM set_vulnerability s JOIN package p ON p.id = s.package_id JOIN package_set k ON k.id = s.set_id
			WHERE s.set_id IN (`+marks(len(part))+`) AND (s.to_revision IS NULL OR s.to_revision > ?)`+only, append(append(anys(part), oldest), verdicts...)...)
		err = each(rows, err, func(rows *sql.Rows) error {
			var set int64
			var f ruledFinding
			err := rows.Scan(append([]any{&set, &f.verdict, &f.from, &f.to, &f.set}, packageTargets(&f.pkg)...)...)
			if _, ruled := r.names[f.verdict]; ruled {
				out[set] = append(out[set], f)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
