package registry

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

// script answers with its steps in turn, then 200.
type script struct {
	steps []step
	calls atomic.Int32
}

type step struct {
	status int
	after  string
	err    error
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	n := int(s.calls.Add(1)) - 1
	now := step{status: http.StatusOK}
	if n < len(s.steps) {
		now = s.steps[n]
	}
	if now.err != nil {
		return nil, now.err
	}
	h := http.Header{}
	if now.after != "" {
		h.Set("Retry-After", now.after)
	}
	return &http.Response{StatusCode: now.status, Header: h, Body: http.NoBody, Request: req}, nil
}

func TestRetry(t *testing.T) {
	cut := &net.OpError{Op: "read", Err: errors.New("reset")}
	date := newFakeTime().at.Add(7 * time.Second).Format(http.TimeFormat)
	past := newFakeTime().at.Add(-time.Hour).Format(http.TimeFormat)
	unknown := &net.DNSError{IsNotFound: true}
	refused := plimsoll.Errorf(plimsoll.Forbidden, "refused")
	tests := []struct {
		name   string
		steps  []step
		status int
		err    error
		waits  []time.Duration // -1: some back-off
	}{
		{"at once", nil, 200, nil, nil},
		{"seconds", []step{{429, "3", nil}}, 200, nil, []time.Duration{3 * time.Second}},
		{"date", []step{{503, date, nil}}, 200, nil, []time.Duration{7 * time.Second}},
		{"date gone by", []step{{503, past, nil}}, 200, nil, nil},
		{"too long", []step{{429, "86400", nil}}, 200, nil, []time.Duration{maxRetryAfter}},
		{"nonsense", []step{{429, "-1", nil}}, 200, nil, []time.Duration{-1}},
		{"plain", []step{{500, "", nil}, {502, "", nil}, {504, "", nil}}, 200, nil, []time.Duration{-1, -1, -1}},
		{"too often", []step{{503, "1", nil}, {503, "1", nil}, {503, "1", nil}, {503, "1", nil}}, 503, nil, []time.Duration{time.Second, time.Second, time.Second}},
		{"connection", []step{{err: cut}}, 200, nil, []time.Duration{-1}},
		{"connection, too often", []step{{err: cut}, {err: cut}, {err: cut}, {err: cut}}, 0, cut, []time.Duration{-1, -1, -1}},
		{"unknown host", []step{{err: unknown}}, 0, unknown, nil},
		{"refused by policy", []step{{err: refused}}, 0, refused, nil},
		{"not there", []step{{404, "5", nil}}, 404, nil, nil},
		{"not implemented", []step{{501, "", nil}}, 501, nil, nil},
	}
	for _, tt := range tests {
		fake := newFakeTime()
		r := &retrier{inner: &script{steps: tt.steps}, clock: fake.clock()}
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://registry.test/", nil)
		resp, err := r.RoundTrip(req)
		if err != tt.err || (err == nil && resp.StatusCode != tt.status) {
			t.Errorf("%s: %v, %v", tt.name, resp, err)
		}
		got := append([]time.Duration(nil), fake.slept...)
		for i := range min(len(got), len(tt.waits)) {
			if tt.waits[i] == -1 && got[i] >= firstWait<<i && got[i] <= (firstWait<<i)*5/4 {
				got[i] = -1
			}
		}
		if diff := cmp.Diff(tt.waits, got); diff != "" {
			t.Errorf("%s: waits (-want +got)\n%s", tt.name, diff)
		}
	}
}

// A pause that the registry demands of one request also delays the next one.
func TestRetryHoldsEveryRequest(t *testing.T) {
	fake := newFakeTime()
	s := &script{steps: []step{{429, "20", nil}}}
	r := &retrier{inner: s, clock: fake.clock()}
	r.pauseFor(5 * time.Second)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://registry.test/", nil)
	if _, err := r.RoundTrip(req); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]time.Duration{5 * time.Second, 20 * time.Second}, fake.slept); diff != "" {
		t.Errorf("waits (-want +got)\n%s", diff)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.RoundTrip(req.WithContext(ctx)); !errors.Is(err, context.Canceled) || s.calls.Load() != 2 {
		t.Errorf("cancelled: %v after %d calls", err, s.calls.Load())
	}
}
