package members

import (
	"bufio"
	"compress/bzip2"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/therootcompany/xz"

	"plimsoll/inflate"
)

// window is the memory that a decompressor at some depth may ask for, in bytes.
func (w *walk) window(depth int) int64 {
	return max(minWindow, w.limits.Window>>(depth-1))
}

// Decoders of gzip and deflate have windows of their own, and what they give is read through a buffer: an image has thousands of small files that need one.
var (
	bufios   = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 32<<10) }}
	decoders = sync.Pool{New: func() any { return &decoder{in: bufio.NewReaderSize(nil, 16<<10)} }}
)

type decoder struct {
	inflate.Reader
	in *bufio.Reader
}

// inflater is a decoder from the pool until it is closed.
type inflater struct {
	io.Reader
	pooled *decoder
}

// deflated reads a member of a zip file.
func deflated(r io.Reader) io.ReadCloser {
	d := decoders.Get().(*decoder)
	d.in.Reset(r)
	d.ResetRaw(d.in)
	return &inflater{d, d}
}

// ungzipped reads a gzip file.
func ungzipped(r io.Reader) (io.ReadCloser, error) {
	d := decoders.Get().(*decoder)
	d.in.Reset(r)
	if err := d.Reset(d.in); err != nil {
		decoders.Put(d)
		return nil, err
	}
	return &inflater{d, d}, nil
}

// Close implements io.Closer.
func (i *inflater) Close() error {
	if i.pooled != nil {
		decoders.Put(i.pooled)
	}
	i.Reader, i.pooled = errReader{io.ErrClosedPipe}, nil
	return nil
}

// decompress starts to read a compressed file. done frees what the reader holds.
func (w *walk) decompress(at place, format Format, r io.Reader) (plain io.Reader, done func(), err error) {
	done = func() {}
	window := w.window(at.depth)
	switch format {
	case Gzip:
		z, err := ungzipped(r)
		if err != nil {
			return nil, done, err
		}
		return z, func() { z.Close() }, nil //nolint:errcheck // it goes back to the pool
	case Zstd:
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(uint64(window)))
		if err != nil {
			return nil, done, err
		}
		return translated{z}, z.Close, nil
	case XZ:
		z, err := xz.NewReader(r, uint32(window))
		if err != nil {
			return nil, done, translate(err)
		}
		return translated{z}, done, nil
	default:
		return bzip2.NewReader(r), done, nil
	}
}

// translated gives errors about memory their reason.
type translated struct{ r io.Reader }

func (t translated) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	return n, translate(err)
}

func translate(err error) error {
	switch {
	case errors.Is(err, xz.ErrMemlimit), errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fail(TooLarge, "decompressing needs more memory than is given")
	case errors.Is(err, xz.ErrOptions), errors.Is(err, xz.ErrUnsupportedCheck):
		return fail(Unsupported, "a way to compress that is not read")
	default:
		return err
	}
}
