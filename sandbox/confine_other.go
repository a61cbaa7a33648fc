//go:build !linux

package sandbox

import (
	"os"
	"syscall"
	"time"
)

// confineProcess has nothing to use on this system: a child is a process with two pipes.
func confineProcess(Limits, string) (missing []string, err error) {
	return []string{"limits, no_new_privs and Landlock: not Linux"}, nil
}

func limitCPU(time.Duration) {}

func ownBinary() (string, error) { return os.Executable() }

func childProcAttr() *syscall.SysProcAttr { return nil }

func closeFilesOnExec() {}

func enlargePipe(*os.File) {}

func killGroup(p *os.Process) {
	_ = p.Kill() // it may have ended by itself
}

// reap waits for the end of the process.
func (c *childProcess) reap() {
	_ = c.cmd.Wait() // the state tells
	c.mu.Lock()
	c.reaped = true
	c.mu.Unlock()
}
