//go:build !linux

package sandbox

import (
	"os"
	"syscall"
	"time"
)

// confineProcess does nothing on this system: a child is only a separate process.
func confineProcess(Limits, string) (missing []string, err error) {
	return []string{"limits, no_new_privs and Landlock: not Linux"}, nil
}

func limitCPU(time.Duration) {}

func ownBinary() (string, error) { return os.Executable() }

func childProcAttr() *syscall.SysProcAttr { return nil }

func closeFilesOnExec() {}

func enlargePipe(*os.File) {}

func killGroup(p *os.Process) {
	_ = p.Kill() // the process may have ended already
}

// reap waits for the end of the process.
func (c *childProcess) reap() {
	_ = c.cmd.Wait() // c.cmd.ProcessState has the result
	c.mu.Lock()
	c.reaped = true
	c.mu.Unlock()
}
