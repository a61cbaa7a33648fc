// Command delta measures the time until every image is current after advisories changed, for 100,000
// images with 5,000 operating-system sets and 50,000 language sets in an inventory on disk. Names and
// versions of packages are those of real records and real base images.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"plimsoll/advisory"
	"plimsoll/rematch"
	"plimsoll/store"
	"plimsoll/store/advisories"
	"plimsoll/store/sqlite"
)

func main() {
	data := flag.String("data", filepath.Join("..", "shared", "data"), "folder with osv/*.zip and roots/")
	scale := flag.Float64("scale", 1, "fraction of 100,000 images")
	keep := flag.String("keep", "", "folder that keeps the databases (default: a temporary one)")
	profile := flag.String("profile", "", "file for a CPU profile of the import that touches few packages")
	flag.Parse()
	if _, err := os.Stat(filepath.Join(*data, "osv")); err != nil {
		fmt.Println("skipped: no real records in", *data)
		if os.Getenv("CI") == "true" {
			os.Exit(1)
		}
		return
	}
	if err := runBench(context.Background(), *data, *scale, *keep, *profile); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// deltaBench is the databases under test and the number of network requests of the process.
type deltaBench struct {
	dir        string
	inventory  *store.Store
	advisories *advisories.Store
	rematcher  *rematch.Rematcher
	requests   atomic.Int64
}

// RoundTrip implements http.RoundTripper. It counts and refuses every request.
func (b *deltaBench) RoundTrip(r *http.Request) (*http.Response, error) {
	b.requests.Add(1)
	return nil, fmt.Errorf("a request to %s", r.URL.Host)
}

func runBench(ctx context.Context, data string, scale float64, keep, profile string) error {
	b, err := openBench(ctx, keep)
	if err != nil {
		return err
	}
	defer b.close(keep)
	full, changed := filepath.Join(b.dir, "full.zip"), filepath.Join(b.dir, "changed.zip")
	if err := b.setUp(ctx, data, scale, full, changed); err != nil {
		return err
	}
	steps := []struct {
		name string
		do   func(context.Context) error
	}{
		{"first import and match of everything", func(ctx context.Context) error { return b.importAndMatch(ctx, full) }},
		{"the same import again", func(ctx context.Context) error { return b.importAndMatch(ctx, full) }},
		{fmt.Sprintf("import that touches %d packages", touchedPackages), func(ctx context.Context) error {
			return withCPUProfile(profile, func() error { return b.importAndMatch(ctx, changed) })
		}},
		{"another matcher version: everything again", b.matchAll},
	}
	for _, s := range steps {
		if err := b.runStep(ctx, s.name, s.do); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	fmt.Printf("network requests of the process: %d (it has no registry client; its HTTP transport counts and refuses)\n", b.requests.Load())
	return nil
}

func openBench(ctx context.Context, keep string) (*deltaBench, error) {
	dir := keep
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "bench-delta-"); err != nil {
			return nil, err
		}
	}
	b := &deltaBench{dir: dir}
	http.DefaultTransport = b
	var err error
	if b.inventory, err = sqlite.Inventory(ctx, filepath.Join(dir, "plimsoll.db")); err != nil {
		return nil, err
	}
	if b.advisories, err = sqlite.Advisories(ctx, filepath.Join(dir, "advisories.db")); err != nil {
		return nil, err
	}
	b.rematcher = &rematch.Rematcher{Store: b.inventory, Advisories: b.advisories, Logger: slog.New(slog.DiscardHandler)}
	return b, nil
}

func (b *deltaBench) close(keep string) {
	b.inventory.Close()  //nolint:errcheck,gosec // the program ends
	b.advisories.Close() //nolint:errcheck,gosec // the program ends
	if keep == "" {
		os.RemoveAll(b.dir) //nolint:errcheck,gosec // a temporary folder
	}
}

// setUp writes the dumps and the fleet. Nothing of them stays in memory.
func (b *deltaBench) setUp(ctx context.Context, data string, scale float64, full, changed string) error {
	begun := time.Now()
	corpus, err := readCorpus(data)
	if err != nil {
		return err
	}
	if err := writeFeeds(corpus, full, changed); err != nil {
		return err
	}
	fleet := composeFleet(corpus, fleetSizes{images: int(100_000 * scale), osSets: int(5_000 * scale), languageSets: int(50_000 * scale)})
	if err := b.insertFleet(ctx, fleet); err != nil {
		return err
	}
	fmt.Printf("composed in %.0f s: %s\n", time.Since(begun).Seconds(), fleet)
	return nil
}

