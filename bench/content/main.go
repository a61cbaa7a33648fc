//go:build linux

// Command content measures the cost of searching file content for malware and secrets, on one core, over real
// files of this machine, compared with SHA-256 of the same bytes in the same run:
//
//   - the literal filter alone, for secrets, for secrets and some rules of a published set, and for secrets and all
//     rules of the set,
//   - the whole rule engine with every rule of the set and 100,000 SHA-256 hashes.
//
// Figures are megabytes per second of processor time, which a busy machine changes less than wall time. Each is the
// median of several rounds; a round runs every step once.
package main

import (
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"plimsoll/analyze"
	"plimsoll/analyze/literal"
	"plimsoll/analyze/malware/yara"
	"plimsoll/analyze/secret"
	"plimsoll/bench/signatures"
)

func main() {
	rules := flag.String("rules", "../shared/data/yara/signature-base-half.tar.gz", "folder, file or .tar.gz of YARA rules")
	roots := flag.String("roots", "", "folders to take files from, by comma (default the Go root, /usr/bin, /usr/lib, /usr/share)")
	size := flag.Int64("mb", 240, "megabytes of files to gather")
	rounds := flag.Int("rounds", 5, "rounds; the median counts")
	flag.Parse()
	if *roots == "" {
		goRoot, _ := exec.Command("go", "env", "GOROOT").Output() // without go the other folders remain
		*roots = strings.TrimSpace(string(goRoot)) + ",/usr/bin,/usr/lib,/usr/share"
	}
	if err := measureContent(*rules, strings.Split(*roots, ","), *size<<20, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "content:", err)
		os.Exit(1)
	}
}

// contentFile is a file in memory.
type contentFile struct {
	name string
	body []byte
	sum  [sha256.Size]byte
}

func measureContent(rulesPath string, roots []string, size int64, rounds int) error {
	before := heapBytes()
	sources, err := signatures.Read(rulesPath)
	if err != nil {
		return err
	}
	set, err := yara.Compile(sources...)
	if err != nil {
		return err
	}
	compiled := heapBytes() - before
	scanner := set.NewScanner()
	fmt.Printf("rules      %d loaded, %d refused, %d literals, %.1f MiB compiled\n",
		set.Len(), len(set.Refused()), len(set.Literals()), float64(compiled)/(1<<20))
	hashes := map[[sha256.Size]byte]string{}
	for i := range uint64(100_000) {
		hashes[sha256.Sum256(binary.LittleEndian.AppendUint64(nil, i))] = "sample"
	}
	fmt.Printf("hashes     %d, %.1f MiB with the rules and a scanner\n", len(hashes), float64(heapBytes()-before)/(1<<20))

	files, total := gatherFiles(roots, size)
	fmt.Printf("files      %d, %.0f MB\n", len(files), float64(total)/1e6)
	filters, err := filterSteps(set, sources)
	if err != nil {
		return err
	}
	matched, failed := 0, 0
	steps := []measuredStep{
		{"SHA-256", func(f *contentFile) { f.sum = sha256.Sum256(f.body) }},
		filters[0], filters[1], filters[2],
		{"engine, all rules and hashes", func(f *contentFile) {
			if _, bad := hashes[f.sum]; bad {
				matched++
			}
			found, err := scanner.Scan(yara.Content{Bytes: f.body, Size: int64(len(f.body))},
				yara.Externals{Filename: filepath.Base(f.name), Filepath: f.name, Extension: filepath.Ext(f.name)})
			matched += len(found)
			if err != nil {
				failed++
			}
		}},
	}
	measureSteps(steps, files, float64(total)/1e6, rounds)
	fmt.Printf("%d matches, %d files that exceeded a limit\n", matched/rounds, failed/rounds)
	runtime.KeepAlive(scanner)
	return nil
}

// measuredStep is a function to measure, which every file is passed to.
type measuredStep struct {
	name string
	do   func(f *contentFile)
}

// measureSteps runs the steps in turn, several rounds, and prints the median speed of each, also in proportion to the
// first step.
func measureSteps(steps []measuredStep, files []contentFile, megabytes float64, rounds int) {
	runtime.LockOSThread()
	speeds := make([][]float64, len(steps))
	for range rounds {
		for i, s := range steps {
			start := threadCPUSeconds()
			for k := range files {
				s.do(&files[k])
			}
			speeds[i] = append(speeds[i], megabytes/(threadCPUSeconds()-start))
		}
	}
	for i, s := range steps {
		slices.Sort(speeds[i])
		m := speeds[i][rounds/2]
		fmt.Printf("%-36s %6.0f MB/s   %.2f × the time of SHA-256\n", s.name, m, speeds[0][rounds/2]/m)
	}
}

// threadCPUSeconds returns the processor time of this thread, in seconds.
func threadCPUSeconds() float64 {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &r); err != nil {
		return 0
	}
	return float64(r.Utime.Nano()+r.Stime.Nano()) / 1e9
}

// heapBytes returns the size of the live heap.
func heapBytes() uint64 {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// filterSteps returns searches for the literals of secret rules: alone, with those of the first 300 YARA rules by file
// name, and with those of all rules.
func filterSteps(set *yara.Rules, sources []yara.Source) ([]measuredStep, error) {
	secrets, err := secret.New()
	if err != nil {
		return nil, err
	}
	if sources, err = signatures.First(sources, 300); err != nil {
		return nil, err
	}
	first, err := yara.Compile(sources...)
	if err != nil {
		return nil, err
	}
	var out []measuredStep
	for _, f := range []struct {
		name  string
		rules []literal.Pattern
	}{{"secrets", nil}, {fmt.Sprintf("secrets and %d rules", first.Len()), first.Literals()}, {"secrets and all rules", set.Literals()}} {
		l, err := literal.NewLibrary(slices.Concat(secrets.Literals(), f.rules))
		if err != nil {
			return nil, err
		}
		out = append(out, measuredStep{"filter, " + f.name, func(f *contentFile) {
			l.For(f.body[:min(len(f.body), analyze.HeadBytes)]).Scan(f.body, new(literal.State), func(literal.Hit) bool { return true })
		}})
	}
	return out, nil
}

// gatherFiles reads files into memory until they have size bytes, an equal share from each root. Files over 32 MiB are
// left out. It also returns the total size.
func gatherFiles(roots []string, size int64) ([]contentFile, int64) {
	var out []contentFile
	total := int64(0)
	for i, root := range roots {
		share := (size - total) / int64(len(roots)-i)
		end := total + share
		walk := func(name string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || total >= end {
				return nil //nolint:nilerr // files that cannot be read are left out
			}
			if info, err := d.Info(); err != nil || info.Size() == 0 || info.Size() > 32<<20 {
				return nil //nolint:nilerr // as above
			}
			if body, err := os.ReadFile(name); err == nil {
				out = append(out, contentFile{name: name, body: body})
				total += int64(len(body))
			}
			return nil
		}
		_ = filepath.WalkDir(root, walk) // never returns an error
	}
	return out, total
}
