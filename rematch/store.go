package rematch

import (
	"context"

	"plimsoll"
)

// Store is the part of the inventory that a rematch needs. The methods are called in this order;
// only SaveJudgements is called by several goroutines.
type Store interface {
	// RematchState returns the revision that all stored sets are judged by with this version of the
	// matcher, and the sets that are behind.
	RematchState(ctx context.Context, matcher string) (plimsoll.RematchState, error)

	// BeginRematch starts a rematch, or resumes the newest one if it has the same matcher and
	// revision and has not finished. A set that is stored from now on with an older judgement is
	// recorded as behind.
	BeginRematch(ctx context.Context, matcher string, through plimsoll.Revision) (plimsoll.Rematch, error)

	// EachPackage calls f for the stored packages of a scope, each package once, in batches of at
	// most size. It stops at the first error of f and returns it. No transaction is open while f runs.
	EachPackage(ctx context.Context, scope plimsoll.RematchScope, size int, f func([]plimsoll.StoredPackage) error) error

	// SaveJudgements stores what judgements say about packages themselves, and returns how they
	// differ from the stored findings of the sets that contain the packages, without reasons.
	SaveJudgements(ctx context.Context, js []plimsoll.PackageJudgement) (plimsoll.PackageChanges, error)

	// SaveChanges writes changes for all sets that contain the packages, in short transactions, and
	// returns the number of rows written. The rows are not visible yet. The same changes saved again write nothing.
	SaveChanges(ctx context.Context, r plimsoll.Rematch, c plimsoll.PackageChanges) (rows int, err error)

	// CountRematch records that the sets judgedBehind are not behind any more, then counts every
	// artifact whose findings may have changed. The count and the list of an artifact become visible in
	// one transaction. It returns the number of rewritten image rows.
	CountRematch(ctx context.Context, r plimsoll.Rematch, judgedBehind []int64) (images int, err error)

	// FinishRematch makes everything that the rematch wrote visible in one transaction. If sets are
	// behind, or artifacts are not counted, it changes nothing and done is false.
	FinishRematch(ctx context.Context, r plimsoll.Rematch) (done bool, err error)
}

// Advisories is the part of the advisory database that a rematch needs.
type Advisories interface {
	// Revision returns the newest revision.
	Revision(ctx context.Context) (plimsoll.Revision, error)
	// Evidence returns what the newest revision contains about packages with these keys.
	Evidence(ctx context.Context, keys []plimsoll.AdvisoryKey) (plimsoll.Evidence, error)
	// ChangedSince returns what changed between a revision and the newest one, which is
	// changes.Through. If that is not known, known is false and every package may be affected.
	ChangedSince(ctx context.Context, since plimsoll.Revision) (changes plimsoll.AdvisoryChanges, known bool, err error)
	// Origins returns which advisory ids are in force now, and which were at an earlier revision.
	Origins(ctx context.Context, ids []string, since plimsoll.Revision) (map[string]plimsoll.AdvisoryOrigin, error)
}
