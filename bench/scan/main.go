// Command scan compares scans of image archives with bench/floor: a scan without malware and secrets, a whole scan, and
// scans with published rules in addition. It prints medians of wall time, CPU time and peak resident memory of all
// processes together, and their ratios to the floor. No scan uses results of an earlier one.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"plimsoll/analyze/malware/yara"
	"plimsoll/bench/signatures"
	"plimsoll/bench/watch"
)

func main() {
	runs := flag.Int("runs", 5, "measured runs of each kind, after one that is not measured")
	rules := flag.String("rules", "../shared/data/yara/signature-base-half.tar.gz", "folder or .tar.gz of YARA rules for two more kinds of scan: with the first 300 that load, and with all")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: scan [-runs N] [-rules FILE] ARCHIVE ...")
		os.Exit(2)
	}
	if err := compareAll(flag.Args(), *runs, *rules); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func compareAll(archives []string, runs int, rules string) error {
	dir, err := os.MkdirTemp("", "bench-scan-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	if err := watch.Build(dir, "./cmd/plimsoll", "./bench/floor"); err != nil {
		return err
	}
	rows := []runKind{
		{"floor", nil},
		{"scan without malware and secrets", []string{"--without", "malware,secret"}},
		{"scan", []string{}},
	}
	more, err := rulesRunKinds(dir, rules)
	if err != nil {
		return err
	}
	rows = append(rows, more...)
	for _, archive := range archives {
		fmt.Println(archive)
		if err := compareArchive(dir, archive, runs, rows); err != nil {
			return err
		}
	}
	return nil
}

// runKind is a kind of run: the floor (nil flags), or a scan with additional flags.
type runKind struct {
	name  string
	flags []string
}

// rulesRunKinds returns the scans with published rules in addition to the embedded ones. Without the file from there
// are none.
func rulesRunKinds(dir, from string) ([]runKind, error) {
	sources, err := signatures.Read(from)
	if os.IsNotExist(err) {
		fmt.Println("no", from, "- scans with published rules are left out")
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	first, err := signatures.First(sources, 300)
	if err != nil {
		return nil, err
	}
	var rows []runKind
	for _, set := range []struct {
		name  string
		files []yara.Source
	}{{"first", first}, {"all", sources}} {
		loaded, err := yara.Compile(set.files...)
		if err != nil {
			return nil, err
		}
		folder := filepath.Join(dir, set.name)
		if err := signatures.Write(folder, set.files); err != nil {
			return nil, err
		}
		rows = append(rows, runKind{fmt.Sprintf("scan with %d more rules", loaded.Len()), []string{"--rules", folder}})
	}
	return rows, nil
}

// compareArchive measures every kind of run in turn, runs times after one that is not counted.
func compareArchive(dir, archive string, runs int, rows []runKind) error {
	figures := make([][]watch.Figures, len(rows))
	var unpacked int64
	for i := range runs + 1 {
		for k, r := range rows {
			cmd := exec.Command(filepath.Join(dir, "floor"), archive)
			if r.flags != nil {
				cmd = exec.Command(filepath.Join(dir, "plimsoll"), append([]string{"scan", "--archive", archive,
					"--no-cache", "--allow-not-judged", "--output", "json", "--data", filepath.Join(dir, "data")}, r.flags...)...)
			}
			f, err := measureCommand(cmd)
			if err != nil {
				return err
			}
			if i > 0 {
				figures[k] = append(figures[k], f)
			} else if r.flags == nil {
				if unpacked, err = strconv.ParseInt(strings.TrimSpace(f.Stdout), 10, 64); err != nil {
					return err
				}
			}
		}
	}
	printMedians(unpacked, runs, rows, figures)
	return nil
}

func measureCommand(cmd *exec.Cmd) (watch.Figures, error) {
	f, err := watch.Measure(cmd)
	if err == nil && f.Status != 0 {
		err = fmt.Errorf("%s: exit status %d: %s", filepath.Base(cmd.Path), f.Status, f.Stderr)
	}
	return f, err
}

// medianFigures returns the median of each figure separately.
func medianFigures(runs []watch.Figures) watch.Figures {
	pick := func(value func(watch.Figures) int64) int64 {
		all := make([]int64, len(runs))
		for i, r := range runs {
			all[i] = value(r)
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	return watch.Figures{
		Wall:     time.Duration(pick(func(f watch.Figures) int64 { return int64(f.Wall) })),
		CPU:      time.Duration(pick(func(f watch.Figures) int64 { return int64(f.CPU) })),
		Resident: pick(func(f watch.Figures) int64 { return f.Resident }),
	}
}

// printMedians prints the medians of each kind of run, and their ratios to those of the first kind, the floor.
func printMedians(unpacked int64, runs int, rows []runKind, figures [][]watch.Figures) {
	fmt.Printf("%.0f MB in files, medians of %d runs each, in turn\n", float64(unpacked)/1e6, runs)
	floor := medianFigures(figures[0])
	for i, r := range rows {
		f := medianFigures(figures[i])
		fmt.Printf("%-32s wall %6.2f s (%.2f)  cpu %6.2f s (%.2f)  %6.1f MB/s  peak %4d MiB\n", r.name,
			f.Wall.Seconds(), float64(f.Wall)/float64(floor.Wall), f.CPU.Seconds(), float64(f.CPU)/float64(floor.CPU),
			float64(unpacked)/1e6/f.Wall.Seconds(), f.Resident>>20)
	}
}
