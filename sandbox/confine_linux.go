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

// openFiles is more than any analyzer holds, with the runtime's own.
const openFiles = 64

// confineProcess gives up what this process does not need, for good. It names what the kernel
// does not have; an error means that the process is not confined as it could be.
//
// The number of processes is not limited: the kernel counts it over all of a user's
// processes and threads, so a limit would hit the Go runtime by chance. Landlock refuses
// every program instead.
func confineProcess(l Limits, temp string) (missing []string, err error) {
	// Where memory runs out, the kernel is to choose this process.
	if err := os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0); err != nil {
		missing = append(missing, "oom_score_adj")
	}
	signal.Ignore(unix.SIGXFSZ) // a file that is too large is an error of write
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
	// Both are properties of threads: every thread that there is and every later one has them.
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

// syscallAllThreads makes a system call on each thread of the process.
func syscallAllThreads(trap, a1, a2 uintptr) syscall.Errno {
	_, _, errno := syscall.AllThreadsSyscall6(trap, a1, a2, 0, 0, 0, 0)
	return errno
}

// applyLandlock leaves this process no file but those below temp, and no TCP
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
	defer unix.Close(int(ruleset)) //nolint:errcheck // it holds nothing back
	dir, err := unix.Open(temp, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return missing, fmt.Errorf("open the temporary directory: %w", err)
	}
	defer unix.Close(dir) //nolint:errcheck // opened as a path only
	own := unix.LandlockPathBeneathAttr{Parent_fd: int32(dir), Allowed_access: rules.Handled_access_fs & (unix.LANDLOCK_ACCESS_FS_READ_FILE |
		unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG |
		unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | // an rpm database of SQLite lies in a folder of its own
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

// landlockRules are the rights that a version of Landlock can take away: all it knows.
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

// limitCPU lets the process have so much more CPU time; beyond it a signal ends it.
func limitCPU(d time.Duration) {
	var used unix.Rusage
	if d <= 0 || unix.Getrusage(unix.RUSAGE_SELF, &used) != nil {
		return
	}
	seconds := used.Utime.Sec + used.Stime.Sec + int64(math.Ceil(d.Seconds()))
	// The hard limit stays open, so that the next call can raise the soft one.
	_ = unix.Setrlimit(unix.RLIMIT_CPU, &unix.Rlimit{Cur: uint64(seconds), Max: unix.RLIM_INFINITY}) // a limit above ours stays then
}

// ownBinary is this very binary, even if its file was replaced meanwhile.
func ownBinary() (string, error) { return "/proc/self/exe", nil }

// childProcAttr puts a child into a group of its own, which a terminal's signals do not reach, and
// ends it with its parent.
func childProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// closeFilesOnExec keeps files from children that this process was itself started with. Go
// opens its own so that they are not inherited.
func closeFilesOnExec() {
	_ = unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC) // Linux 5.11
}

// enlargePipe makes the pipe hold more, so that the two processes wake each other less often.
func enlargePipe(pipe *os.File) {
	raw, err := pipe.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, 1<<20) // a smaller one works too
	})
}

// killGroup kills a process that was not reaped yet, with its group.
func killGroup(p *os.Process) {
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL) // it may have ended by itself
}

// reap waits for the end of the process. Its id is its own until it is reaped, and kill
// does not use it from then on.
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
	_ = c.cmd.Wait() // the state tells
}
