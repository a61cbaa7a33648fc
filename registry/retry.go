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

// Bounds of patience.
const (
	maxAttempts   = 4
	firstWait     = 500 * time.Millisecond // doubles with each attempt
	maxRetryAfter = 60 * time.Second
)

// retry repeats a request that failed in a way that may pass. When the registry says
// how long to wait (Retry-After, RFC 9110 section 10.2.3), every request of the client waits.
type retry struct {
	inner http.RoundTripper
	clock *clock

	mu   sync.Mutex
	open time.Time // no request before
}

// RoundTrip returns the first answer that is final, or the last one.
func (r *retry) RoundTrip(req *http.Request) (*http.Response, error) {
	for attempt := 1; ; attempt++ {
		if err := r.wait(req.Context()); err != nil {
			return nil, err
		}
		resp, err := r.inner.RoundTrip(req)
		if err != nil {
			if attempt == maxAttempts || !mayPass(req.Context(), err) {
				return nil, err
			}
		} else {
			if !transient(resp.StatusCode) {
				return resp, nil
			}
			said, ok := retryAfter(resp.Header, r.clock.now())
			if ok {
				r.hold(said)
			}
			if attempt == maxAttempts {
				return resp, nil
			}
			drain(resp)
			if ok {
				continue
			}
		}
		if err := r.clock.sleep(req.Context(), backoff(attempt)); err != nil {
			return nil, err
		}
	}
}

// wait holds a request back while the registry wants no more.
func (r *retry) wait(ctx context.Context) error {
	r.mu.Lock()
	d := r.open.Sub(r.clock.now())
	r.mu.Unlock()
	if d <= 0 {
		return ctx.Err()
	}
	return r.clock.sleep(ctx, d)
}

func (r *retry) hold(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if until := r.clock.now().Add(d); until.After(r.open) {
		r.open = until
	}
}

// backoff is the wait after the given attempt, with up to a quarter of chance on top so
// that clients do not return together.
func backoff(attempt int) time.Duration {
	d := firstWait << min(attempt-1, 6)
	return d + rand.N(d/4)
}

func transient(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// mayPass reports whether a request without an answer is worth another attempt.
func mayPass(ctx context.Context, err error) bool {
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
