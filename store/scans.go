package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"plimsoll"
)

// SaveScan writes how a record differs from what is stored about its artifact, and
// reports whether it wrote anything. Then it brings the counts of everything above up to
// date: the artifact, the indexes it is a member of, other artifacts that hold a set
// whose judgement changed, and their image rows.
//
// A record without a failure replaces everything. In a record with one, a part (Sets with
// Judgements, Settings, Malware) that is nil could not be looked at and keeps what was last
// found; a part that is not nil, even if empty, is what the scan found. Sets that were not
// all judged keep what was last found, too.
//
// Judgements that are older than what is stored about a set do not change it. A set that is
// stored for the first time with a judgement older than JudgedThrough takes that statement back.
func (s *Store) SaveScan(ctx context.Context, r plimsoll.ScanRecord) (changed bool, err error) {
	p, err := prepareScan(r)
	if err != nil {
		return false, err
	}
	err = s.db.write(ctx, func(tx *Tx) error {
		w := &writer{Tx: tx}
		if err := w.saveScan(ctx, p); err != nil {
			return err
		}
		changed = w.rows > 0
		return nil
	})
	return changed && err == nil, err
}

// FailScan records that an artifact could not be scanned. What was found before stays.
// The detail is for people and holds no secret.
func (s *Store) FailScan(ctx context.Context, t plimsoll.Tenant, d plimsoll.Digest, code plimsoll.FailureCode, detail string) error {
	return s.db.write(ctx, func(tx *Tx) error { return failArtifact(ctx, tx, t, d, code, detail) })
}

// failArtifact is FailScan as part of a transaction.
func failArtifact(ctx context.Context, tx *Tx, t plimsoll.Tenant, d plimsoll.Digest, code plimsoll.FailureCode, detail string) error {
	if code == "" {
		code = plimsoll.FailureUnknown
	}
	p, err := prepareScan(plimsoll.ScanRecord{Tenant: t, Digest: d, Failure: code, Detail: detail})
	if err != nil {
		return err
	}
	return (&writer{Tx: tx}).saveScan(ctx, p)
}

// maxDetail bounds the stored sentence about a failure, in bytes.
const maxDetail = 1000

// preparedScan is a record with what can be computed before the transaction.
type preparedScan struct {
	plimsoll.ScanRecord
	sets   []hashedSet // one a set of the record, in its order
	places [][]byte    // JSON, one a set

	savesSets, savesSettings, savesMalware bool
}

func prepareScan(r plimsoll.ScanRecord) (preparedScan, error) {
	p := preparedScan{ScanRecord: r}
	p.Detail = strings.ToValidUTF8(p.Detail[:min(len(p.Detail), maxDetail)], "")
	whole := r.Failure == ""
	p.savesSets = whole || (r.Sets != nil && len(r.Judgements) == len(r.Sets))
	p.savesSettings = whole || r.Settings != nil
	p.savesMalware = whole || r.Malware != nil
	if !p.savesSets {
		return p, nil
	}
	if len(r.Judgements) != len(r.Sets) {
		return p, plimsoll.Errorf(plimsoll.Internal, "scan record of %s has %d sets but %d judgements", r.Digest.Short(), len(r.Sets), len(r.Judgements))
	}
	for _, set := range r.Sets {
		if err := checkSet(set); err != nil {
			return p, err
		}
		places := slices.Clone(set.Places)
		slices.SortFunc(places, func(a, b plimsoll.Place) int {
			if a.Package != b.Package {
				return a.Package - b.Package
			}
			if a.Path != b.Path {
				return strings.Compare(a.Path, b.Path)
			}
			return a.Layer - b.Layer
		})
		text, err := json.Marshal(places)
		if err != nil {
			return p, err
		}
		p.places = append(p.places, text)
		p.sets = append(p.sets, hashedSet{PackageSet: set.PackageSet, hash: set.Hash()})
	}
	return p, nil
}

// checkSet refuses a set that would be stored under a hash that is not its own, and places of nothing.
func checkSet(set plimsoll.PlacedSet) error {
	for i := 1; i < len(set.Packages); i++ {
		if set.Packages[i-1].Compare(set.Packages[i]) >= 0 {
			return plimsoll.Errorf(plimsoll.Internal, "packages of a set are not sorted and distinct")
		}
	}
	for _, p := range set.Places {
		if p.Package < 0 || p.Package >= len(set.Packages) {
			return plimsoll.Errorf(plimsoll.Internal, "place of package %d in a set of %d", p.Package, len(set.Packages))
		}
	}
	return nil
}

// artifactRow is what findings need to know of an artifact.
type artifactRow struct {
	id   int64
	kind plimsoll.ArtifactKind
}

func findArtifact(ctx context.Context, tx *Tx, t plimsoll.Tenant, d plimsoll.Digest) (a artifactRow, err error) {
	err = tx.QueryRow(ctx, `SELECT id, kind FROM artifact WHERE project_id = ? AND enterprise_project_id = ? AND digest = ?`,
		t.ProjectID, t.EnterpriseProject, d).Scan(&a.id, &a.kind)
	if errors.Is(err, sql.ErrNoRows) {
		return a, plimsoll.Errorf(plimsoll.NotFound, "no artifact %.80s in this project", string(d))
	}
	return a, err
}

