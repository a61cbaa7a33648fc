package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"plimsoll"
)

// run runs a trick without a body.
func run(t testing.TB, p *Pool, request string) (string, error) {
	t.Helper()
	answer, err := p.Run(t.Context(), []byte(request), strings.NewReader(""), nil)
	return string(answer), err
}

// works fails the test unless the pool still does its work.
func works(t testing.TB, p *Pool) {
	t.Helper()
	body := bytes.Repeat([]byte("body "), 100_000)
	answer, err := p.Run(t.Context(), []byte("sum"), bytes.NewReader(body), nil)
	if want := fmt.Sprintf("%d %x", len(body), sha256.Sum256(body)); err != nil || string(answer) != want {
		t.Errorf("a call after it: %q %v", answer, err)
	}
}

func pid(t testing.TB, p *Pool) string {
	t.Helper()
	_, err := run(t, p, "pid")
	if err == nil || strings.Trim(err.Error(), "0123456789") != "" {
		t.Fatalf("process id: %v", err)
	}
	return err.Error()
}

func TestManyCalls(t *testing.T) {
	for how, share := range map[string]func() (*sharedMemory, *os.File){
		"shared memory": newSharedMemory, "pipe": func() (*sharedMemory, *os.File) { return nil, nil },
	} {
		t.Run(how, func(t *testing.T) { manyCalls(t, share) })
	}
}

func manyCalls(t *testing.T, share func() (*sharedMemory, *os.File)) {
	p := open(t, "tricks", nil)
	p.newMemory = share
	var calls sync.WaitGroup
	for i := range 20 {
		calls.Go(func() {
			body := bytes.Repeat([]byte{byte(i)}, i*i*i*100)
			answer, err := p.Run(t.Context(), []byte("sum"), bytes.NewReader(body), nil)
			if want := fmt.Sprintf("%d %x", len(body), sha256.Sum256(body)); err != nil || string(answer) != want {
				t.Errorf("call %d: %q %v", i, answer, err)
			}
		})
	}
	calls.Wait()
}

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

// TestChildrenAreReplaced covers calls served, idleness and a death between two calls.
func TestChildrenAreReplaced(t *testing.T) {
	p := open(t, "tricks", func(o *Options) { o.Calls = 2; o.Size = 1 })
	a, b, c := pid(t, p), pid(t, p), pid(t, p)
	if a != b || b == c {
		t.Errorf("two calls a child were served by %s, %s, %s", a, b, c)
	}
	p = open(t, "tricks", func(o *Options) { o.Idle = time.Millisecond; o.Size = 1 })
	a = pid(t, p)
	for p.mu.Lock(); len(p.children) > 0; p.mu.Lock() {
		p.mu.Unlock()
		time.Sleep(time.Millisecond) // for the idle child to be stopped
	}
	p.mu.Unlock()
	if b = pid(t, p); a == b {
		t.Error("an idle child was kept")
	}
	p = open(t, "tricks", func(o *Options) { o.Size = 1 })
	a = pid(t, p)
	p.mu.Lock()
	idle := p.idle[0]
	p.mu.Unlock()
	if err := idle.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-idle.exited
	if b = pid(t, p); a == b {
		t.Error("a dead child was used")
	}
}

// TestDeaths kills children in every way: the call fails with ErrDied, says how, and the pool goes on.
func TestDeaths(t *testing.T) {
	p := open(t, "tricks", nil)
	for request, want := range map[string]string{
		"panic":  "the analysis died: exit status 2: panic: a",
		"exit":   "the analysis died: exit status 7",
		"early":  "the analysis died: it broke the protocol and was killed",
		"babble": "the analysis died: it broke the protocol and was killed",
		"huge":   "the analysis died: it broke the protocol and was killed",
		"slot":   "the analysis died: it broke the protocol and was killed",
	} {
		t.Run(request, func(t *testing.T) {
			body := &endless{}
			_, err := p.Run(t.Context(), []byte(request), body, nil)
			if !errors.Is(err, plimsoll.ErrDied) || !strings.HasPrefix(err.Error(), want) || strings.ContainsAny(err.Error(), "\x1b\n") {
				t.Errorf("%v", err)
			}
			if plimsoll.FailureOf(err) != plimsoll.FailureUnknown || plimsoll.ErrorCode(err) != plimsoll.Internal {
				t.Errorf("codes %s, %s", plimsoll.FailureOf(err), plimsoll.ErrorCode(err))
			}
			works(t, p)
		})
	}
}

