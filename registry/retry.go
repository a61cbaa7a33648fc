package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"plimsoll"
)

// Bounds of repeating a request.
const (
	maxAttempts   = 4
	firstWait     = 500 * time.Millisecond // doubles with each attempt
	maxRetryAfter = 60 * time.Second
)

// retrier repeats a request after a failure that may be temporary. When the registry sends
// Retry-After (RFC 9110 section 10.2.3), every request of the client waits that long.
type retrier struct {
	inner http.RoundTripper
	clock *clock

	mu        sync.Mutex
	notBefore time.Time // no request before this time
}

// RoundTrip returns the first answer that is final, or the last one.
func (r *retrier) RoundTrip(req *http.Request) (*http.Response, error) {
	for attempt := 1; ; attempt++ {
		if err := r.wait(req.Context()); err != nil {
			return nil, err
		}
		resp, err := r.inner.RoundTrip(req)
		if err != nil {
			if attempt == maxAttempts || !isRetryable(req.Context(), err) {
				return nil, err
			}
		} else {
			if !isTransient(resp.StatusCode) {
				return resp, nil
			}
			pause, ok := retryAfter(resp.Header, r.clock.now())
			if ok {
				r.pauseFor(pause)
			}
			if attempt == maxAttempts {
				return resp, nil
			}
			drainBody(resp)
			if ok {
				continue
			}
		}
		if err := r.clock.sleep(req.Context(), waitAfter(attempt)); err != nil {
			return nil, err
		}
	}
}

// wait delays a request until the pause that the registry demanded is over.
func (r *retrier) wait(ctx context.Context) error {
	r.mu.Lock()
	d := r.notBefore.Sub(r.clock.now())
	r.mu.Unlock()
	if d <= 0 {
		return ctx.Err()
	}
	return r.clock.sleep(ctx, d)
}

func (r *retrier) pauseFor(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if until := r.clock.now().Add(d); until.After(r.notBefore) {
		r.notBefore = until
	}
}

// waitAfter is the wait after the given attempt, plus a random part of up to a quarter, so
// that clients do not repeat their requests at the same time.
func waitAfter(attempt int) time.Duration {
	d := firstWait << min(attempt-1, 6)
	return d + rand.N(d/4)
}

func isTransient(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// isRetryable reports whether another attempt may succeed after a request without an answer.
func isRetryable(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	if e, ok := errors.AsType[*plimsoll.Error](err); ok && e.Code != plimsoll.Unavailable {
		return false
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
		return false
	}
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, plain := errors.AsType[tls.RecordHeaderError](err)
	return !untrusted && !plain
}

// retryAfter reads the header of that name, as seconds or as a date, within bounds.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter), true
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter), true
	}
	return 0, false
}
