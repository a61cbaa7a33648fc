package members

import (
	"bufio"
	"compress/bzip2"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/therootcompany/xz"
)

// window is the memory that a decompressor at some depth may ask for, in bytes.
func (w *walk) window(depth int) int64 {
	return max(minWindow, w.limits.Window>>(depth-1))
}

// Decoders of gzip and deflate have windows of their own, and what they give is read through a buffer: an image has thousands of small files that need one.
var (
	bufios = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 32<<10) }}
	gzips  = sync.Pool{New: func() any { return new(gzip.Reader) }}
	flates = sync.Pool{New: func() any { return flate.NewReader(nil) }}
)

// inflater is a decoder from the pool until it is closed.
type inflater struct {
	io.Reader
	pooled any
}

func inflate(r io.Reader) io.ReadCloser {
	z := flates.Get()
	if err := z.(flate.Resetter).Reset(r, nil); err != nil {
		return io.NopCloser(errReader{err})
	}
	return &inflater{z.(io.Reader), z}
}

func (i *inflater) Close() error {
	if i.pooled != nil {
		flates.Put(i.pooled)
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
		z := gzips.Get().(*gzip.Reader)
		if err := z.Reset(r); err != nil {
			gzips.Put(z)
			return nil, done, err
		}
		return z, func() { gzips.Put(z) }, nil
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