// endless is a body that a child must stop by dying.
type endless struct{}

// Read implements io.Reader.
func (*endless) Read(p []byte) (int, error) { return len(p), nil }

func TestKilledInTheMiddle(t *testing.T) {
	p := open(t, "tricks", nil)
	source, more := io.Pipe()
	_, err := p.Run(t.Context(), []byte("wait"), source, func(child int64) error {
		err := syscall.Kill(int(child), syscall.SIGKILL)
		more.CloseWithError(io.EOF)
		return err
	})
	if !errors.Is(err, plimsoll.ErrDied) || !strings.Contains(err.Error(), "signal: killed") {
		t.Error(err)
	}
	works(t, p)
}

func TestMemoryHogDies(t *testing.T) {
	if raced {
		t.Skip("the race detector takes more memory than the limit")
	}
	p := open(t, "tricks", func(o *Options) { o.Limits.Memory = 256 << 20 })
	_, err := run(t, p, "hog")
	// The last is the C library's, which a build with cgo makes threads by.
	said := func(text string) bool { return strings.Contains(fmt.Sprint(err), text) }
	if !errors.Is(err, plimsoll.ErrDied) || !slices.ContainsFunc([]string{"out of memory", "cannot allocate memory", "SIGABRT"}, said) {
		t.Error(err)
	}
	works(t, p)
}

