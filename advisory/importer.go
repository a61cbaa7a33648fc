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

// Bounds of what an import holds in memory. Half of what is in flight may wait in
// batches that are not full; the other half is enough for the largest record.
const (
	inFlight     = 2 * MaxRecord // bytes of JSON between reading and saving
	batchBytes   = 2 << 20
	batchRecords = 1024
)

// importer reads the files of a dump on every core. Each reader gathers a batch of its
// own: while one is being written, the others read on.
type importer struct {
	src      *Source
	store    Store
	progress func(done, total int)
	budget   *semaphore.Weighted
	readers  int

	known map[string]digest // files not met yet; only list touches it

	mu   sync.Mutex
	out  plimsoll.ImportOutcome
	done int
}

func newImporter(src *Source, store Store, known map[string]digest, progress func(done, total int)) *importer {
	return &importer{
		src: src, store: store, known: known, progress: progress,
		budget: semaphore.NewWeighted(inFlight), readers: runtime.GOMAXPROCS(0) + 1,
		out: plimsoll.ImportOutcome{Skipped: map[string]int{}},
	}
}

type digest = [sha256.Size]byte

// job is a file to be read.
type job struct {
	entry
	old   digest
	known bool
	cost  int64
}

// result is what became of it.
type result struct {
	job
	record  plimsoll.FeedRecord
	same    bool
	skipped string
}

func (i *importer) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	jobs := make(chan job, 64)
	g.Go(func() error {
		defer close(jobs)
		return i.list(ctx, jobs)
	})
	for range i.readers {
		g.Go(func() error { return i.read(ctx, jobs) })
	}
	return g.Wait()
}

// list walks the dump in the order of names and takes known files off the list of those
// that will be withdrawn.
func (i *importer) list(ctx context.Context, jobs chan<- job) error {
	before := ""
	for _, e := range i.src.entries {
		j := job{entry: e, cost: min(max(e.size, 1), MaxRecord)}
		j.old, j.known = i.known[e.name]
		delete(i.known, e.name)
		why := unfit(e, before)
		before = e.name
		if why != "" {
			i.count(result{job: j, skipped: why})
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

// read takes jobs until there are none, and saves what it gathers.
func (i *importer) read(ctx context.Context, jobs <-chan job) error {
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
		var r result
		r, buf = read(j, buf)
		i.count(r)
		if r.skipped != "" || r.same {
			i.budget.Release(r.cost)
			continue
		}
		batch = append(batch, r.record)
		if held += r.cost; held < min(batchBytes, inFlight/2/int64(i.readers)) && len(batch) < batchRecords {
			continue
		}
		if err := flush(); err != nil {
			return err
		}
	}
	return flush()
}

// read reads one file, by way of buf, and parses it if it differs from what is stored.
func read(j job, buf []byte) (result, []byte) {
	r := result{job: j}
	if r.same = j.known && j.hash != (digest{}) && j.old == j.hash; r.same {
		return r, buf
	}
	raw, err := readEntry(j.entry, buf)
	switch {
	case err != nil:
		r.skipped = SkippedUnreadable
		return r, raw
	case len(raw) > MaxRecord:
		r.skipped = SkippedTooLarge
		return r, raw
	}
	r.record = plimsoll.FeedRecord{File: j.name, Hash: sha256.Sum256(raw), Replaces: j.known}
	if j.hash != (digest{}) {
		r.record.Hash = j.hash
	}
	if j.known && j.old == r.record.Hash {
		r.same = true
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

// readEntry reads a file into buf, or a larger one.
func readEntry(e entry, buf []byte) ([]byte, error) {
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

// count adds a result to the outcome.
func (i *importer) count(r result) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case r.skipped != "":
		i.out.Skipped[r.skipped]++
	case r.same:
		i.out.Records++
		i.out.Unchanged++
	case r.known:
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
