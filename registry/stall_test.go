package registry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"plimsoll"
)

// silence answers as its fields say and then waits for the end of the request.
type silence struct {
	header time.Duration // before the answer; negative: for ever
	text   string        // of the body before it falls silent
}

func (s silence) RoundTrip(req *http.Request) (*http.Response, error) {
	wait := time.After(s.header)
	if s.header < 0 {
		wait = nil
	}
	select {
	case <-wait:
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	body := io.MultiReader(strings.NewReader(s.text), hang{req.Context()})
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(body), Request: req, ContentLength: -1}, nil
}

type hang struct{ ctx context.Context }

func (h hang) Read([]byte) (int, error) {
	<-h.ctx.Done()
	return 0, h.ctx.Err()
}

func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const after = 60 * time.Second
		get := func(s silence) (*http.Response, error) {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://registry.test/", nil)
			return stallGuard{inner: s, after: after}.RoundTrip(req)
		}
		start := time.Now()
		_, err := get(silence{header: -1})
		if plimsoll.ErrorCode(err) != plimsoll.Unavailable || time.Since(start) != after {
			t.Errorf("no answer: %v after %s", err, time.Since(start))
		}

		resp, err := get(silence{header: 59 * time.Second, text: "hello"})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * after) // a slow reader is not a silent registry
		start = time.Now()
		got, err := io.ReadAll(resp.Body)
		if string(got) != "hello" || plimsoll.ErrorCode(err) != plimsoll.Unavailable || time.Since(start) != after {
			t.Errorf("silent body: %q, %v after %s", got, err, time.Since(start))
		}
		resp.Body.Close()
	})
}

// A blob that falls silent is resumed, within bounds.
func TestBlobResumesAfterSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, clock := testClient(t, "http://registry.test", func(o *Options) { o.Transport = silence{text: "half"} })
		c.auth.keepChallenge(challenge{})
		start := time.Now()
		r, err := c.Blob(t.Context(), "a", plimsoll.Descriptor{Digest: plimsoll.DigestOf([]byte("half and half")), Size: 13})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		_, err = io.ReadAll(r)
		wantError(t, err, plimsoll.Unavailable, plimsoll.FailureDownload, "cut after 4 of 13 bytes, too often: no bytes came")
		if got, want := time.Since(start), (maxWithoutProgress+1)*c.budget.Stall; got != want || len(clock.slept) != maxWithoutProgress {
			t.Errorf("gave up after %s, want %s; waits %v", got, want, clock.slept)
		}
	})
}

func TestStallLeavesCancellation(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://registry.test/", nil)
	if _, err := (stallGuard{inner: silence{header: -1}, after: time.Hour}).RoundTrip(req); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
