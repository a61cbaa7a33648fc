// Command scan runs a whole scan of image archives against the floor, in turn, and prints
// wall time, CPU time, peak resident memory of all processes together, and the ratios of
// their medians. Each scan begins with an empty data directory.
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
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: scan [-runs N] ARCHIVE ...")
		os.Exit(2)
	}
	for _, archive := range flag.Args() {
		fmt.Println(archive)
		if err := compare(archive, *runs); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
	}
}

func compare(archive string, runs int) error {
	dir, err := os.MkdirTemp("", "bench-scan-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	if err := watch.Build(dir, "./cmd/plimsoll", "./bench/floor"); err != nil {
		return err
	}
	var floor, scan []watch.Figures
	var unpacked int64
	for i := range runs + 1 {
		f, err := measure(exec.Command(filepath.Join(dir, "floor"), archive))
		if err != nil {
			return err
		}
		s, err := measure(exec.Command(filepath.Join(dir, "plimsoll"), "scan", "--archive", archive,
			"--no-cache", "--allow-not-judged", "--output", "json", "--data", filepath.Join(dir, "data")))
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
		floor, scan = append(floor, f), append(scan, s)
	}
	report(unpacked, median(floor), median(scan), runs)
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

func report(unpacked int64, floor, scan watch.Figures, runs int) {
	line := func(name string, f watch.Figures) {
		fmt.Printf("%-6s wall %6.2f s  cpu %6.2f s  %7.1f MB/s  peak %4d MiB\n",
			name, f.Wall.Seconds(), f.CPU.Seconds(), float64(unpacked)/1e6/f.Wall.Seconds(), f.Resident>>20)
	}
	fmt.Printf("%.0f MB in files, medians of %d runs each, in turn\n", float64(unpacked)/1e6, runs)
	line("floor", floor)
	line("scan", scan)
	fmt.Printf("ratio  wall %6.2f    cpu %6.2f\n", float64(scan.Wall)/float64(floor.Wall), float64(scan.CPU)/float64(floor.CPU))
}
