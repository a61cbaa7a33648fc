package images

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	"plimsoll"
	"plimsoll/store/artifacts"
	"plimsoll/store/decisions"
	"plimsoll/store/judgement"
	"plimsoll/store/sqldb"
)

const selectAnyDecisionSQL = `SELECT EXISTS (SELECT 1 FROM decision WHERE id > 0)`

// anyDecision reports whether there is, or was, any decision: without one nothing is handled.
func (w *Writer) anyDecision(ctx context.Context) (bool, error) {
	if w.decided == nil {
		var has bool
		if err := w.QueryRow(ctx, selectAnyDecisionSQL).Scan(&has); err != nil {
			return false, err
		}
		w.decided = &has
	}
	return *w.decided, nil
}

const clearHandledSQL = `UPDATE image SET handled = 0 WHERE handled <> 0 AND project_id = ? AND artifact_id IN (:keys)`

const selectProjectsSQL = `SELECT DISTINCT project_id FROM artifact WHERE id IN (:keys)`

// refreshHandled brings the number of handled vulnerabilities of the images of at most
// sqldb.ChunkSize artifacts up to date: by canonical id, those whose every finding in the
// image is under a decision that handles it. RefreshImages subtracts them from the raw counts.
func (w *Writer) refreshHandled(ctx context.Context, artifacts []int64) error {
	if decided, err := w.anyDecision(ctx); err != nil || !decided {
		return err
	}
	projects, err := sqldb.CollectChunks(ctx, w.Tx, selectProjectsSQL, nil, artifacts, sqldb.ScanValue[string])
	if err != nil {
		return err
	}
	for _, project := range projects {
		r, loaded := w.active[project]
		if !loaded {
			if r, err = decisions.ReadActive(ctx, w.Tx, project); err != nil {
				return err
			}
			if w.active == nil {
				w.active = map[string]*decisions.Active{}
			}
			w.active[project] = r
		}
		if r == nil {
			err = w.ChangeChunks(ctx, clearHandledSQL, []any{project}, artifacts)
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

const selectHandledImagesSQL = `SELECT id, artifact_id, handled, enterprise_project_id, registry_id, repository, tag, digest FROM image
	WHERE project_id = ? AND artifact_id IN (:keys)`

const (
	wantedHandledSQL = `WITH want (id, n) AS (VALUES `
	handledRowSQL    = `(CAST(? AS BIGINT), CAST(? AS BIGINT))`
	updateHandledSQL = `) UPDATE image SET handled = want.n FROM want WHERE image.id = want.id`
)

func (w *Writer) countHandled(ctx context.Context, project string, artifacts []int64, r *decisions.Active) error {
	images, err := sqldb.CollectChunks(ctx, w.Tx, selectHandledImagesSQL, []any{project}, artifacts, func(rows *sql.Rows) (i handledImage, err error) {
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
	gates, err := judgement.GatesOf(ctx, w.Tx, artifacts)
	if err != nil {
		return err
	}
	found, err := decidedFindings(ctx, w.Tx, sets, r)
	if err != nil {
		return err
	}
	var args []any
	for _, i := range images {
		if n := countHandledIn(i, gates[i.artifact], sets[i.artifact], found, r); n != i.handled {
			args = append(args, i.id, n)
		}
	}
	return w.Insert(ctx, wantedHandledSQL, handledRowSQL, updateHandledSQL, args)
}

// countHandledIn counts the vulnerabilities of an image at a gate that are handled everywhere in it.
func countHandledIn(i handledImage, g judgement.Gate, sets []memberSet, found map[int64][]decidedFinding, r *decisions.Active) int {
	open := map[string]bool{} // by canonical id: is any finding of it not handled?
	for _, s := range sets {
		at := i.place
		if s.member != "" {
			at.Digests = append(slices.Clone(at.Digests), s.member)
		}
		for _, f := range found[s.set] {
			if !g.Shows(f.from, f.to) {
				continue
			}
			id := r.VulnerabilityIDs[f.verdict]
			at.Package, at.Set = f.pkg, f.set
			d := r.For(f.verdict, at)
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

const selectOwnSetsSQL = `SELECT h.artifact_id, h.set_id, '' FROM artifact_set h WHERE h.artifact_id IN (:keys) AND ` + judgement.CountedSQL

const selectMemberSetsSQL = `SELECT c.artifact_id, h.set_id, c.digest FROM ` + artifacts.ScannedMembersSQL + `
		JOIN artifact_set h ON h.artifact_id = a.id WHERE c.artifact_id IN (:keys) AND ` + judgement.CountedSQL

// memberSets returns the sets of artifacts and of the scanned members of indexes.
func memberSets(ctx context.Context, tx *sqldb.Tx, artifacts []int64) (map[int64][]memberSet, error) {
	out := map[int64][]memberSet{}
	for _, query := range [...]string{selectOwnSetsSQL, selectMemberSetsSQL} {
		err := sqldb.QueryChunks(ctx, tx, query, nil, artifacts, func(rows *sql.Rows) error {
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

// decidedFinding is a finding of a set with an id that some decision is about.
type decidedFinding struct {
	verdict int64
	pkg     plimsoll.Package
	set     plimsoll.SetKind

	from judgement.Gate
	to   sql.NullInt64
}

const selectDecidedFindingsSQL = `SELECT s.set_id, s.verdict_id, s.from_revision, s.to_revision, k.kind, ` + judgement.PackageColumnsSQL + `
	FROM set_vulnerability s JOIN package p ON p.id = s.package_id JOIN package_set k ON k.id = s.set_id
	WHERE s.set_id IN (:keys) AND ` + judgement.NotEndedSQL

// maxListed is up to how many verdicts are listed in a query; beyond it all are read.
const maxListed = 1000

// decidedFindings reads the findings of sets, whatever the gate.
func decidedFindings(ctx context.Context, tx *sqldb.Tx, sets map[int64][]memberSet, r *decisions.Active) (map[int64][]decidedFinding, error) {
	out := map[int64][]decidedFinding{}
	for _, list := range sets {
		for _, s := range list {
			out[s.set] = nil
		}
	}
	oldest, err := judgement.OpenGate(ctx, tx) // what ended by then is visible nowhere
	if err != nil {
		return nil, err
	}
	only, verdicts := "", []any(nil)
	if len(r.VulnerabilityIDs) <= maxListed {
		for v := range r.VulnerabilityIDs {
			verdicts = append(verdicts, v)
		}
		only = ` AND +s.verdict_id IN (` + sqldb.Marks(len(verdicts)) + `)`
	}
	ids := slices.Sorted(maps.Keys(out))
	return out, sqldb.QueryChunks(ctx, tx, selectDecidedFindingsSQL+only, nil, ids, func(rows *sql.Rows) error {
		var set int64
		var f decidedFinding
		err := rows.Scan(append([]any{&set, &f.verdict, &f.from, &f.to, &f.set}, judgement.PackageTargets(&f.pkg)...)...)
		if _, decided := r.VulnerabilityIDs[f.verdict]; decided {
			out[set] = append(out[set], f)
		}
		return err
	}, append([]any{oldest}, verdicts...)...)
}