// runStep runs one step, prints its cost, and compares the states of the database before and after.
func (b *deltaBench) runStep(ctx context.Context, name string, do func(context.Context) error) error {
	before, err := b.readState(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("\n%s\n", name)
	watch := b.startConcurrentWriter(ctx)
	resetPeak()
	wall, cpu := time.Now(), cpuTime()
	err = do(ctx)
	seconds, cpuSeconds := time.Since(wall).Seconds(), (cpuTime() - cpu).Seconds()
	longest, waits := watch()
	memory := peakResident()
	if err != nil {
		return err
	}
	fmt.Printf("  current after      %8.1f s (CPU %.1f s)\n", seconds, cpuSeconds)
	fmt.Printf("  resident at most   %8s\n", memory)
	fmt.Printf("  another writer     %8.0f ms at most for one row, %d tries\n", longest.Seconds()*1000, waits)
	return b.printDifferences(ctx, before)
}

func withCPUProfile(path string, do func() error) error {
	if path == "" {
		return do()
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // a profile
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return do()
}

// importAndMatch imports a dump and runs a rematch if one is due.
func (b *deltaBench) importAndMatch(ctx context.Context, path string) error {
	src, err := advisory.Open(path)
	if err != nil {
		return err
	}
	defer src.Close() //nolint:errcheck // only read from
	begun := time.Now()
	out, err := advisory.Import(ctx, src, "osv", b.advisories, nil)
	if err != nil {
		return err
	}
	fmt.Printf("  import             %8.1f s: %d records, %d new, %d changed, %d withdrawn\n",
		time.Since(begun).Seconds(), out.Records, out.New, out.Changed, out.Withdrawn)
	due, err := b.rematcher.Due(ctx)
	if err != nil || !due {
		return err
	}
	return b.runRematch(ctx)
}

func (b *deltaBench) runRematch(ctx context.Context) error {
	begun := time.Now()
	out, err := b.rematcher.Once(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("  rematch            %8.1f s: %d packages judged, each once for all sets that contain it\n", time.Since(begun).Seconds(), out.Packages)
	if due, err := b.rematcher.Due(ctx); due || err != nil {
		return fmt.Errorf("a rematch is due after the rematch: %w", err)
	}
	return nil
}

// matchAll changes the matcher version of the last rematch, so that every package is due, and runs a
// rematch.
func (b *deltaBench) matchAll(ctx context.Context) error {
	if _, err := b.inventory.DB().Writer.ExecContext(ctx, `UPDATE rematch SET matcher = 'before'`); err != nil {
		return err
	}
	return b.runRematch(ctx)
}

// startConcurrentWriter writes rows, one at a time, while a step runs, as sign-ins do. The function it
// returns stops the writer and returns the longest wait and the number of rows.
func (b *deltaBench) startConcurrentWriter(ctx context.Context) func() (longest time.Duration, tries int) {
	ctx, stop := context.WithCancel(ctx)
	type waits struct {
		longest time.Duration
		tries   int
	}
	ended := make(chan waits)
	go func() {
		var w waits
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			begun := time.Now()
			// Without the cancellation of ctx: a cancelled statement closes the connection and resets its
			// count of written rows.
			_, err := b.inventory.DB().Writer.ExecContext(context.WithoutCancel(ctx), `INSERT INTO meta (key, value) VALUES ('bench', ?)
				ON CONFLICT (key) DO UPDATE SET value = excluded.value`, begun.String())
			if err == nil {
				w.tries++
				w.longest = max(w.longest, time.Since(begun))
			}
			select {
			case <-ctx.Done():
				ended <- w
				return
			case <-tick.C:
			}
		}
	}()
	return func() (time.Duration, int) {
		stop()
		w := <-ended
		return w.longest, w.tries
	}
}

// cpuTime returns the CPU time of the process on all cores.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// resetPeak returns unused memory to the system and resets the peak of resident memory (Linux only).
func resetPeak() {
	debug.FreeOSMemory()
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) //nolint:errcheck,gosec // after an error the peak is that since the start
}

// peakResident returns the largest resident memory since resetPeak, as Linux reports it.
func peakResident() string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(status)) {
		if size, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSpace(size)
		}
	}
	return "unknown"
}
