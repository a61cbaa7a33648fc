package advisory

import (
	"context"
	"crypto/sha256"
	"maps"
	"slices"

	"plimsoll"
)

// Store keeps the records of feeds. Saved changes become visible when the import is
// published. SaveRecords is called by several goroutines at once.
type Store interface {
	BeginImport(ctx context.Context, feed, source string) (known map[string][sha256.Size]byte, err error)
	SaveRecords(ctx context.Context, records []plimsoll.FeedRecord) error
	WithdrawRecords(ctx context.Context, files []string) error
	PublishImport(ctx context.Context) (plimsoll.Revision, error)
	EndImport()

	// MissingFiles returns the stored files that the feed's last full dump did not
	// contain; NoteMissing replaces that list.
	MissingFiles(ctx context.Context, feed string) (map[string]bool, error)
	NoteMissing(ctx context.Context, feed string, files []string) error
}

// Reasons for skipping a file of a dump. A record that was stored before stays as it was:
// only a file that is absent from the dump is withdrawn.
const (
	SkippedNotJSON    = "not a JSON file"
	SkippedName       = "unusable file name"
	SkippedTwice      = "file name occurs twice"
	SkippedTooLarge   = "record too large"
	SkippedInvalid    = "not an OSV record"
	SkippedUnreadable = "file cannot be read"
)

// Plan describes how a dump is imported into its feed.
type Plan struct {
	Feed string

	// Address is where the dump came from; "" = the path that it was opened at.
	Address string

	// Partial means that the dump contains only some files of the feed, so that absent
	// files are not withdrawn.
	Partial bool

	// WithdrawAfter is the number of consecutive full dumps that must lack a file before
	// it is withdrawn. 0 and 1 withdraw at once, which is right for a dump that an operator
	// imports. Online dumps sometimes lack records by mistake, so feeds use 2.
	WithdrawAfter int

	// Progress, if not nil, is called after each file with the number of files done and
	// the number of all files.
	Progress func(done, total int)
}

// Import replaces the feed with the records of a dump, as for a file that an operator
// imports: it is Update with the default plan.
func Import(ctx context.Context, src *Source, feed string, store Store, progress func(done, total int)) (plimsoll.ImportOutcome, error) {
	return Update(ctx, src, store, Plan{Feed: feed, Progress: progress})
}

// Update reads a dump into the store: it saves new and changed files, withdraws files that
// the dump no longer contains as the plan says, and publishes all of it as one revision.
// An unchanged dump makes no revision. A dump without any readable record is Invalid and
// withdraws nothing.
func Update(ctx context.Context, src *Source, store Store, plan Plan) (plimsoll.ImportOutcome, error) {
	out := plimsoll.ImportOutcome{Feed: plan.Feed, Skipped: map[string]int{}}
	if !validFileName(plan.Feed) {
		return out, plimsoll.Errorf(plimsoll.Invalid, "advisory: feed name %.80q is empty, too long or has control characters", plan.Feed)
	}
	address := src.Path()
	if plan.Address != "" {
		address = plan.Address
	}
	known, err := store.BeginImport(ctx, plan.Feed, address)
	if err != nil {
		return out, err
	}
	defer store.EndImport()
	i := newImporter(src, store, known, plan.Progress)
	err = i.readAll(ctx)
	i.out.Feed = plan.Feed
	if out = i.out; err != nil {
		return out, err
	}
	if out.Records == 0 && !plan.Partial {
		return out, plimsoll.Errorf(plimsoll.Invalid, "advisory: no OSV record in %s", src.Path()).
			WithHint("nothing was changed; %d files were skipped", src.Len())
	}
	if plan.Partial {
		out.Revision, err = store.PublishImport(ctx)
		return out, err
	}
	err = withdrawAndPublish(ctx, store, plan, slices.Sorted(maps.Keys(i.unseen)), &out)
	return out, err
}

// withdrawAndPublish withdraws files that have been absent for long enough and publishes
// the import. Missing marks of files that are back are removed first, and new marks are
// written last, so that a crash at any point leaves no file with more marks than there
// were dumps that lacked it.
func withdrawAndPublish(ctx context.Context, store Store, plan Plan, absent []string, out *plimsoll.ImportOutcome) error {
	missingBefore, err := store.MissingFiles(ctx, plan.Feed)
	if err != nil {
		return err
	}
	var stillMissing, missing []string
	withdraw := absent
	if plan.WithdrawAfter > 1 {
		withdraw = nil
		for _, file := range absent {
			if missing = append(missing, file); missingBefore[file] {
				stillMissing = append(stillMissing, file)
				withdraw = append(withdraw, file)
			}
		}
	}
	if len(missingBefore) > 0 {
		if err := store.NoteMissing(ctx, plan.Feed, stillMissing); err != nil {
			return err
		}
	}
	if out.Withdrawn = len(withdraw); out.Withdrawn > 0 {
		if err := store.WithdrawRecords(ctx, withdraw); err != nil {
			return err
		}
	}
	if out.Revision, err = store.PublishImport(ctx); err != nil {
		return err
	}
	missing = slices.DeleteFunc(missing, func(file string) bool { return missingBefore[file] })
	if out.Missing = len(missing); out.Missing == 0 && len(stillMissing) == 0 {
		return nil
	}
	return store.NoteMissing(ctx, plan.Feed, missing)
}
