package sandbox

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/analyze/all"
	"plimsoll/scan"
)

// TestMain makes the test binary its own child.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "child" {
		setup := map[string]Setup{"tricks": setUpTricks, "analyzers": setUpAnalyzers, "boom": setUpBoom}[os.Args[2]]
		if err := Serve(os.Stdin, os.Stdout, setup); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 1 && os.Args[1] == "parent" {
		parentOfOne(os.Args[2])
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// newTestPool makes a pool of children of one kind whose temporary directory must be empty at the end.
func newTestPool(t testing.TB, role string, change func(*Options)) *Pool {
	t.Helper()
	o := Options{
		Command: []string{"", "child", role}, Identity: []byte(role), Size: 2, Temp: t.TempDir(),
		Limits: Limits{Heap: 128 << 20, File: 1 << 20},
	}
	if change != nil {
		change(&o)
	}
	p := New(o)
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(o.Temp); err != nil || len(left) > 0 {
			t.Errorf("temporary files are left: %v %v", left, err)
		}
	})
	return p
}

// setUpTricks makes a child that does what the request says.
func setUpTricks(_ []byte, parent io.ReadWriter) ([]byte, Handler, error) {
	beside = parent
	return []byte("tricks"), func(ctx context.Context, request []byte, body io.Reader, progress *atomic.Int64) ([]byte, error) {
		name, argument, _ := strings.Cut(string(request), " ")
		trick := tricks[name]
		if trick == nil {
			return nil, fmt.Errorf("no trick %q", name)
		}
		return trick(ctx, argument, body, progress)
	}, nil
}

// beside is where the parent of a child of tricks answers.
var beside io.ReadWriter

type trick func(ctx context.Context, argument string, body io.Reader, progress *atomic.Int64) ([]byte, error)

var tricks = map[string]trick{
	"sum": func(_ context.Context, _ string, body io.Reader, _ *atomic.Int64) ([]byte, error) {
		h := sha256.New()
		n, err := io.Copy(h, body)
		return fmt.Appendf(nil, "%d %x", n, h.Sum(nil)), err
	},
	"pid": func(context.Context, string, io.Reader, *atomic.Int64) ([]byte, error) {
		return nil, errors.New(fmt.Sprint(os.Getpid()))
	},
	"environment": textOf(func(string) (string, error) { return strings.Join(os.Environ(), "\n"), nil }),
	"directory":   textOf(func(string) (string, error) { return os.Getwd() }),
	"files":       textOf(openFileKinds),
	"read": textOf(func(path string) (string, error) {
		_, err := os.ReadFile(path)
		return "read", err
	}),
	"list": textOf(func(path string) (string, error) {
		_, err := os.ReadDir(path)
		return "listed", err
	}),
	"write": textOf(func(path string) (string, error) { return "written", os.WriteFile(path, []byte("x"), 0o600) }),
	"execute": textOf(func(path string) (string, error) {
		return "ran", exec.Command(path).Run()
	}),
	"connect": textOf(func(address string) (string, error) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return "connected", err
	}),
	"fetch": textOf(func(url string) (string, error) {
		r, err := http.Get(url)
		if err == nil {
			r.Body.Close()
		}
		return "fetched", err
	}),
	"resolve": textOf(func(host string) (string, error) {
		_, err := net.LookupHost(host)
		return "resolved", err
	}),
	"temporary": textOf(func(string) (string, error) {
		f, err := os.CreateTemp("", "x-*")
		if err != nil {
			return "", err
		}
		_, err = f.Write(make([]byte, 2<<20))
		if !errors.Is(err, syscall.EFBIG) {
			return "", fmt.Errorf("a file over the limit: %w", err)
		}
		return f.Name(), nil // and leaves it
	}),
	"folder": textOf(func(string) (string, error) {
		dir, err := os.MkdirTemp("", "x-*")
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(dir+"/file", []byte("x"), 0o600); err != nil {
			return "", err
		}
		return "made and removed", os.RemoveAll(dir)
	}),
	"typed": func(context.Context, string, io.Reader, *atomic.Int64) ([]byte, error) {
		return nil, fmt.Errorf("around: %w", plimsoll.Fail(plimsoll.FailureOversized, plimsoll.Errorf(plimsoll.TooLarge, "too \x1b[31mlarge").WithHint("make it small")))
	},
	"hog": func(context.Context, string, io.Reader, *atomic.Int64) ([]byte, error) {
		var all [][]byte
		for {
			b := make([]byte, 16<<20)
			for i := range b {
				b[i] = 1
			}
			all = append(all, b)
			runtime.KeepAlive(all)
		}
	},
	"spin": func(context.Context, string, io.Reader, *atomic.Int64) ([]byte, error) { select {} },
	"panic": func(context.Context, string, io.Reader, *atomic.Int64) ([]byte, error) {
		panic("a \x1b[31mparser\nfell over")
	},
	"exit": func(context.Context, string, io.Reader, *atomic.Int64) ([]byte, error) {
		os.Exit(7)
		return nil, nil
	},
	"early":   textOf(func(string) (string, error) { return "before the end", nil }),
	"refuse":  textOf(func(string) (string, error) { return "", errors.New("not a byte of it") }),
	"babble":  babble("this is no frame at all, whatever it begins with"),
	"silence": func(context.Context, string, io.Reader, *atomic.Int64) ([]byte, error) { syscall.Close(1); select {} },
	"huge":    babble("a\xff\xff\xff\xff"),
	"slot":    babble("d\x00\x00\x00\x01\x04"),
	"wait": func(_ context.Context, _ string, body io.Reader, progress *atomic.Int64) ([]byte, error) {
		progress.Store(int64(os.Getpid()))
		return io.ReadAll(body)
	},
	"ask": textOf(func(question string) (string, error) {
		if _, err := fmt.Fprintln(beside, question); err != nil {
			return "", err
		}
		return bufio.NewReader(beside).ReadString('\n')
	}),
	"steps": func(_ context.Context, _ string, _ io.Reader, progress *atomic.Int64) ([]byte, error) {
		for {
			progress.Add(1)
			time.Sleep(time.Millisecond)
		}
	},
}

