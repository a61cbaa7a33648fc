package sandbox

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestChildOnlyReadsSharedMemory: a child that was taken over can neither shrink the memory under its parent nor write
// what the parent has read.
func TestChildOnlyReadsSharedMemory(t *testing.T) {
	s, file := newSharedMemory()
	if s == nil {
		t.Skip("this system shares no memory with children")
	}
	defer file.Close()
	if err := file.Truncate(1); err == nil {
		t.Error("it can shrink")
	}
	if _, err := file.WriteAt([]byte("x"), 0); err == nil {
		t.Error("it can be written")
	}
	s.reset()
	copy(s.nextBuffer(nil), "piece")
	inherited, err := syscall.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	view, err := mapReadOnly(inherited)
	if err != nil || string(view[:5]) != "piece" {
		t.Errorf("a child sees %q %v", view[:5], err)
	}
}

func TestNothingIsInherited(t *testing.T) {
	t.Setenv("PLIMSOLL_TOKEN", "secret")
	stray, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer stray.Close()
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, stray.Fd(), syscall.F_SETFD, 0); errno != 0 {
		t.Fatal(errno)
	}
	p := newTestPool(t, "tricks", nil)
	environment, err := runRequest(t, p, "environment")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(environment) {
		name, _, _ := strings.Cut(line, "=")
		if name != "TMPDIR" && name != "GOMAXPROCS" && name != "GODEBUG" && name != "GOTRACEBACK" {
			t.Errorf("environment: %s", line)
		}
	}
	if dir, err := runRequest(t, p, "directory"); err != nil || dir != "/" {
		t.Errorf("directory %q %v", dir, err)
	}
	files, err := runRequest(t, p, "files")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range strings.Fields(files) {
		number, kind, _ := strings.Cut(file, ":")
		// Three pipes, and the Go runtime's own: epoll has no type.
		if own := kind == "0"; len(number) == 1 && number < "3" && kind != "10000" || number > "2" && !own {
			t.Errorf("open file %s of %s", file, files)
		}
	}
}

func TestTemporaryFilesAreBounded(t *testing.T) {
	p := newTestPool(t, "tricks", nil)
	name, err := runRequest(t, p, "temporary")
	if err != nil || filepath.Dir(filepath.Dir(name)) != p.Temp {
		t.Errorf("%q %v", name, err)
	}
}

// TestConfined asks a child for what Landlock refuses it.
func TestConfined(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	p := newTestPool(t, "tricks", nil)
	for _, request := range []string{"resolve localhost.example", "fetch http://" + listener.Addr().String()} {
		if answer, err := runRequest(t, p, request); err == nil || !strings.Contains(err.Error(), "has no network") {
			t.Errorf("%s: %q %v", request, answer, err)
		}
	}
	if answer, err := runRequest(t, p, "folder"); err != nil {
		t.Errorf("a folder in its own temporary directory: %q %v", answer, err)
	}
	lacks := confinementLacks(t)
	if strings.Contains(lacks, "Landlock") {
		t.Skip("the rest needs Landlock in the kernel and a binary without cgo: " + lacks)
	}
	for _, request := range []string{
		"read " + outside, "read /etc/passwd", "read /proc/self/environ", "list /", "list " + p.Temp, "write " + outside,
		"write " + filepath.Join(p.Temp, "x"), "execute /bin/true", "connect " + listener.Addr().String(),
	} {
		if answer, err := runRequest(t, p, request); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %q %v", request, answer, err)
		}
	}
	checkPoolWorks(t, p)
}

// confinementLacks returns what a child logged at its start.
func confinementLacks(t *testing.T) string {
	t.Helper()
	var log bytes.Buffer
	p := newTestPool(t, "tricks", func(o *Options) { o.Logger = debugLog(&log) })
	if err := p.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	return log.String()
}
