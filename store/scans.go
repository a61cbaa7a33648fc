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
// date: the artifact, the indexes it is a member of, and their image rows.
//
// A record without a failure replaces everything. In a record with one, a part (Sets with
// Judgements, Settings, Malware, Secrets) that is nil could not be looked at and keeps what was last
// found; a part that is not nil, even if empty, is what the scan found. Sets that were not
// all judged keep what was last found, too.
//
// A judgement counts for a set that is stored for the first time; that of one stored before
// is only changed by a rematch. A new set that was judged by something older than the last
// rematch is left to the next, see SetsBehind.
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

	savesSets, savesSettings, savesMalware, savesSecrets bool
}

func prepareScan(r plimsoll.ScanRecord) (preparedScan, error) {
	p := preparedScan{ScanRecord: r}
	p.Detail = strings.ToValidUTF8(p.Detail[:min(len(p.Detail), maxDetail)], "")
	whole := r.Failure == ""
	p.savesSets = whole || (r.Sets != nil && len(r.Judgements) == len(r.Sets))
	p.savesSettings = whole || r.Settings != nil
	p.savesMalware = whole || r.Malware != nil
	p.savesSecrets = whole || r.Secrets != nil
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
	case have.scannedAt == 0 && (p.savesSets || p.savesSettings || p.savesMalware || p.savesSecrets):
		// Every layer was inspected before, with other images: for this one, it is now.
		want.scannedAt = w.Now()
	}
	if p.savesSettings {
		want.settings = sql.NullInt64{Int64: failedRules(p.Settings), Valid: true}
		if err := w.saveSettings(ctx, p.Tenant, a.id, p.Settings); err != nil {
			return err
		}
		if err := w.saveAccounts(ctx, p.Tenant, a.id, p.Accounts); err != nil {
			return err
		}
	}
	if p.savesSets {
		if err := w.savePackagesOf(ctx, a.id, p); err != nil {
			return err
		}
	}
	if want.malware, err = w.saveMalwareOf(ctx, a.id, have.malware, p); err != nil {
		return err
	}
	if p.savesSecrets {
		if err := w.saveSecrets(ctx, p.Tenant, a.id, p.Digest, p.Secrets); err != nil {
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

// savePackagesOf saves the sets of an artifact with their places, and counts. A set that is
// stored already keeps its judgement: only a rematch changes that, everywhere at once.
func (w *writer) savePackagesOf(ctx context.Context, artifact int64, p preparedScan) error {
	ids, fresh, err := w.saveSets(ctx, p.sets)
	if err != nil {
		return err
	}
	var held []heldSet
	for i, set := range p.sets {
		id := ids[set.hash]
		held = append(held, heldSet{set: id, text: p.places[i]})
		if !fresh[id] {
			if err := w.knowsPackages(p.Judgements[i], set.Packages); err != nil {
				return err
			}
			continue
		}
		delete(fresh, id) // the same set may come twice
		packages, err := memberIDs(ctx, w.Tx, map[int64][]plimsoll.Package{id: set.Packages})
		if err != nil {
			return err
		}
		if err := w.saveFirstJudgement(ctx, id, p.Matcher, p.Judgements[i], packages); err != nil {
			return err
		}
		if err := w.noteMalicious(ctx, p.Judgements[i], packages); err != nil {
			return err
		}
		if err := w.noteBehind(ctx, id, p.Matcher, p.Judgements[i].Revision); err != nil {
			return err
		}
	}
	before := w.rows
	if err := w.saveHeldSets(ctx, p.Tenant, artifact, held); err != nil {
		return err
	}
	if w.rows > before {
		if err := w.leaveToRematch(ctx, artifact); err != nil {
			return err
		}
		if err := w.noteSetsAbove(ctx, artifact); err != nil {
			return err
		}
	}
	return w.recount(ctx, []int64{artifact})
}

// knowsPackages refuses a judgement about packages that are not in its set.
func (*writer) knowsPackages(j plimsoll.Judgement, list []plimsoll.Package) error {
	packages := make(map[plimsoll.Package]int64, len(list))
	for _, p := range list {
		packages[p] = 1
	}
	return knowPackages(j, packages)
}

// noteBehind makes a rematch judge a new set that was judged by something older than the
// last rematch, whether that has finished or not: it may have passed the set's packages.
func (w *writer) noteBehind(ctx context.Context, set int64, matcher string, revision plimsoll.Revision) error {
	last, err := lastRematch(ctx, w.Tx, false)
	if err != nil || last.ID == 0 || (last.Matcher == matcher && revision >= last.Revision) {
		return err
	}
	_, err = w.Exec(ctx, `INSERT INTO set_behind (set_id) VALUES (?) ON CONFLICT DO NOTHING`, set)
	return err
}
