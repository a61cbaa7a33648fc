package scan

import (
	"context"
	"errors"
	"fmt"

	"plimsoll"
)

// Store is the part of the inventory that scans use.
type Store interface {
	Artifact(ctx context.Context, t plimsoll.Tenant, d plimsoll.Digest) (plimsoll.Artifact, error)
	SaveScan(ctx context.Context, r plimsoll.ScanRecord) (changed bool, err error)
	FailScan(ctx context.Context, t plimsoll.Tenant, d plimsoll.Digest, code plimsoll.FailureCode, detail string) error
}

// Open returns the source of a unit of work's image. shared reports whether layer reports of its registry
// may be reused without proof of bytes.
type Open func(ctx context.Context, w plimsoll.Work) (src Source, shared bool, err error)

// Worker scans the units of work of the backlog.
type Worker struct {
	Inspector *Inspector
	Store     Store
	Open      Open
	Lists     *PasswordLists // nil = projects have no password lists
}

// Work scans one artifact: an image, or every scannable platform of an index. The outcome is
// stored with the artifact, also if the scan fails. The error is the first failure.
func (w *Worker) Work(ctx context.Context, work plimsoll.Work) error {
	tenant := work.Tenant
	digest, err := plimsoll.ParseDigest(work.Key)
	if err != nil {
		return err
	}
	artifact, err := w.Store.Artifact(ctx, tenant, digest)
	if plimsoll.ErrorCode(err) == plimsoll.NotFound {
		return nil // its last tag was removed after the scan was requested
	}
	if err != nil {
		return err
	}
	if artifact.Unscannable != "" {
		return nil
	}
	src, shared, err := w.Open(ctx, work)
	if err != nil {
		return w.failed(ctx, tenant, digest, err)
	}
	if artifact.Kind != plimsoll.KindIndex {
		return w.image(ctx, work, Target{Tenant: tenant, Artifact: artifact, Shared: shared}, src)
	}
	return w.index(ctx, work, Target{Tenant: tenant, Artifact: artifact, Shared: shared}, src)
}

// index scans one platform after the other. A platform that fails does not stop the others.
func (w *Worker) index(ctx context.Context, work plimsoll.Work, index Target, src Source) error {
	var first error
	for _, c := range index.Artifact.Children {
		if c.Unscannable != "" {
			continue
		}
		child, err := w.Store.Artifact(ctx, index.Tenant, c.Digest)
		if err == nil && child.Unscannable != "" {
			continue
		}
		if err == nil {
			err = w.image(ctx, work, Target{Tenant: index.Tenant, Artifact: child, Shared: index.Shared}, src)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if first == nil {
			first = err
		}
	}
	return first
}

func (w *Worker) image(ctx context.Context, work plimsoll.Work, target Target, src Source) error {
	digest := target.Artifact.Digest
	record, err := w.Inspector.Inspect(ctx, target, src)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	err = addQuarantine(err, work.Deaths)
	if err != nil && record.Facts == nil { // before its layers were folded
		return w.failed(ctx, target.Tenant, digest, err)
	}
	if err != nil {
		record.Failure, record.Detail = plimsoll.FailureOf(err), failureDetail(err)
		record = withoutFailedParts(record, err)
	}
	if _, saveErr := w.Store.SaveScan(ctx, record); saveErr != nil {
		return errors.Join(err, saveErr)
	}
	if w.Lists != nil && record.Settings != nil {
		err = errors.Join(err, w.Lists.Check(ctx, target.Tenant, digest))
	}
	return err
}

// addQuarantine adds to the error of a death that it is the last one the queue allows. The artifact
// is failed until a user requests a scan: syncs request scans of new content only.
func addQuarantine(err error, deaths int) error {
	if !errors.Is(err, plimsoll.ErrDied) || deaths+1 < plimsoll.MaxDeaths {
		return err
	}
	return fmt.Errorf("quarantined, analysis died twice: %w", err)
}

// withoutFailedParts withholds the parts that are incomplete, so that the last good result of each
// stays stored.
func withoutFailedParts(record plimsoll.ScanRecord, err error) plimsoll.ScanRecord {
	if incomplete, ok := errors.AsType[*Incomplete](err); ok {
		for _, k := range incomplete.Kinds {
			k.Withhold(&record)
		}
	}
	return record
}

// failed stores why an artifact could not be looked at. The last good findings stay.
func (w *Worker) failed(ctx context.Context, tenant plimsoll.Tenant, d plimsoll.Digest, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(err, w.Store.FailScan(ctx, tenant, d, plimsoll.FailureOf(err), failureDetail(err)))
}

const maxDetail = 500

// failureDetail returns an error's text as it is stored and shown.
func failureDetail(err error) string {
	s := err.Error()
	return s[:min(len(s), maxDetail)]
}
