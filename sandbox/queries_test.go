package sandbox

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"plimsoll"
)

// echo answers each line with the same.
func echo(_ context.Context, child io.ReadWriter, _ func(bool)) {
	for lines := bufio.NewScanner(child); lines.Scan(); {
		fmt.Fprintln(child, "you said", lines.Text())
	}
}

func TestChildrenAsk(t *testing.T) {
	p := newTestPool(t, "tricks", func(o *Options) { o.AnswerQueries, o.Calls = echo, 2 })
	for _, text := range []string{"one", "two", "three"} { // the third asks from another process
		if got, err := runRequest(t, p, "ask "+text); got != "you said "+text+"\n" || err != nil {
			t.Errorf("%q %v", got, err)
		}
	}
	checkPoolWorks(t, p)
}

// AnswerQueries may return early: the child reads EOF and goes on.
func TestQueriesEndBeforeTheChild(t *testing.T) {
	p := newTestPool(t, "tricks", func(o *Options) {
		o.AnswerQueries, o.Size = func(context.Context, io.ReadWriter, func(bool)) {}, 1
	})
	if got, err := runRequest(t, p, "ask x"); err == nil || errors.Is(err, plimsoll.ErrDied) {
		t.Errorf("%q %v", got, err)
	}
	checkPoolWorks(t, p)
}

// A child that waits for an answer has not stalled; one that does not wait is killed, also while AnswerQueries runs.
func TestWaitingForAnAnswerIsNoStall(t *testing.T) {
	stall := 500 * time.Millisecond
	slow := func(ctx context.Context, child io.ReadWriter, waits func(bool)) {
		line, err := bufio.NewReader(child).ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "slow") {
			<-ctx.Done()
			return
		}
		waits(true)
		select {
		case <-ctx.Done():
		case <-time.After(3 * stall):
		}
		waits(false)
		fmt.Fprintln(child, "at last")
	}
	p := newTestPool(t, "tricks", func(o *Options) { o.AnswerQueries, o.Stall, o.Size = slow, stall, 1 })
	if got, err := runRequest(t, p, "ask slow"); got != "at last\n" || err != nil {
		t.Errorf("%q %v", got, err)
	}
	p = newTestPool(t, "tricks", func(o *Options) { o.AnswerQueries, o.Stall, o.Size = slow, stall, 1 })
	if _, err := runRequest(t, p, "ask never"); plimsoll.FailureOf(err) != plimsoll.FailureTimeout || !errors.Is(err, plimsoll.ErrDied) {
		t.Errorf("%v", err)
	}
}

// The end of a child ends what is being done for it, and Close waits for that.
func TestAnswerQueriesEndsWithTheChild(t *testing.T) {
	ended := make(chan error, 1)
	p := newTestPool(t, "tricks", func(o *Options) {
		o.AnswerQueries = func(ctx context.Context, child io.ReadWriter, waits func(bool)) {
			bufio.NewReader(child).ReadString('\n')
			waits(true)
			<-ctx.Done()
			ended <- ctx.Err()
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := p.Run(ctx, []byte("ask x"), strings.NewReader(""), nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	p.Close()
	select {
	case <-ended:
	default:
		t.Error("AnswerQueries still runs after the pool was closed")
	}
}
