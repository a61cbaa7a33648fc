// Command import measures an import of advisories at full size while a server writes to the
// inventory. It reads the OSV dumps in DIR, makes N copies of them in which ids, packages and versions
// are renamed, and imports them twice into a new database. It prints records per second, resident
// memory, the duration of sign-ins and new tasks meanwhile, the size of the database, and the number
// of rows that the second import wrote.
//
//	import DIR [N]
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"plimsoll/advisory"
	"plimsoll/store/sqlite"
)

func main() {
	ctx := context.Background()
	var err error
	switch args := os.Args[1:]; {
	case len(args) == 3 && args[0] == "phase":
		err = importPhase(ctx, args[1], args[2])
	case len(args) == 1 || len(args) == 2:
		err = runPhases(ctx, args)
	default:
		err = errors.New("usage: import DIR [COPIES]")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "import:", err)
		os.Exit(1)
	}
}

// runPhases writes the dumps and runs each import in its own process, so that resident memory is that
// of the import.
func runPhases(ctx context.Context, args []string) error {
	copies := 1
	if len(args) == 2 {
		n, err := strconv.Atoi(args[1])
		if err != nil || n < 1 || n > maxCopies {
			return fmt.Errorf("copies: a number from 1 to %d", maxCopies)
		}
		copies = n
	}
	dir, err := os.MkdirTemp("", "plimsoll-bench-import-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	if err := multiplyDumps(args[0], filepath.Join(dir, "dumps"), copies); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, name := range []string{"first", "again"} {
		cmd := exec.CommandContext(ctx, self, "phase", name, dir)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return err
		}
	}
	return nil
}

// importPhase imports every dump in dir while a concurrentUser uses the inventory.
func importPhase(ctx context.Context, name, dir string) error {
	path := filepath.Join(dir, "advisories.db")
	db, err := sqlite.Advisories(ctx, path)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // the process ends
	if name == "again" {
		if err := recordWrittenRows(ctx, path); err != nil {
			return err
		}
	}
	dumps, err := filepath.Glob(filepath.Join(dir, "dumps", "*.zip"))
	if err != nil || len(dumps) == 0 {
		return errors.Join(errors.New("no dumps"), err)
	}
	user, err := startConcurrentUser(ctx, dir)
	if err != nil {
		return err
	}
	began, records, changed := time.Now(), 0, 0
	for _, dump := range dumps {
		src, err := advisory.Open(dump)
		if err != nil {
			return err
		}
		out, err := advisory.Import(ctx, src, advisory.FeedName(dump), db, nil)
		if err := errors.Join(err, src.Close()); err != nil {
			return err
		}
		if n := len(out.Skipped); n > 0 {
			return fmt.Errorf("%s: skipped %v", dump, out.Skipped)
		}
		records += out.Records
		changed += out.New + out.Changed + out.Withdrawn
	}
	took := time.Since(began)
	waits, err := user.stop()
	if err != nil {
		return err
	}
	printFigures(name, records, changed, took, waits)
	return printSizes(ctx, name, path)
}

func printFigures(name string, records, changed int, took time.Duration, waits []time.Duration) {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it does not fail for this process
	cpu := time.Duration(u.Utime.Nano() + u.Stime.Nano())
	fmt.Printf("%s: %d records (%d new or changed) in %.1f s: %.0f records/s; %.1f CPU-s; peak resident %d MiB\n",
		name, records, changed, took.Seconds(), float64(records)/took.Seconds(), cpu.Seconds(), u.Maxrss>>10)
	slices.Sort(waits)
	if n := len(waits); n > 0 {
		fmt.Printf("%s: %d sign-ins and tasks beside it: median %s, p99 %s, longest %s\n", name, n,
			waits[n/2].Round(time.Millisecond), waits[n*99/100].Round(time.Millisecond), waits[n-1].Round(time.Millisecond))
	}
}

func printSizes(ctx context.Context, name, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	fmt.Printf("%s: database %d MiB\n", name, info.Size()>>20)
	if name != "again" {
		return nil
	}
	rows, err := countWrittenRows(ctx, path)
	fmt.Printf("%s: rows written outside of feed-check tables: %d; in them: %d %s\n", name, rows.others, rows.checks, strings.Join(rows.tables, " "))
	return err
}
