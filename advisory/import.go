package advisory

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"maps"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"plimsoll"
)

// Store keeps feeds. What is saved comes into sight when the import is published.
type Store interface {
	BeginImport(ctx context.Context, feed, source string) (known map[string][sha256.Size]byte, err error)
	SaveRecords(ctx context.Context, records []plimsoll.FeedRecord) error
	WithdrawRecords(ctx context.Context, files []string) error
	PublishImport(ctx context.Context) (plimsoll.Revision, error)
	EndImport()
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

// Bounds of what an import holds in memory.
const (
	inFlight     = 64 << 20 // bytes of JSON between reading and saving
	batchBytes   = 8 << 20
	batchRecords = 512
)

// Import reads every record of a dump into the store, as the whole of the feed: new and
// changed files are saved, files that the dump does not hold any more are withdrawn, and
// then all of it becomes one revision. An unchanged dump makes none. A dump without any
// readable record is refused, and withdraws nothing. progress is told how many files of
// how many are done; it may be nil.
func Import(ctx context.Context, src *Source, feed string, store Store, progress func(done, total int)) (plimsoll.ImportOutcome, error) {
	out := plimsoll.ImportOutcome{Feed: feed, Skipped: map[string]int{}}
	if !plainName(feed) {
		return out, plimsoll.Errorf(plimsoll.Invalid, "advisory: feed name %.80q is empty, too long or has control characters", feed)
	}
	known, err := store.BeginImport(ctx, feed, src.Path())
	if err != nil {
		return out, err
	}
	defer store.EndImport()
	i := &importer{src: src, store: store, known: known, out: &out, progress: progress, budget: semaphore.NewWeighted(inFlight)}
	if err := i.run(ctx); err != nil {
		return out, err
	}
	if out.Records == 0 {
		return out, plimsoll.Errorf(plimsoll.Invalid, "advisory: no OSV record in %s", src.Path()).
			WithHint("nothing was changed; %d files were skipped", src.Len())
	}
	gone := slices.Sorted(maps.Keys(i.known))
	if out.Withdrawn = len(gone); out.Withdrawn > 0 {
		if err := store.WithdrawRecords(ctx, gone); err != nil {
			return out, err
		}
	}
	out.Revision, err = store.PublishImport(ctx)
	return out, err
}

type importer struct {
	src      *Source
	store    Store
	known    map[string][sha256.Size]byte // files not met yet
	out      *plimsoll.ImportOutcome
	progress func(done, total int)
	budget   *semaphore.Weighted

	batch []plimsoll.FeedRecord
	held  int64 // bytes of the budget that the batch holds
	done  int
}

// job is a file to be read; result is what became of it.
type job struct {
	entry
	old   [sha256.Size]byte
	known bool
	cost  int64
}

type result struct {
	job
	record  plimsoll.FeedRecord
	same    bool
	skipped string
}

// run lists and reads on every core, and saves.
func (i *importer) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	jobs := make(chan job, 64)
	results := make(chan result, 2*batchRecords) // what they hold is bounded by the budget
	readers, readersCtx := errgroup.WithContext(ctx)
	readers.Go(func() error {
		defer close(jobs)
		return i.list(readersCtx, jobs, results)
	})
	for range runtime.GOMAXPROCS(0) {
		readers.Go(func() error {
			for j := range jobs {
				if err := send(readersCtx, results, read(j)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	g.Go(func() error {
		defer close(results)
		return readers.Wait()
	})
	g.Go(func() error {
		for r := range results {
			if err := i.take(ctx, r); err != nil {
				return err
			}
		}
		return i.flush(ctx)
	})
	return g.Wait()
}

// list walks the dump in the order of names and takes known files off the list of those
// that will be withdrawn.
func (i *importer) list(ctx context.Context, jobs chan<- job, results chan<- result) error {
	before := ""
	for _, e := range i.src.entries {
		j := job{entry: e, cost: min(max(e.size, 1), MaxRecord)}
		j.old, j.known = i.known[e.name]
		delete(i.known, e.name)
		if err := i.budget.Acquire(ctx, j.cost); err != nil {
			return err
		}
		why := unfit(e, before)
		before = e.name
		if why != "" {
			if err := send(ctx, results, result{job: j, skipped: why}); err != nil {
				return err
			}
			continue
		}
		if err := send(ctx, jobs, j); err != nil {
			return err
		}
	}
	return nil
}

// unfit says why an entry is not read at all; before is the name of the one before it.
func unfit(e entry, before string) string {
	switch {
	case !plainName(e.name):
		return SkippedName
	case !isJSON(e.name):
		return SkippedNotJSON
	case e.name == before:
		return SkippedTwice
	case e.size > MaxRecord:
		return SkippedTooLarge
	default:
		return ""
	}
}

func send[T any](ctx context.Context, to chan<- T, v T) error {
	select {
	case to <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// read reads one file and parses it if it differs from what is stored.
func read(j job) result {
	r := result{job: j}
	raw, err := readEntry(j.entry)
	switch {
	case err != nil:
		r.skipped = SkippedUnreadable
		return r
	case len(raw) > MaxRecord:
		r.skipped = SkippedTooLarge
		return r
	}
	r.record = plimsoll.FeedRecord{File: j.name, Hash: sha256.Sum256(raw), Replaces: j.known}
	if j.known && j.old == r.record.Hash {
		r.same = true
		return r
	}
	r.record.Advisory, err = Parse(raw)
	switch {
	case plimsoll.ErrorCode(err) == plimsoll.TooLarge:
		r.skipped = SkippedTooLarge
	case err != nil:
		r.skipped = SkippedInvalid
	}
	return r
}

func readEntry(e entry) ([]byte, error) {
	f, err := e.open()
	if err != nil {
		return nil, err
	}
	raw := make([]byte, 0, min(max(e.size, 0), MaxRecord)+1)
	limited := io.LimitReader(f, MaxRecord+1)
	for {
		if len(raw) == cap(raw) {
			raw = slices.Grow(raw, len(raw)+512)
		}
		n, err := limited.Read(raw[len(raw):cap(raw)])
		raw = raw[:len(raw)+n]
		if errors.Is(err, io.EOF) {
			return raw, f.Close()
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
}

// take counts a result and saves the batch when it is full.
func (i *importer) take(ctx context.Context, r result) error {
	i.done++
	if i.progress != nil {
		i.progress(i.done, len(i.src.entries))
	}
	if r.skipped != "" || r.same {
		i.budget.Release(r.cost)
		if r.same {
			i.out.Records++
			i.out.Unchanged++
		} else {
			i.out.Skipped[r.skipped]++
		}
		return nil
	}
	i.out.Records++
	if r.known {
		i.out.Changed++
	} else {
		i.out.New++
	}
	i.batch = append(i.batch, r.record)
	if i.held += r.cost; i.held < batchBytes && len(i.batch) < batchRecords {
		return nil
	}
	return i.flush(ctx)
}

func (i *importer) flush(ctx context.Context) error {
	if len(i.batch) == 0 {
		return nil
	}
	err := i.store.SaveRecords(ctx, i.batch)
	i.budget.Release(i.held)
	i.batch, i.held = i.batch[:0], 0
	return err
}
