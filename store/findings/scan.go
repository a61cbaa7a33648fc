package findings

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/store/artifacts"
	"plimsoll/store/history"
	"plimsoll/store/judgement"
	"plimsoll/store/sqldb"
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
// is only changed by a rematch. A new set that was judged by older advisories than the newest
// rematch is left to a rematch, see plimsoll.RematchState.
func (s *Store) SaveScan(ctx context.Context, r plimsoll.ScanRecord) (changed bool, err error) {
	p, err := prepareScan(r)
	if err != nil {
		return false, err
	}
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		w := newWriter(tx)
		if err := w.saveScan(ctx, p); err != nil {
			return err
		}
		changed = w.Rows > 0
		return nil
	})
	return changed && err == nil, err
}

// FailScan records that an artifact could not be scanned. What was found before stays.
// The detail is for people and contains no secret.
func (s *Store) FailScan(ctx context.Context, t plimsoll.Tenant, d plimsoll.Digest, code plimsoll.FailureCode, detail string) error {
	return s.db.Write(ctx, func(tx *sqldb.Tx) error { return failArtifact(ctx, tx, t, d, code, detail) })
}

// failArtifact is FailScan as part of a transaction.
func failArtifact(ctx context.Context, tx *sqldb.Tx, t plimsoll.Tenant, d plimsoll.Digest, code plimsoll.FailureCode, detail string) error {
	if code == "" {
		code = plimsoll.FailureUnknown
	}
	p, err := prepareScan(plimsoll.ScanRecord{Tenant: t, Digest: d, Failure: code, Detail: detail})
	if err != nil {
		return err
	}
	return (newWriter(tx)).saveScan(ctx, p)
}

// maxDetail bounds the stored sentence about a failure, in bytes.
const maxDetail = 1000

// preparedScan is a record with what can be computed before the transaction.
type preparedScan struct {
	plimsoll.ScanRecord
	sets   []judgement.HashedSet // one a set of the record, in its order
	places [][]byte              // JSON, one a set

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
		p.sets = append(p.sets, judgement.HashedSet{PackageSet: set.PackageSet, Hash: set.Hash()})
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

func (w *findingWriter) saveScan(ctx context.Context, p preparedScan) error {
	a, err := artifacts.Find(ctx, w.Tx, p.Tenant, p.Digest)
	if err != nil {
		return err
	}
	have, err := artifacts.ReadOutcome(ctx, w.Tx, a.ID)
	if err != nil {
		return err
	}
	want := have
	want.State, want.Failure, want.Detail = p.Failure.State(), p.Failure, p.Detail
	switch {
	case !p.ScannedAt.IsZero():
		want.ScannedAt = sqldb.Millis(p.ScannedAt)
	case have.ScannedAt == 0 && (p.savesSets || p.savesSettings || p.savesMalware || p.savesSecrets):
		// Every layer was inspected before, with other images: for this one, it is now.
		want.ScannedAt = w.Now()
	}
	if p.savesSettings {
		want.Settings = sql.NullInt64{Int64: failedRules(p.Settings), Valid: true}
		if err := w.saveSettings(ctx, p.Tenant, a.ID, p.Settings); err != nil {
			return err
		}
		if err := w.saveAccounts(ctx, p.Tenant, a.ID, p.Accounts); err != nil {
			return err
		}
		if err := artifacts.RefreshSettings(ctx, w.Changes, a.ID); err != nil {
			return err
		}
	}
	if p.savesSets {
		if err := w.savePackagesOf(ctx, a.ID, p); err != nil {
			return err
		}
	}
	if want.Malware, err = w.saveMalwareOf(ctx, a.ID, have.Malware, p); err != nil {
		return err
	}
	if p.savesSecrets {
		if err := w.saveSecrets(ctx, p.Tenant, a.ID, p.Digest, p.Secrets); err != nil {
			return err
		}
	}
	if p.Facts != nil {
		if err := w.saveFacts(ctx, p.Tenant, a.ID, *p.Facts); err != nil {
			return err
		}
	}
	if err := artifacts.SaveOutcome(ctx, w.Changes, a.ID, have, want); err != nil {
		return err
	}
	return w.RefreshAbove(ctx, a.ID)
}

// savePackagesOf saves the sets of an artifact with their places, and counts. A set that is
// stored already keeps its judgement: only a rematch changes that, everywhere at once.
func (w *findingWriter) savePackagesOf(ctx context.Context, artifact int64, p preparedScan) error {
	ids, fresh, err := judgement.SaveSets(ctx, w.Changes, p.sets)
	if err != nil {
		return err
	}
	var held []artifacts.PackageSetRow
	for i, set := range p.sets {
		id := ids[set.Hash]
		held = append(held, artifacts.PackageSetRow{Set: id, Text: p.places[i]})
		if !fresh[id] {
			if err := judgement.CheckPackages(p.Judgements[i], set.Packages); err != nil {
				return err
			}
			continue
		}
		delete(fresh, id) // the same set may come twice
		packages, err := judgement.MemberIDs(ctx, w.Tx, map[int64][]plimsoll.Package{id: set.Packages})
		if err != nil {
			return err
		}
		if err := judgement.SaveFirstJudgement(ctx, w.Changes, id, p.Matcher, p.Judgements[i], packages); err != nil {
			return err
		}
		if err := w.noteMalicious(ctx, p.Judgements[i], packages); err != nil {
			return err
		}
		if err := judgement.NoteBehind(ctx, w.Changes, id, p.Matcher, p.Judgements[i].Revision); err != nil {
			return err
		}
	}
	before := w.Rows
	if err := artifacts.SavePackageSets(ctx, w.Changes, p.Tenant, artifact, held); err != nil {
		return err
	}
	if w.Rows > before {
		if err := artifacts.LeaveToRematch(ctx, w.Changes, artifact); err != nil {
			return err
		}
		if err := history.RecordSetsAbove(ctx, w.Changes, artifact); err != nil {
			return err
		}
	}
	return w.Recount(ctx, []int64{artifact})
}

// FailScanOf records on its artifact that the scan of a unit failed. A failure that the
// artifact has already is more precise, and stays unless replace is set.
func FailScanOf(ctx context.Context, tx *sqldb.Tx, w plimsoll.Work, replace bool) error {
	if w.Kind != plimsoll.WorkScan {
		return nil
	}
	tenant, digest := w.Tenant, plimsoll.Digest(w.Key)
	a, err := artifacts.Find(ctx, tx, tenant, digest)
	if plimsoll.ErrorCode(err) == plimsoll.NotFound {
		return nil // its last tag went away
	}
	if err != nil {
		return err
	}
	have, err := artifacts.ReadOutcome(ctx, tx, a.ID)
	if err != nil || (have.Failure != "" && !replace) {
		return err
	}
	return failArtifact(ctx, tx, tenant, digest, w.Failure, w.Detail)
}
