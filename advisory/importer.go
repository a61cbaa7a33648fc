package advisory

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"plimsoll"
)

// Bounds of the memory of an import. Half of maxInFlight may wait in batches that are not
// full; the other half is enough for the largest record.
const (
	maxInFlight  = 2 * MaxRecord // bytes of JSON between reading and saving
	batchBytes   = 2 << 20
	batchRecords = 1024
)

// importer reads the files of a dump on every core. Each reader fills its own batch, so
// that the others go on reading while one batch is written.
type importer struct {
	src      *Source
	store    Store
	progress func(done, total int)
	budget   *semaphore.Weighted
	readers  int

	unseen map[string]fileHash // stored files not found in the dump so far; used by listFiles only

	mu   sync.Mutex
	out  plimsoll.ImportOutcome
	done int
}

func newImporter(src *Source, store Store, known map[string]fileHash, progress func(done, total int)) *importer {
	return &importer{
		src: src, store: store, unseen: known, progress: progress,
		budget: semaphore.NewWeighted(maxInFlight), readers: runtime.GOMAXPROCS(0) + 1,
		out: plimsoll.ImportOutcome{Skipped: map[string]int{}},
	}
}

type fileHash = [sha256.Size]byte

// readJob is a file to read. It carries its share of the memory budget.
type readJob struct {
	dumpEntry
	storedHash fileHash
	stored     bool
	cost       int64
}

// readResult is the outcome of a readJob.
type readResult struct {
	readJob
	record    plimsoll.FeedRecord
	unchanged bool
	skipped   string
}

func (i *importer) readAll(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	jobs := make(chan readJob, 64)
	g.Go(func() error {
		defer close(jobs)
		return i.listFiles(ctx, jobs)
	})
	for range i.readers {
		g.Go(func() error { return i.readFiles(ctx, jobs) })
	}
	return g.Wait()
}

// listFiles sends the files of the dump to the readers, in order of name, and removes
// them from the set of files to withdraw.
func (i *importer) listFiles(ctx context.Context, jobs chan<- readJob) error {
	previous := ""
	for _, e := range i.src.entries {
		j := readJob{dumpEntry: e, cost: min(max(e.size, 1), MaxRecord)}
		j.storedHash, j.stored = i.unseen[e.name]
		delete(i.unseen, e.name)
		reason := skipReason(e, previous)
		previous = e.name
		if reason != "" {
			i.addResult(readResult{readJob: j, skipped: reason})
			continue
		}
		if err := i.budget.Acquire(ctx, j.cost); err != nil {
			return err
		}
		select {
		case jobs <- j:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// skipReason returns why an entry is not read, or "". previous is the name of the entry
// before it.
func skipReason(e dumpEntry, previous string) string {
	switch {
	case !validFileName(e.name):
		return SkippedName
	case !hasJSONExtension(e.name):
		return SkippedNotJSON
	case e.name == previous:
		return SkippedTwice
	case e.size > MaxRecord:
		return SkippedTooLarge
	default:
		return ""
	}
}

// readFiles reads files until jobs is closed, and saves their records in batches.
func (i *importer) readFiles(ctx context.Context, jobs <-chan readJob) error {
	var batch []plimsoll.FeedRecord
	var held int64
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := i.store.SaveRecords(ctx, batch)
		i.budget.Release(held)
		clear(batch)
		batch, held = batch[:0], 0
		return err
	}
	var buf []byte
	for j := range jobs {
		var r readResult
		r, buf = readJobFile(j, buf)
		i.addResult(r)
		if r.skipped != "" || r.unchanged {
			i.budget.Release(r.cost)
			continue
		}
		batch = append(batch, r.record)
		if held += r.cost; held < min(batchBytes, maxInFlight/2/int64(i.readers)) && len(batch) < batchRecords {
			continue
		}
		if err := flush(); err != nil {
			return err
		}
	}
	return flush()
}

// readJobFile reads one file into buf and parses it if it differs from the stored one. It
// returns the buffer, which may have grown, for the next file.
func readJobFile(j readJob, buf []byte) (readResult, []byte) {
	r := readResult{readJob: j}
	if r.unchanged = j.stored && j.hash != (fileHash{}) && j.storedHash == j.hash; r.unchanged {
		return r, buf
	}
	raw, err := readEntry(j.dumpEntry, buf)
	switch {
	case err != nil:
		r.skipped = SkippedUnreadable
		return r, raw
	case len(raw) > MaxRecord:
		r.skipped = SkippedTooLarge
		return r, raw
	}
	r.record = plimsoll.FeedRecord{File: j.name, Hash: sha256.Sum256(raw), Replaces: j.stored}
	if j.hash != (fileHash{}) {
		r.record.Hash = j.hash
	}
	if j.stored && j.storedHash == r.record.Hash {
		r.unchanged = true
		return r, raw
	}
	r.record.Advisory, err = Parse(raw)
	switch {
	case plimsoll.ErrorCode(err) == plimsoll.TooLarge:
		r.skipped = SkippedTooLarge
	case err != nil:
		r.skipped = SkippedInvalid
	}
	return r, raw
}

// readEntry reads a file into buf, which it replaces by a larger one if necessary. It
// stops one byte beyond MaxRecord.
func readEntry(e dumpEntry, buf []byte) ([]byte, error) {
	f, err := e.open()
	if err != nil {
		return buf, err
	}
	raw := slices.Grow(buf[:0], int(min(max(e.size, 0), MaxRecord))+1)
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
			return raw, errors.Join(err, f.Close())
		}
	}
}

// addResult adds a result to the outcome.
func (i *importer) addResult(r readResult) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case r.skipped != "":
		i.out.Skipped[r.skipped]++
	case r.unchanged:
		i.out.Records++
		i.out.Unchanged++
	case r.stored:
		i.out.Records++
		i.out.Changed++
	default:
		i.out.Records++
		i.out.New++
	}
	i.done++
	if i.progress != nil {
		i.progress(i.done, len(i.src.entries))
	}
}