func textOf(f func(string) (string, error)) trick {
	return func(_ context.Context, argument string, body io.Reader, _ *atomic.Int64) ([]byte, error) {
		text, err := f(argument)
		if err == nil && text != "before the end" {
			_, err = io.Copy(io.Discard, body)
		}
		return []byte(text), err
	}
}

func babble(text string) trick {
	return func(context.Context, string, io.Reader, *atomic.Int64) ([]byte, error) {
		if _, err := syscall.Write(1, []byte(text)); err != nil {
			return nil, err
		}
		select {}
	}
}

// openFileKinds names the open files by number and kind.
func openFileKinds(string) (string, error) {
	var out []string
	for fd := range 1024 {
		var s syscall.Stat_t
		if syscall.Fstat(fd, &s) == nil {
			out = append(out, fmt.Sprintf("%d:%o", fd, s.Mode&syscall.S_IFMT))
		}
	}
	return strings.Join(out, " "), nil
}

// setUpAnalyzers makes a child with the real analyzers.
func setUpAnalyzers([]byte, io.ReadWriter) ([]byte, Handler, error) {
	analyzers, err := all.Analyzers(all.Config{})
	if err != nil {
		return nil, nil, err
	}
	set, err := analyze.NewSet(analyzers)
	return []byte("analyzers"), scan.HandlePass(set), err
}

// setUpBoom makes a child that dies of a file called boom.
func setUpBoom([]byte, io.ReadWriter) ([]byte, Handler, error) {
	set, err := analyze.NewSet(boomAnalyzers())
	return []byte("boom"), scan.HandlePass(set), err
}

func boomAnalyzers() []analyze.Analyzer { return []analyze.Analyzer{analyze.Tree{}, boom{}} }

// boom is a parser with a defect.
type boom struct{}

// ID implements analyze.Analyzer.
func (boom) ID() plimsoll.AnalyzerID { return plimsoll.AnalyzerID{Name: "boom", Version: "1"} }

// Failure implements analyze.Analyzer.
func (boom) Failure() plimsoll.FailureCode { return plimsoll.FailureUnknown }

// Entry implements analyze.EntryAnalyzer.
func (boom) Entry(e plimsoll.Entry, _ *plimsoll.LayerReport) {
	if e.Path == "boom" {
		syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
		select {}
	}
}

func debugLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
