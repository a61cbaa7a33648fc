package advisory

import (
	"context"
	"crypto/sha256"
	"maps"
	"slices"

	"plimsoll"
)

// Store keeps feeds. What is saved comes into sight when the import is published.
// SaveRecords is called by several goroutines at once.
type Store interface {
	BeginImport(ctx context.Context, feed, source string) (known map[string][sha256.Size]byte, err error)
	SaveRecords(ctx context.Context, records []plimsoll.FeedRecord) error
	WithdrawRecords(ctx context.Context, files []string) error
	PublishImport(ctx context.Context) (plimsoll.Revision, error)
	EndImport()

	// MissingFiles are those that the feed's last full dump did not hold although they
	// are stored; NoteMissing replaces them.
	MissingFiles(ctx context.Context, feed string) (map[string]bool, error)
	NoteMissing(ctx context.Context, feed string, files []string) error
}

// Why a file of a dump was skipped. A record that was stored before stays as it was:
// only a file that is absent is withdrawn.
const (
	SkippedNotJSON    = "not a JSON file"
	SkippedName       = "unusable file name"
	SkippedTwice      = "file name occurs twice"
	SkippedTooLarge   = "record too large"
	SkippedInvalid    = "not an OSV record"
	SkippedUnreadable = "file cannot be read"
)

// Plan says what a dump is to its feed.
type Plan struct {
	Feed string

	// Address is where the dump came from, if not from where it was opened.
	Address string

	// Partial: the dump holds some files of the feed. Nothing is withdrawn.
	Partial bool

	// WithdrawAfter is how many full dumps, one after the other, have to lack a file until it
	// is withdrawn. 0 and 1 withdraw at once: what an operator hands over is meant. Online
	// dumps are known to lack records now and then, so feeds use 2.
	WithdrawAfter int

	// Progress is told how many files of how many are done; it may be nil.
	Progress func(done, total int)
}

// Import reads every record of a dump into the store, as the whole of the feed: Update
// with the plan of an operator who hands over a file.
func Import(ctx context.Context, src *Source, feed string, store Store, progress func(done, total int)) (plimsoll.ImportOutcome, error) {
	return Update(ctx, src, store, Plan{Feed: feed, Progress: progress})
}

// Update reads a dump into the store: new and changed files are saved, files that the
// dump does not hold any more are withdrawn as the plan says, and then all of it becomes
// one revision. An unchanged dump makes none. A dump without any readable record is
// refused, and withdraws nothing.
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

// withdrawAndPublish withdraws what has been missing for long enough and publishes. Marks of files
// that are back go first and new marks come last: whatever moment a process dies at, no
// file has more marks than dumps that lacked it.
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
