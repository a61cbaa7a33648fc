// Package watch runs programs and measures them.
package watch

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Figures are the measurements of one run.
type Figures struct {
	Wall, CPU      time.Duration // CPU of the process and its children, user and system
	Resident       int64         // bytes, the largest sum over the process and its descendants
	Status         int           // exit status
	Stdout, Stderr string
}

// Measure runs a program to its end. An exit status other than 0 is a figure, not an error.
func Measure(cmd *exec.Cmd) (Figures, error) {
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return Figures{}, err
	}
	peak := sampleResident(cmd.Process.Pid)
	err := cmd.Wait()
	f := Figures{
		Wall: time.Since(began), CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), Resident: peak(),
		Status: cmd.ProcessState.ExitCode(), Stdout: out.String(), Stderr: errs.String(),
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		err = nil
	}
	return f, err
}

// Build compiles commands of this module into the folder dir.
func Build(dir string, packages ...string) error {
	for _, name := range packages {
		build := exec.Command("go", "build", "-o", dir+string(filepath.Separator), name)
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("build %s: %w", name, err)
		}
	}
	return nil
}

// sampleEvery is short enough to see the memory of writing a layer's reports.
const sampleEvery = 5 * time.Millisecond

// sampleResident samples the resident memory of a process and its descendants until peak is called
// (Linux: /proc). peak returns the largest sum, in bytes; a page that processes share is counted once
// per process.
func sampleResident(pid int) (peak func() int64) {
	stop, result := make(chan struct{}), make(chan int64)
	go func() {
		var most int64
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				result <- most
				return
			case <-tick.C:
				most = max(most, residentBytes(pid))
			}
		}
	}()
	return func() int64 {
		close(stop)
		return <-result
	}
}

// residentBytes returns the resident memory of a process and its descendants, 0 for a process that
// ended.
func residentBytes(pid int) int64 {
	var pages, skip int64
	if raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid)); err == nil {
		fmt.Sscan(string(raw), &skip, &pages) //nolint:errcheck // the kernel writes two numbers
	}
	sum := pages * int64(os.Getpagesize())
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) //nolint:errcheck // a fixed pattern
	for _, list := range lists {
		raw, err := os.ReadFile(list)
		if err != nil {
			continue
		}
		for _, field := range strings.Fields(string(raw)) {
			var child int
			if _, err := fmt.Sscan(field, &child); err == nil {
				sum += residentBytes(child)
			}
		}
	}
	return sum
}
