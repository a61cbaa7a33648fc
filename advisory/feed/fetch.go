package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"plimsoll"
)

// Bounds of what an upstream may send, in bytes.
const (
	maxDump    = 8 << 30
	maxList    = 256 << 20 // KEV, EPSS, an index
	maxRecord  = 16 << 20
	maxRecords = 1 << 30 // all records of one update
)

// ErrStalled means that an upstream sent nothing for longer than Remote.Stall.
var ErrStalled = plimsoll.Errorf(plimsoll.Unavailable, "feed: the upstream sends nothing")

// errAbsent means that the upstream does not have the file.
var errAbsent = errors.New("feed: the upstream has no such file")

// Remote reads files of upstreams.
type Remote struct {
	Client *http.Client  // its transport limits where connections may go
	Stall  time.Duration // how long an upstream may be silent
}

// validators identify the version of a file that was last read (RFC 9110, 13.1).
type validators struct{ etag, modified string }

// upstreamFile is an open file of an upstream.
type upstreamFile struct {
	io.Reader
	validators
	close func() error
}

// open opens a file of an upstream. It returns nil without an error if the file has not
// changed since old.
func (r *Remote) open(ctx context.Context, address string, old validators, limit int64) (*upstreamFile, error) {
	if filepath.IsAbs(address) {
		return openFile(address, old, limit)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		cancel(nil)
		return nil, plimsoll.Errorf(plimsoll.Invalid, "feed: %w", err)
	}
	req.Header.Set("Accept-Encoding", "identity") // bodies are unpacked here, within bounds
	if old.etag != "" {
		req.Header.Set("If-None-Match", old.etag)
	}
	if old.modified != "" {
		req.Header.Set("If-Modified-Since", old.modified)
	}
	watch := time.AfterFunc(r.Stall, func() { cancel(ErrStalled) })
	release := func() { watch.Stop(); cancel(nil) }
	resp, err := r.Client.Do(req) //nolint:bodyclose // upstreamFile.close does, or this function on an error
	if err != nil {
		release()
		return nil, requestError(ctx, err)
	}
	if resp.StatusCode != http.StatusOK {
		release()
		return nil, errors.Join(statusError(resp.StatusCode, old), resp.Body.Close())
	}
	if resp.ContentLength > limit {
		release()
		return nil, errors.Join(upstreamTooLarge(limit), resp.Body.Close())
	}
	return &upstreamFile{
		Reader:     &boundedReader{r: resp.Body, left: limit, limit: limit, ctx: ctx, watch: watch, stall: r.Stall},
		validators: validators{boundedValidator(resp.Header.Get("ETag")), boundedValidator(resp.Header.Get("Last-Modified"))},
		close:      func() error { release(); return resp.Body.Close() },
	}, nil
}

// statusError returns the error of a response without a file; nil for a 304 to a conditional
// request.
func statusError(code int, old validators) error {
	switch {
	case code == http.StatusNotModified && old != (validators{}):
		return nil
	case code == http.StatusNotFound, code == http.StatusGone:
		return errAbsent
	default:
		return plimsoll.Errorf(plimsoll.Unavailable, "feed: the upstream answered %d", code)
	}
}

// boundedValidator drops a validator that is too long to store.
func boundedValidator(s string) string {
	if len(s) > 256 {
		return ""
	}
	return s
}

// requestError returns why a request failed: ErrStalled, a refusal by the connection policy,
// or Unavailable.
func requestError(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), ErrStalled) {
		return ErrStalled
	}
	if refused, ok := errors.AsType[*plimsoll.Error](err); ok && refused.Code == plimsoll.Forbidden {
		return refused
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // it repeats the address, which may hold a signed query
	}
	return plimsoll.Errorf(plimsoll.Unavailable, "feed: %w", err)
}

// withoutQuery returns an address without its query, which may be signed, for messages.
func withoutQuery(address string) string {
	address, _, _ = strings.Cut(address, "?")
	return address
}

func upstreamTooLarge(limit int64) error {
	return plimsoll.Errorf(plimsoll.TooLarge, "feed: the upstream sends more than %d bytes", limit)
}

// openFile opens a file of a mirror in a folder. Size and modification time serve as the
// validator.
func openFile(path string, old validators, limit int64) (*upstreamFile, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errAbsent
	}
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Unavailable, "feed: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = plimsoll.Errorf(plimsoll.Invalid, "feed: %s is not a regular file", path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	now := validators{etag: fmt.Sprintf("%d-%d", info.Size(), info.ModTime().UnixNano())}
	if now == old {
		return nil, f.Close()
	}
	return &upstreamFile{Reader: &boundedReader{r: f, left: limit, limit: limit}, validators: now, close: f.Close}, nil
}

// boundedReader fails after limit bytes, or after stall without a byte.
type boundedReader struct {
	r           io.Reader
	left, limit int64
	ctx         context.Context //nolint:containedctx // of the request that the reader belongs to
	watch       *time.Timer
	stall       time.Duration
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.watch != nil {
		b.watch.Reset(b.stall)
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, upstreamTooLarge(b.limit)
	}
	if err != nil && err != io.EOF {
		if b.ctx != nil {
			err = requestError(b.ctx, err)
		}
		return n, fmt.Errorf("read the upstream: %w", err)
	}
	return n, err
}

// download writes a file of an upstream to the new file to. unchanged reports that it has not
// changed since old, and nothing was written.
func (r *Remote) download(ctx context.Context, address, to string, old validators, limit int64) (now validators, unchanged bool, err error) {
	b, err := r.open(ctx, address, old, limit)
	if err != nil {
		return now, false, err
	}
	if b == nil {
		return old, true, nil
	}
	defer func() { err = errors.Join(err, b.close()) }()
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return now, false, plimsoll.Errorf(plimsoll.Internal, "feed: write a download: %w", err)
	}
	_, err = io.Copy(f, b)
	return b.validators, false, errors.Join(err, f.Close())
}
