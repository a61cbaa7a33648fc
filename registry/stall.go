package registry

import (
	"context"
	"io"
	"net/http"
	"time"

	"plimsoll"
)

// stallGuard ends a request when no bytes come for too long, before the headers
// or within the body. The time between two reads of the caller does not count.
type stallGuard struct {
	inner http.RoundTripper
	after time.Duration
}

// RoundTrip sends req, and ends it when it stalls.
func (s stallGuard) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	silent := plimsoll.Errorf(plimsoll.Unavailable, "no bytes came for %s", s.after)
	timer := time.AfterFunc(s.after, func() { cancel(silent) })
	resp, err := s.inner.RoundTrip(req.WithContext(ctx))
	timer.Stop()
	if err != nil {
		if context.Cause(ctx) == error(silent) {
			err = silent
		}
		cancel(nil)
		return nil, err
	}
	resp.Body = &stallBody{body: resp.Body, ctx: ctx, cancel: cancel, timer: timer, after: s.after, silent: silent}
	return resp, nil
}

type stallBody struct {
	body   io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	after  time.Duration
	silent error
}

func (b *stallBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.after)
	n, err := b.body.Read(p)
	b.timer.Stop()
	if err != nil && err != io.EOF && context.Cause(b.ctx) == b.silent {
		err = b.silent
	}
	return n, err
}

func (b *stallBody) Close() error {
	b.timer.Stop()
	b.cancel(nil)
	return b.body.Close()
}
