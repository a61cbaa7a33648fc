package sandbox

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// openFiles is the limit of open files: more than any analyzer and the runtime have together.
const openFiles = 64

// confineProcess permanently gives up rights that this process does not need. missing lists the
// kinds of confinement that the kernel lacks; an error means that a supported one failed.
//
// The number of processes is not limited, because the kernel counts all processes and threads of
// the user, and the Go runtime could reach the limit. Instead, Landlock refuses to execute any
// program.
func confineProcess(l Limits, temp string) (missing []string, err error) {
	// If memory runs out, the kernel should kill this process first.
	if err := os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0); err != nil {
		missing = append(missing, "oom_score_adj")
	}
	signal.Ignore(unix.SIGXFSZ) // a file over its limit then gives a write error
	limits := map[int]int64{unix.RLIMIT_CORE: 0, unix.RLIMIT_NOFILE: openFiles}
	if l.Memory > 0 {
		limits[unix.RLIMIT_DATA] = l.Memory
	}
	if l.File > 0 {
		limits[unix.RLIMIT_FSIZE] = l.File
	}
	for resource, n := range limits {
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: uint64(n), Max: uint64(n)}); err != nil {
			return missing, fmt.Errorf("limit resource %d: %w", resource, err)
		}
	}
	// no_new_privs and Landlock apply per thread: set them on every existing thread; new ones inherit.
	switch errno := syscallAllThreads(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1); errno {
	case 0:
		lacks, err := applyLandlock(temp)
		return append(missing, lacks...), err
	case syscall.ENOTSUP:
		return append(missing, "no_new_privs and Landlock: this binary was built with cgo"), nil
	default:
		return append(missing, "no_new_privs and Landlock: "+errno.Error()), nil
	}
}

// syscallAllThreads makes a system call on each thread of the process. It returns ENOTSUP if the
// binary uses cgo.
func syscallAllThreads(trap, a1, a2 uintptr) syscall.Errno {
	_, _, errno := syscall.AllThreadsSyscall6(trap, a1, a2, 0, 0, 0, 0)
	return errno
}

// applyLandlock removes access to TCP and to all files except those below temp
// (https://docs.kernel.org/userspace-api/landlock.html).
func applyLandlock(temp string) (missing []string, err error) {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return []string{"Landlock: " + errno.Error()}, nil
	}
	rules, missing := landlockRules(int(version))
	ruleset, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&rules)), unsafe.Sizeof(rules), 0) //nolint:gosec // x/sys has no wrapper
	if errno != 0 {
		return missing, fmt.Errorf("make a Landlock ruleset: %w", errno)
	}
	defer unix.Close(int(ruleset)) //nolint:errcheck // nothing to flush
	dir, err := unix.Open(temp, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return missing, fmt.Errorf("open the temporary directory: %w", err)
	}
	defer unix.Close(dir) //nolint:errcheck // opened as a path only
	own := unix.LandlockPathBeneathAttr{Parent_fd: int32(dir), Allowed_access: rules.Handled_access_fs & (unix.LANDLOCK_ACCESS_FS_READ_FILE |
		unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG |
		unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | // an rpm database in SQLite is copied into a folder
		unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE)}
	_, _, errno = unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, ruleset, unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&own)), 0, 0, 0) //nolint:gosec // as above
	if errno != 0 {
		return missing, fmt.Errorf("add a Landlock rule: %w", errno)
	}
	if errno := syscallAllThreads(unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0); errno != 0 {
		return missing, fmt.Errorf("apply Landlock: %w", errno)
	}
	return missing, nil
}

// landlockRules returns all rights that a version of Landlock can remove.
func landlockRules(version int) (rules unix.LandlockRulesetAttr, missing []string) {
	rules.Handled_access_fs = 2*unix.LANDLOCK_ACCESS_FS_MAKE_SYM - 1 // the rights of version 1
	if version >= 2 {
		rules.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if version >= 3 {
		rules.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	} else {
		missing = append(missing, "Landlock 3: truncation")
	}
	if version >= 4 {
		rules.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	} else {
		missing = append(missing, "Landlock 4: TCP")
	}
	if version >= 5 {
		rules.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if version >= 6 {
		rules.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	} else {
		missing = append(missing, "Landlock 6: signals and abstract sockets")
	}
	return rules, missing
}

// limitCPU limits the further CPU time of the process to d; a signal ends it after that.
func limitCPU(d time.Duration) {
	var used unix.Rusage
	if d <= 0 || unix.Getrusage(unix.RUSAGE_SELF, &used) != nil {
		return
	}
	seconds := used.Utime.Sec + used.Stime.Sec + int64(math.Ceil(d.Seconds()))
	// There is no hard limit, so that the next call can raise the soft limit.
	_ = unix.Setrlimit(unix.RLIMIT_CPU, &unix.Rlimit{Cur: uint64(seconds), Max: unix.RLIM_INFINITY}) // on failure the previous limit stays
}

// ownBinary returns the path of the running binary, even if its file was replaced.
func ownBinary() (string, error) { return "/proc/self/exe", nil }

// childProcAttr puts a child into its own process group, which does not get a terminal's signals,
// and lets it end with its parent.
func childProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// closeFilesOnExec prevents children from inheriting files that this process has inherited. Files
// that Go opens are never inherited.
func closeFilesOnExec() {
	_ = unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC) // Linux 5.11
}

// enlargePipe increases the buffer of a pipe, so that the two processes wake each other less often.
func enlargePipe(pipe *os.File) {
	raw, err := pipe.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, 1<<20) // the default size works too
	})
}

// killGroup kills the process group of a process that was not reaped yet.
func killGroup(p *os.Process) {
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL) // the process may have ended already
}

// reap waits for the end of the process. The kernel may reuse the process id after that, so reap
// sets c.reaped first, which stops kill from using it.
func (c *childProcess) reap() {
	for {
		err := unix.Waitid(unix.P_PID, c.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	c.mu.Lock()
	killGroup(c.cmd.Process) // what is left of the group
	c.reaped = true
	c.mu.Unlock()
	_ = c.cmd.Wait() // c.cmd.ProcessState has the result
}
