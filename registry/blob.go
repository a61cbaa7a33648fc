package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"plimsoll"
	"plimsoll/verify"
)

// Bounds of resuming one blob.
const (
	maxResumes         = 64
	maxWithoutProgress = 5       // resumes in a row, each with fewer than progressBytes
	progressBytes      = 1 << 20 // bytes
)

// Blob opens the blob that d describes. The reader proves size and digest at its end, and
// continues where a body was cut or stalled. The caller closes it, also before its end.
func (c *Client) Blob(ctx context.Context, repository string, d plimsoll.Descriptor) (io.ReadCloser, error) {
	if _, err := plimsoll.ParseDigest(string(d.Digest)); err != nil {
		return nil, plimsoll.Fail(plimsoll.FailureDownload, err)
	}
	path, err := repositoryPath(repository, "blobs/"+string(d.Digest))
	if err != nil {
		return nil, err
	}
	b := &blobStream{ctx: ctx, client: c, want: d, request: request{
		doing: "reading blob " + d.Digest.Short() + " of " + repository,
		path:  path,
		scope: pullScope(repository),
	}}
	if err := b.openRest(); err != nil {
		return nil, err
	}
	return provenBlob{Reader: verify.Reader(b, d), Closer: b}, nil
}

type provenBlob struct {
	io.Reader
	io.Closer
}

// blobStream reads a blob as one stream, over as many answers as necessary.
type blobStream struct {
	ctx     context.Context
	client  *Client
	request request
	want    plimsoll.Descriptor

	body   io.ReadCloser // nil between answers
	etag   string        // strong validator of the first answer
	offset int64         // bytes handed out

	resumes, withoutProgress int
	last                     int64 // offset at the last resume
	cause                    error // why the last answer ended
}

// Read reads the next bytes.
func (b *blobStream) Read(p []byte) (int, error) {
	for {
		if b.body == nil {
			if err := b.resume(); err != nil {
				return 0, err
			}
			continue
		}
		n, err := b.body.Read(p)
		b.offset += int64(n)
		if err != nil && err != io.EOF {
			b.dropBody(err)
		}
		switch {
		case n > 0:
			return n, nil
		case err == nil:
		case b.offset >= b.want.Size:
			return 0, io.EOF
		case b.ctx.Err() != nil:
			return 0, b.ctx.Err()
		case err == io.EOF:
			b.dropBody(io.ErrUnexpectedEOF)
		}
	}
}

// Close ends the blob.
func (b *blobStream) Close() error {
	if b.body == nil {
		return nil
	}
	return b.body.Close()
}

func (b *blobStream) dropBody(cause error) {
	b.body.Close() //nolint:errcheck // only read from
	b.body, b.cause = nil, cause
}

// resume requests the rest, after a wait that grows while no bytes come.
func (b *blobStream) resume() error {
	if b.offset >= b.want.Size {
		return io.EOF
	}
	if err := b.ctx.Err(); err != nil {
		return err
	}
	b.resumes++
	b.withoutProgress++
	if b.offset-b.last >= progressBytes {
		b.withoutProgress = 1
	}
	b.last = b.offset
	if b.resumes > maxResumes || b.withoutProgress > maxWithoutProgress {
		return transportError(b.ctx, fmt.Sprintf("%s: cut after %d of %d bytes, too often", b.request.doing, b.offset, b.want.Size), b.cause)
	}
	if err := b.client.clock.sleep(b.ctx, waitAfter(b.withoutProgress)); err != nil {
		return err
	}
	b.client.logger.DebugContext(b.ctx, "resuming a blob", "digest", b.want.Digest, "offset", b.offset)
	return b.openRest()
}

// openRest requests the blob from the offset on.
func (b *blobStream) openRest() error {
	r := b.request
	if b.offset > 0 {
		r.extra = http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", b.offset, b.want.Size-1)}}
		if b.etag != "" {
			r.extra.Set("If-Range", b.etag)
		}
	}
	resp, err := b.client.send(b.ctx, r)
	if err != nil {
		return err
	}
	switch {
	case resp.StatusCode == http.StatusOK:
		err = b.accept(resp)
	case resp.StatusCode == http.StatusPartialContent && b.offset > 0:
		err = b.acceptRest(resp)
	default:
		return statusError(r.doing, resp)
	}
	if err != nil {
		resp.Body.Close() //nolint:errcheck // only read from
	}
	return err
}

// accept takes an answer that starts at the beginning of the blob, and skips what was read before.
func (b *blobStream) accept(resp *http.Response) error {
	if resp.ContentLength >= 0 && resp.ContentLength != b.want.Size {
		return plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Invalid,
			"%s: the registry has %d bytes, the manifest says %d", b.request.doing, resp.ContentLength, b.want.Size))
	}
	if b.offset == 0 {
		if tag := resp.Header.Get("ETag"); strings.HasPrefix(tag, `"`) {
			b.etag = tag
		}
	}
	b.body = resp.Body
	if _, err := io.CopyN(io.Discard, resp.Body, b.offset); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		b.dropBody(err)
	}
	return nil
}

// acceptRest takes an answer that contains exactly the missing bytes (RFC 9110 section 14.4).
func (b *blobStream) acceptRest(resp *http.Response) error {
	contentRange := resp.Header.Get("Content-Range")
	span, total, _ := strings.Cut(strings.TrimPrefix(contentRange, "bytes "), "/")
	start, _, _ := strings.Cut(span, "-")
	if start != strconv.FormatInt(b.offset, 10) || (total != "*" && total != strconv.FormatInt(b.want.Size, 10)) {
		return plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Unavailable,
			"%s: asked for the bytes from %d on, the registry sends %.80q", b.request.doing, b.offset, contentRange))
	}
	b.body = resp.Body
	return nil
}
