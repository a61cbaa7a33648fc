package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"time"
	"unicode"

	"plimsoll"
)

const (
	// maxAttempts is how often a unit with temporary failures is tried.
	maxAttempts = 5

	// firstWait is the wait after the first attempt. It doubles with each attempt; jitter makes it
	// half to one and a half times that.
	firstWait = 5 * time.Second

	// maxDetail bounds the stored text of an error, in bytes.
	maxDetail = 500
)

// runUnit calls the handler of a claimed unit and records the outcome.
func (q *Queue) runUnit(ctx context.Context, w plimsoll.Work, lease time.Time) {
	handling, h := q.addHeld(ctx, w, lease)
	err := q.callHandler(handling, w)
	q.removeHeld(h)
	if errors.Is(context.Cause(handling), errLost) {
		q.Logger.Warn("lost a unit of work", "kind", w.Kind, "unit", w.ID)
		return
	}
	stopping := ctx.Err() != nil
	// The outcome is recorded even during shutdown.
	if err := q.recordOutcome(context.WithoutCancel(ctx), w, err, stopping); err != nil &&
		plimsoll.ErrorCode(err) != plimsoll.Conflict {
		q.Logger.Error("cannot record the outcome of work; it will run again", "kind", w.Kind, "unit", w.ID, "error", err)
	}
	q.changed.announce()
}

// callHandler calls the handler and turns a panic into an error.
func (q *Queue) callHandler(ctx context.Context, w plimsoll.Work) (err error) {
	handler, ok := q.Handlers[w.Kind]
	if !ok {
		return plimsoll.Errorf(plimsoll.Internal, "there is no handler for units of kind %q", w.Kind)
	}
	defer func() {
		if p := recover(); p != nil {
			q.Logger.Error("work panicked", "kind", w.Kind, "unit", w.ID, "panic", cleanText(fmt.Sprint(p)), "stack", string(debug.Stack()))
			err = plimsoll.Errorf(plimsoll.Internal, "a defect of this program ended the work")
		}
	}()
	return handler(ctx, w)
}

// recordOutcome records the outcome of a unit.
func (q *Queue) recordOutcome(ctx context.Context, w plimsoll.Work, err error, stopping bool) error {
	switch {
	case err == nil:
		return q.Store.Finish(ctx, w.ID, w.Generation, "", "")
	case stopping:
		return q.Store.Release(ctx, w.ID, w.Generation)
	case errors.Is(err, plimsoll.ErrDied) && w.Deaths+1 < plimsoll.MaxDeaths:
		wait := backOff(w.Attempts)
		q.Logger.Warn("analysis died", "kind", w.Kind, "unit", w.ID, "attempt", w.Attempts, "wait", wait, "error", cleanText(err.Error()))
		return q.Store.Died(ctx, w.ID, w.Generation, q.Now().Add(wait))
	case errors.Is(err, plimsoll.ErrDied):
		q.Logger.Error("analysis died too often, it is not tried again", "kind", w.Kind, "unit", w.ID, "attempt", w.Attempts, "error", cleanText(err.Error()))
		return q.Store.Finish(ctx, w.ID, w.Generation, plimsoll.FailureOf(err), cleanText(err.Error()))
	case isTemporary(err) && w.Attempts < maxAttempts:
		wait := backOff(w.Attempts)
		q.Logger.Info("work failed for now", "kind", w.Kind, "unit", w.ID, "attempt", w.Attempts, "wait", wait, "error", cleanText(err.Error()))
		return q.Store.Retry(ctx, w.ID, w.Generation, q.Now().Add(wait))
	default:
		q.Logger.Warn("work failed", "kind", w.Kind, "unit", w.ID, "attempt", w.Attempts, "error", cleanText(err.Error()))
		return q.Store.Finish(ctx, w.ID, w.Generation, plimsoll.FailureOf(err), cleanText(err.Error()))
	}
}

// isTemporary reports whether the unit may succeed if it is tried again.
func isTemporary(err error) bool {
	code, failure := plimsoll.ErrorCode(err), plimsoll.FailureOf(err)
	return code == plimsoll.Unavailable || code == plimsoll.Throttled || failure == plimsoll.FailureDatabase || failure == plimsoll.FailureEngine
}

// backOff returns the wait after an attempt; the first attempt is 1.
func backOff(attempt int) time.Duration {
	wait := firstWait << (attempt - 1)
	return wait/2 + rand.N(wait)
}

// cleanText replaces characters that are not printable, which could control a terminal, and cuts s
// to maxDetail bytes.
func cleanText(s string) string {
	if len(s) > maxDetail {
		s = s[:maxDetail] + "…"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, ""))
}
