// Command scan runs a whole scan of an image archive against the floor, in turn, and
// prints wall time, CPU time, peak resident memory and the ratios of their medians.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// figures of one run.
type figures struct {
	wall, cpu time.Duration
	rss       int64 // KiB, the largest process
}

func main() {
	runs := flag.Int("runs", 5, "counted runs of each, after one that is not")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: scan [-runs N] ARCHIVE")
		os.Exit(2)
	}
	if err := compare(flag.Arg(0), *runs); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func compare(archive string, runs int) error {
	dir, err := os.MkdirTemp("", "bench-scan-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	for _, name := range []string{"./cmd/plimsoll", "./bench/floor"} {
		build := exec.Command("go", "build", "-o", dir+string(filepath.Separator), name)
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return err
		}
	}
	var floor, scan []figures
	var unpacked int64
	for i := range runs + 1 {
		f, out, err := measure(exec.Command(filepath.Join(dir, "floor"), archive))
		if err != nil {
			return err
		}
		s, _, err := measure(exec.Command(filepath.Join(dir, "plimsoll"), "scan", "--archive", archive,
			"--allow-not-judged", "--output", "json", "--data", filepath.Join(dir, "data")))
		if err != nil {
			return err
		}
		if i == 0 {
			unpacked, err = strconv.ParseInt(strings.TrimSpace(out), 10, 64)
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

func measure(cmd *exec.Cmd) (figures, string, error) {
	began := time.Now()
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return figures{}, "", fmt.Errorf("%s: %w", filepath.Base(cmd.Path), err)
	}
	f := figures{wall: time.Since(began), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		f.rss = usage.Maxrss
	}
	return f, string(out), nil
}

// median takes each figure's median apart.
func median(runs []figures) figures {
	pick := func(value func(figures) int64) int64 {
		all := make([]int64, len(runs))
		for i, r := range runs {
			all[i] = value(r)
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	return figures{
		wall: time.Duration(pick(func(f figures) int64 { return int64(f.wall) })),
		cpu:  time.Duration(pick(func(f figures) int64 { return int64(f.cpu) })),
		rss:  pick(func(f figures) int64 { return f.rss }),
	}
}

func report(unpacked int64, floor, scan figures, runs int) {
	line := func(name string, f figures) {
		fmt.Printf("%-6s wall %6.2f s  cpu %6.2f s  %7.1f MB/s  peak %4d MiB\n",
			name, f.wall.Seconds(), f.cpu.Seconds(), float64(unpacked)/1e6/f.wall.Seconds(), f.rss/1024)
	}
	fmt.Printf("%.0f MB in files, medians of %d runs each, in turn\n", float64(unpacked)/1e6, runs)
	line("floor", floor)
	line("scan", scan)
	fmt.Printf("ratio  wall %6.2f    cpu %6.2f\n", float64(scan.wall)/float64(floor.wall), float64(scan.cpu)/float64(floor.cpu))
}
