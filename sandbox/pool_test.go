package sandbox

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"plimsoll"
)

// runRequest runs a trick without a body.
func runRequest(t testing.TB, p *Pool, request string) (string, error) {
	t.Helper()
	answer, err := p.Run(t.Context(), []byte(request), strings.NewReader(""), nil)
	return string(answer), err
}

// checkPoolWorks fails the test unless the pool still does its work.
func checkPoolWorks(t testing.TB, p *Pool) {
	t.Helper()
	body := bytes.Repeat([]byte("body "), 100_000)
	answer, err := p.Run(t.Context(), []byte("sum"), bytes.NewReader(body), nil)
	if want := fmt.Sprintf("%d %x", len(body), sha256.Sum256(body)); err != nil || string(answer) != want {
		t.Errorf("a call after it: %q %v", answer, err)
	}
}

func childPID(t testing.TB, p *Pool) string {
	t.Helper()
	_, err := runRequest(t, p, "pid")
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
	p := newTestPool(t, "tricks", nil)
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

// TestChildrenAreReplaced covers calls served, idleness and a death between two calls.
func TestChildrenAreReplaced(t *testing.T) {
	p := newTestPool(t, "tricks", func(o *Options) { o.Calls = 2; o.Size = 1 })
	a, b, c := childPID(t, p), childPID(t, p), childPID(t, p)
	if a != b || b == c {
		t.Errorf("two calls a child were served by %s, %s, %s", a, b, c)
	}
	p = newTestPool(t, "tricks", func(o *Options) { o.Idle = time.Millisecond; o.Size = 1 })
	a = childPID(t, p)
	for p.mu.Lock(); len(p.children) > 0; p.mu.Lock() {
		p.mu.Unlock()
		time.Sleep(time.Millisecond) // for the idle child to be stopped
	}
	p.mu.Unlock()
	if b = childPID(t, p); a == b {
		t.Error("an idle child was kept")
	}
	p = newTestPool(t, "tricks", func(o *Options) { o.Size = 1 })
	a = childPID(t, p)
	p.mu.Lock()
	idle := p.idle[0]
	p.mu.Unlock()
	if err := idle.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-idle.exited
	if b = childPID(t, p); a == b {
		t.Error("a dead child was used")
	}
}

func TestDifferentProgramIsRefused(t *testing.T) {
	p := newTestPool(t, "tricks", func(o *Options) { o.Identity = []byte("another") })
	if err := p.Warm(t.Context()); plimsoll.ErrorCode(err) != plimsoll.Conflict || plimsoll.ErrorHint(err) == "" {
		t.Error(err)
	}
	p = newTestPool(t, "tricks", func(o *Options) { o.Command = []string{"/nonexistent/plimsoll"} })
	if err := p.Warm(t.Context()); plimsoll.ErrorCode(err) != plimsoll.Unavailable || errors.Is(err, plimsoll.ErrDied) {
		t.Error(err)
	}
	p = newTestPool(t, "tricks", func(o *Options) { o.Command = []string{"/bin/true"} })
	if err := p.Warm(t.Context()); plimsoll.ErrorCode(err) != plimsoll.Unavailable || errors.Is(err, plimsoll.ErrDied) {
		t.Error(err)
	}
}

func TestClose(t *testing.T) {
	p := newTestPool(t, "tricks", nil)
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
	if _, err := runRequest(t, p, "pid"); plimsoll.ErrorCode(err) != plimsoll.Unavailable {
		t.Errorf("a call after it: %v", err)
	}
}
