package rematch

import (
	"context"
	"maps"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"plimsoll"
	"plimsoll/match"
)

const (
	packagesPerBatch = 200     // bounds the evidence that one batch keeps in memory
	rowsPerSave      = 500_000 // bounds the changes that are kept until they are written, in order of their sets
)

// walk is one run of a rematch, from BeginRematch to FinishRematch.
type walk struct {
	*Rematcher
	rematch  plimsoll.Rematch
	packages atomic.Int64 // judged
	images   int          // rows rewritten

	mu      sync.Mutex // protects the fields below; locked while changes are written
	rows    int        // of judgement that were written
	changes plimsoll.PackageChanges
}

// run judges the packages of a scope, then what scans leave behind meanwhile, and finishes.
func (w *walk) run(ctx context.Context, scope plimsoll.RematchScope) error {
	if err := w.judge(ctx, scope); err != nil {
		return err
	}
	for {
		done, err := w.finish(ctx)
		if err != nil || done {
			return err
		}
	}
}

// finish judges the sets that are behind, counts, and ends the rematch. done is false if
// scans left sets behind or changed artifacts meanwhile.
func (w *walk) finish(ctx context.Context) (done bool, err error) {
	state, err := w.Store.RematchState(ctx, match.Version)
	if err != nil {
		return false, err
	}
	if err := w.judge(ctx, plimsoll.RematchScope{Sets: state.Behind}); err != nil {
		return false, err
	}
	images, err := w.Store.CountRematch(ctx, w.rematch, state.Behind)
	w.images += images
	if err != nil {
		return false, err
	}
	return w.Store.FinishRematch(ctx, w.rematch)
}

// judge judges packages, several batches at once, and writes the differences.
func (w *walk) judge(ctx context.Context, scope plimsoll.RematchScope) error {
	batches, within := errgroup.WithContext(ctx)
	batches.SetLimit(runtime.GOMAXPROCS(0))
	readErr := w.Store.EachPackage(within, scope, packagesPerBatch, func(batch []plimsoll.StoredPackage) error {
		batches.Go(func() error { return w.judgeBatch(within, batch) })
		return within.Err()
	})
	if err := batches.Wait(); err != nil {
		return err // the cause of readErr, if that is not nil
	}
	if readErr != nil {
		return readErr
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.saveChanges(ctx)
}

func (w *walk) judgeBatch(ctx context.Context, batch []plimsoll.StoredPackage) error {
	js, err := w.judgements(ctx, batch)
	if err != nil {
		return err
	}
	changes, err := w.Store.SaveJudgements(ctx, js)
	if err != nil {
		return err
	}
	if err := w.addReasons(ctx, changes.Findings); err != nil {
		return err
	}
	w.packages.Add(int64(len(batch)))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changes.Findings = append(w.changes.Findings, changes.Findings...)
	w.changes.Rows += changes.Rows
	if w.changes.NotJudged == nil {
		w.changes.NotJudged = map[int64]string{}
	}
	maps.Copy(w.changes.NotJudged, changes.NotJudged)
	if w.changes.Rows < rowsPerSave {
		return nil
	}
	return w.saveChanges(ctx)
}

// saveChanges writes the changes collected so far; w.mu is locked.
func (w *walk) saveChanges(ctx context.Context) error {
	rows, err := w.Store.SaveChanges(ctx, w.rematch, w.changes)
	w.rows += rows
	w.changes = plimsoll.PackageChanges{}
	return err
}

// judgements judges the packages of a batch. The judgement of one does not depend on the others.
func (w *walk) judgements(ctx context.Context, batch []plimsoll.StoredPackage) ([]plimsoll.PackageJudgement, error) {
	packages := make([]plimsoll.Package, len(batch))
	index := make(map[plimsoll.Package]int, len(batch))
	out := make([]plimsoll.PackageJudgement, len(batch))
	for i, p := range batch {
		packages[i], out[i].PackageID, index[p.Package] = p.Package, p.ID, i
	}
	evidence, err := w.Advisories.Evidence(ctx, match.Keys(packages))
	if err != nil {
		return nil, err
	}
	j := match.Judge(packages, evidence)
	for _, v := range j.Vulnerabilities {
		of := &out[index[v.Package]]
		of.Vulnerabilities = append(of.Vulnerabilities, v)
	}
	for _, m := range j.Malicious {
		out[index[m.Package]].Malicious = m.Advisories
	}
	for _, n := range j.NotJudged {
		out[index[n.Package]].NotJudged = n.Reason
	}
	return out, nil
}
