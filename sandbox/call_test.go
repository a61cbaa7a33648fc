package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"plimsoll"
)

// TestDeaths kills children in every way: the call fails with ErrDied, says how, and the pool goes on.
func TestDeaths(t *testing.T) {
	p := newTestPool(t, "tricks", nil)
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
			checkPoolWorks(t, p)
		})
	}
}

// endless is a body that a child must stop by dying.
type endless struct{}

// Read implements io.Reader.
func (*endless) Read(p []byte) (int, error) { return len(p), nil }

func TestKilledInTheMiddle(t *testing.T) {
	p := newTestPool(t, "tricks", nil)
	source, more := io.Pipe()
	_, err := p.Run(t.Context(), []byte("wait"), source, func(child int64) error {
		err := syscall.Kill(int(child), syscall.SIGKILL)
		more.CloseWithError(io.EOF)
		return err
	})
	if !errors.Is(err, plimsoll.ErrDied) || !strings.Contains(err.Error(), "signal: killed") {
		t.Error(err)
	}
	checkPoolWorks(t, p)
}

func TestMemoryHogDies(t *testing.T) {
	if raced {
		t.Skip("the race detector takes more memory than the limit")
	}
	p := newTestPool(t, "tricks", func(o *Options) { o.Limits.Memory = 256 << 20 })
	_, err := runRequest(t, p, "hog")
	// The last is the C library's, which a build with cgo makes threads by.
	said := func(text string) bool { return strings.Contains(fmt.Sprint(err), text) }
	if !errors.Is(err, plimsoll.ErrDied) || !slices.ContainsFunc([]string{"out of memory", "cannot allocate memory", "SIGABRT"}, said) {
		t.Error(err)
	}
	checkPoolWorks(t, p)
}

// TestStall has one child that does nothing, with and without a body left to take, and one
// that goes on making steps.
func TestStall(t *testing.T) {
	p := newTestPool(t, "tricks", func(o *Options) { o.Stall = 300 * time.Millisecond })
	for _, body := range []io.Reader{strings.NewReader(""), &endless{}} {
		_, err := p.Run(t.Context(), []byte("spin"), body, nil)
		if !errors.Is(err, plimsoll.ErrDied) || plimsoll.FailureOf(err) != plimsoll.FailureTimeout {
			t.Errorf("%T: %v", body, err)
		}
	}
	if _, err := runRequest(t, p, "silence"); !errors.Is(err, plimsoll.ErrDied) {
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
	checkPoolWorks(t, p)
}

// TestSlowSource is not the child's stall: the source of the body has its own.
func TestSlowSource(t *testing.T) {
	p := newTestPool(t, "tricks", func(o *Options) { o.Stall = 500 * time.Millisecond })
	source, more := io.Pipe()
	time.AfterFunc(1200*time.Millisecond, func() { more.Close() })
	if _, err := p.Run(t.Context(), []byte("sum"), source, nil); err != nil {
		t.Error(err)
	}
}

func TestCallerGivesUp(t *testing.T) {
	p := newTestPool(t, "tricks", nil)
	before := childPID(t, p)
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
	if after := childPID(t, p); before != after {
		t.Error("the child was not kept")
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err = p.Run(ctx, []byte("sum"), &endless{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("context: %v", err)
	}
	checkPoolWorks(t, p)
}

type failing struct{ err error }

// Read implements io.Reader.
func (f *failing) Read([]byte) (int, error) { return 0, f.err }

func TestErrorsKeepTheirCodes(t *testing.T) {
	_, err := runRequest(t, newTestPool(t, "tricks", nil), "typed")
	if plimsoll.FailureOf(err) != plimsoll.FailureOversized || plimsoll.ErrorCode(err) != plimsoll.TooLarge ||
		plimsoll.ErrorHint(err) != "make it small" || err.Error() != "around: too  [31mlarge" {
		t.Errorf("%v %q", err, plimsoll.ErrorHint(err))
	}
}
