//go:build !linux

package sandbox

import (
	"os"
	"syscall"
	"time"
)

// confine has nothing to use on this system: a child is a process with two pipes.
func confine(Limits, string) (missing []string, err error) {
	return []string{"limits, no_new_privs and Landlock: not Linux"}, nil
}

func limitCPU(time.Duration) {}

func self() (string, error) { return os.Executable() }

func apart() *syscall.SysProcAttr { return nil }

func keepFilesHome() {}

func widen(*os.File) {}

func killAll(p *os.Process) {
	_ = p.Kill() // it may have ended by itself
}

// reap waits for the end of the process.
func (c *child) reap() {
	_ = c.cmd.Wait() // the state tells
	c.mu.Lock()
	c.gone = true
	c.mu.Unlock()
}
