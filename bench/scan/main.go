// Command scan runs a whole scan of image archives against the floor, in turn, and prints
// wall time, CPU time, peak resident memory of all processes together, and the ratios of
// the medians' ratios to the floor's. Each scan begins with nothing that an earlier one kept.
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

	"plimsoll/bench/watch"
)

func main() {
	runs := flag.Int("runs", 5, "counted runs of each, after one that is not")
	rules := flag.String("rules", "", "folder of signatures for the whole scan")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: scan [-runs N] ARCHIVE ...")
		os.Exit(2)
	}
	var more []string
	if *rules != "" {
		more = []string{"--rules", *rules}
	}
	for _, archive := range flag.Args() {
		fmt.Println(archive)
		if err := compare(archive, *runs, more); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
	}
}

func compare(archive string, runs int, rules []string) error {
	dir, err := os.MkdirTemp("", "bench-scan-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	if err := watch.Build(dir, "./cmd/plimsoll", "./bench/floor"); err != nil {
		return err
	}
	var floor, bare, whole []watch.Figures
	var unpacked int64
	scan := func(more ...string) (watch.Figures, error) {
		return measure(exec.Command(filepath.Join(dir, "plimsoll"), append([]string{"scan", "--archive", archive,
			"--no-cache", "--allow-not-judged", "--output", "json", "--data", filepath.Join(dir, "data")}, more...)...))
	}
	for i := range runs + 1 {
		f, err := measure(exec.Command(filepath.Join(dir, "floor"), archive))
		if err != nil {
			return err
		}
		b, err := scan("--without", "malware,secret")
		if err != nil {
			return err
		}
		w, err := scan(rules...)
		if err != nil {
			return err
		}
		if i == 0 {
			unpacked, err = strconv.ParseInt(strings.TrimSpace(f.Out), 10, 64)
			if err != nil {
				return err
			}
			continue
		}
		floor, bare, whole = append(floor, f), append(bare, b), append(whole, w)
	}
	report(unpacked, runs, median(floor), median(bare), median(whole))
	return nil
}

func measure(cmd *exec.Cmd) (watch.Figures, error) {
	f, err := watch.Run(cmd)
	if err == nil && f.Status != 0 {
		err = fmt.Errorf("%s: exit status %d: %s", filepath.Base(cmd.Path), f.Status, f.Errs)
	}
	return f, err
}

// median takes each figure's median apart.
func median(runs []watch.Figures) watch.Figures {
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

// report prints the floor, the scan without what looks into content, and the whole scan.
func report(unpacked int64, runs int, floor, bare, whole watch.Figures) {
	fmt.Printf("%.0f MB in files, medians of %d runs each, in turn\n", float64(unpacked)/1e6, runs)
	for _, row := range []struct {
		name string
		watch.Figures
	}{{"floor", floor}, {"scan without malware and secrets", bare}, {"scan", whole}} {
		fmt.Printf("%-32s wall %6.2f s (%.2f)  cpu %6.2f s (%.2f)  %6.1f MB/s  peak %4d MiB\n", row.name,
			row.Wall.Seconds(), float64(row.Wall)/float64(floor.Wall), row.CPU.Seconds(), float64(row.CPU)/float64(floor.CPU),
			float64(unpacked)/1e6/row.Wall.Seconds(), row.Resident>>20)
	}
}