func (w *writer) saveScan(ctx context.Context, p preparedScan) error {
	a, err := findArtifact(ctx, w.Tx, p.Tenant, p.Digest)
	if err != nil {
		return err
	}
	have, err := readOutcome(ctx, w.Tx, a.id)
	if err != nil {
		return err
	}
	want := have
	want.state, want.failure, want.detail = p.Failure.State(), p.Failure, p.Detail
	switch {
	case !p.ScannedAt.IsZero():
		want.scannedAt = millis(p.ScannedAt)
	case have.scannedAt == 0 && (p.savesSets || p.savesSettings || p.savesMalware):
		// Every layer was inspected before, with other images: for this one, it is now.
		want.scannedAt = w.Now()
	}
	if p.savesSettings {
		want.settings = sql.NullInt64{Int64: failedRules(p.Settings), Valid: true}
		if err := w.saveSettings(ctx, p.Tenant, a.id, p.Settings); err != nil {
			return err
		}
	}
	if p.savesMalware {
		want.malware = sql.NullInt64{Int64: visiblePaths(p.Malware), Valid: true}
		if err := w.saveMalware(ctx, p.Tenant, a.id, p.Malware); err != nil {
			return err
		}
	}
	if p.Facts != nil {
		if err := w.saveFacts(ctx, p.Tenant, a.id, *p.Facts); err != nil {
			return err
		}
	}
	if err := w.saveOutcome(ctx, a.id, have, want); err != nil {
		return err
	}
	if p.savesSets {
		if err := w.savePackagesOf(ctx, a.id, p); err != nil {
			return err
		}
	}
	return w.refreshAbove(ctx, a.id)
}

// refreshAbove brings the image rows of an artifact, its indexes and their image rows up to date.
func (w *writer) refreshAbove(ctx context.Context, artifact int64) error {
	indexes, err := indexesAbove(ctx, w.Tx, []int64{artifact})
	if err != nil {
		return err
	}
	for _, index := range indexes {
		if err := w.refreshIndex(ctx, index); err != nil {
			return err
		}
	}
	return w.refreshImages(ctx, append(indexes, artifact))
}

// savePackagesOf saves the sets of an artifact, their judgements and places, and counts.
func (w *writer) savePackagesOf(ctx context.Context, artifact int64, p preparedScan) error {
	ids, fresh, err := w.saveSets(ctx, p.sets)
	if err != nil {
		return err
	}
	var held []heldSet
	var judgements []plimsoll.SetJudgement
	sets := map[int64][]plimsoll.Package{}
	for i, set := range p.sets {
		id := ids[set.hash]
		held = append(held, heldSet{set: id, text: p.places[i]})
		if _, ok := sets[id]; !ok {
			sets[id] = set.Packages
			judgements = append(judgements, plimsoll.SetJudgement{SetID: id, Judgement: p.Judgements[i]})
		}
	}
	packages, err := memberIDs(ctx, w.Tx, sets)
	if err != nil {
		return err
	}
	diffs, err := w.currentDiffs(ctx, p.Matcher, judgements, fresh, packages)
	if err != nil {
		return err
	}
	if _, err := w.saveDiffs(ctx, p.Matcher, diffs); err != nil {
		return err
	}
	if err := w.saveHeldSets(ctx, p.Tenant, artifact, held); err != nil {
		return err
	}
	if err := w.recount(ctx, []int64{artifact}); err != nil {
		return err
	}
	return w.recountAbove(ctx, slices.DeleteFunc(diffs, func(d judgementDiff) bool { return fresh[d.set] }))
}

// currentDiffs is diffJudgements without judgements that a walk over the sets has overtaken.
func (w *writer) currentDiffs(ctx context.Context, matcher string, js []plimsoll.SetJudgement, fresh map[int64]bool, packages map[plimsoll.Package]int64) ([]judgementDiff, error) {
	through, err := judgedThrough(ctx, w.Tx, matcher)
	if err != nil {
		return nil, err
	}
	var current []plimsoll.SetJudgement
	takenBack := false
	for _, j := range js {
		if j.Revision >= through || fresh[j.SetID] {
			current = append(current, j)
		}
		takenBack = takenBack || (j.Revision < through && fresh[j.SetID])
	}
	if takenBack {
		if err := w.change(ctx, `DELETE FROM matcher_state WHERE matcher = ?`, matcher); err != nil {
			return nil, err
		}
	}
	diffs, err := diffJudgements(ctx, w.Tx, current, packages)
	if err != nil || len(diffs) == 0 {
		return nil, err
	}
	newest, err := newestRevisions(ctx, w.Tx, diffs)
	return slices.DeleteFunc(diffs, func(d judgementDiff) bool { return d.revision < newest[d.set] }), err
}

// newestRevisions returns the newest revision that changed something about each set.
func newestRevisions(ctx context.Context, tx *Tx, diffs []judgementDiff) (map[int64]plimsoll.Revision, error) {
	out := map[int64]plimsoll.Revision{}
	for part := range slices.Chunk(diffs, chunk) {
		var sets []any
		for _, d := range part {
			sets = append(sets, d.set)
		}
		rows, err := tx.Query(ctx, `SELECT set_id, MAX(from_revision), COALESCE(MAX(to_revision), 0)
			FROM set_vulnerability WHERE set_id IN (`+marks(len(sets))+`) GROUP BY set_id`, sets...)
		err = each(rows, err, func(rows *sql.Rows) error {
			var set int64
			var from, to plimsoll.Revision
			err := rows.Scan(&set, &from, &to)
			out[set] = max(from, to)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