// TestStall has one child that does nothing, with and without a body left to take, and one
// that goes on making steps.
func TestStall(t *testing.T) {
	p := open(t, "tricks", func(o *Options) { o.Stall = 300 * time.Millisecond })
	for _, body := range []io.Reader{strings.NewReader(""), &endless{}} {
		_, err := p.Run(t.Context(), []byte("spin"), body, nil)
		if !errors.Is(err, plimsoll.ErrDied) || plimsoll.FailureOf(err) != plimsoll.FailureTimeout {
			t.Errorf("%T: %v", body, err)
		}
	}
	if _, err := run(t, p, "silence"); !errors.Is(err, plimsoll.ErrDied) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	steps := 0
	_, err := p.Run(ctx, []byte("steps"), strings.NewReader(""), func(int64) error {
		if steps++; steps == 5 { // a second, and no stall
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	works(t, p)
}

// TestSlowSource is not the child's stall: the source of the body has its own.
func TestSlowSource(t *testing.T) {
	p := open(t, "tricks", func(o *Options) { o.Stall = 500 * time.Millisecond })
	source, more := io.Pipe()
	time.AfterFunc(1200*time.Millisecond, func() { more.Close() })
	if _, err := p.Run(t.Context(), []byte("sum"), source, nil); err != nil {
		t.Error(err)
	}
}

func TestCallerGivesUp(t *testing.T) {
	p := open(t, "tricks", nil)
	before := pid(t, p)
	broken := errors.New("the network went away")
	_, err := p.Run(t.Context(), []byte("sum"), io.MultiReader(strings.NewReader("abc"), &failing{broken}), nil)
	if err != broken {
		t.Errorf("source: %v", err)
	}
	enough := errors.New("enough")
	_, err = p.Run(t.Context(), []byte("wait"), &endless{}, func(int64) error { return enough })
	if err != enough {
		t.Errorf("progress: %v", err)
	}
	if _, err = p.Run(t.Context(), []byte("refuse"), io.LimitReader(&endless{}, 64<<20), nil); err == nil || err.Error() != "not a byte of it" {
		t.Errorf("child: %v", err)
	}
	if after := pid(t, p); before != after {
		t.Error("the child was not kept")
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err = p.Run(ctx, []byte("sum"), &endless{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("context: %v", err)
	}
	works(t, p)
}

type failing struct{ err error }

// Read implements io.Reader.
func (f *failing) Read([]byte) (int, error) { return 0, f.err }

func TestErrorsKeepTheirCodes(t *testing.T) {
	_, err := run(t, open(t, "tricks", nil), "typed")
	if plimsoll.FailureOf(err) != plimsoll.FailureOversized || plimsoll.ErrorCode(err) != plimsoll.TooLarge ||
		plimsoll.ErrorHint(err) != "make it small" || err.Error() != "around: too  [31mlarge" {
		t.Errorf("%v %q", err, plimsoll.ErrorHint(err))
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
	p := open(t, "tricks", nil)
	environment, err := run(t, p, "environment")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(environment) {
		name, _, _ := strings.Cut(line, "=")
		if name != "TMPDIR" && name != "GOMAXPROCS" && name != "GODEBUG" && name != "GOTRACEBACK" {
			t.Errorf("environment: %s", line)
		}
	}
	if dir, err := run(t, p, "directory"); err != nil || dir != "/" {
		t.Errorf("directory %q %v", dir, err)
	}
	files, err := run(t, p, "files")
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
	p := open(t, "tricks", nil)
	name, err := run(t, p, "temporary")
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
	p := open(t, "tricks", nil)
	for _, request := range []string{"resolve localhost.example", "fetch http://" + listener.Addr().String()} {
		if answer, err := run(t, p, request); err == nil || !strings.Contains(err.Error(), "has no network") {
			t.Errorf("%s: %q %v", request, answer, err)
		}
	}
	if answer, err := run(t, p, "folder"); err != nil {
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
		if answer, err := run(t, p, request); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %q %v", request, answer, err)
		}
	}
	works(t, p)
}

func TestDifferentProgramIsRefused(t *testing.T) {
	p := open(t, "tricks", func(o *Options) { o.Identity = []byte("another") })
	if err := p.Warm(t.Context()); plimsoll.ErrorCode(err) != plimsoll.Conflict || plimsoll.ErrorHint(err) == "" {
		t.Error(err)
	}
	p = open(t, "tricks", func(o *Options) { o.Command = []string{"/nonexistent/plimsoll"} })
	if err := p.Warm(t.Context()); plimsoll.ErrorCode(err) != plimsoll.Unavailable || errors.Is(err, plimsoll.ErrDied) {
		t.Error(err)
	}
	p = open(t, "tricks", func(o *Options) { o.Command = []string{"/bin/true"} })
	if err := p.Warm(t.Context()); plimsoll.ErrorCode(err) != plimsoll.Unavailable || errors.Is(err, plimsoll.ErrDied) {
		t.Error(err)
	}
}

func TestClose(t *testing.T) {
	p := open(t, "tricks", nil)
	ended := make(chan error, 1)
	begun := make(chan struct{})
	go func() {
		_, err := p.Run(t.Context(), []byte("wait"), &endless{}, func(int64) error {
			select {
			case <-begun:
			default:
				close(begun)
			}
			return nil
		})
		ended <- err
	}()
	<-begun
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; plimsoll.ErrorCode(err) != plimsoll.Unavailable || errors.Is(err, plimsoll.ErrDied) {
		t.Errorf("a call that was running: %v", err)
	}
	if _, err := run(t, p, "pid"); plimsoll.ErrorCode(err) != plimsoll.Unavailable {
		t.Errorf("a call after it: %v", err)
	}
}

// confinementLacks is what a child said when it started.
func confinementLacks(t *testing.T) string {
	t.Helper()
	var log bytes.Buffer
	p := open(t, "tricks", func(o *Options) { o.Logger = debugLog(&log) })
	if err := p.Warm(t.Context()); err != nil {
		t.Fatal(err)
	}
	return log.String()
}
