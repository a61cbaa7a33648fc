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

// decoderWindow returns the memory that a decompressor at some depth may use, in bytes.
func (w *walker) decoderWindow(depth int) int64 {
	return max(minWindow, w.limits.Window>>(depth-1))
}

// Decoders of gzip and deflate have large windows, and their output is read through a buffer. An image contains thousands
// of small files that need both, so they are pooled.
var (
	bufferPool  = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 32<<10) }}
	decoderPool = sync.Pool{New: func() any { return &pooledDecoder{in: bufio.NewReaderSize(nil, 16<<10)} }}
)

type pooledDecoder struct {
	inflate.Reader
	in *bufio.Reader
}

// pooledReader reads from a pooled decoder, which Close returns to the pool.
type pooledReader struct {
	io.Reader
	pooled *pooledDecoder
}

// newDeflateReader returns a decompressor for a member of a zip file.
func newDeflateReader(r io.Reader) io.ReadCloser {
	d := decoderPool.Get().(*pooledDecoder)
	d.in.Reset(r)
	d.ResetRaw(d.in)
	return &pooledReader{d, d}
}

// newGzipReader returns a decompressor for a gzip file.
func newGzipReader(r io.Reader) (io.ReadCloser, error) {
	d := decoderPool.Get().(*pooledDecoder)
	d.in.Reset(r)
	if err := d.Reset(d.in); err != nil {
		decoderPool.Put(d)
		return nil, err
	}
	return &pooledReader{d, d}, nil
}

// Close implements io.Closer.
func (i *pooledReader) Close() error {
	if i.pooled != nil {
		decoderPool.Put(i.pooled)
	}
	i.Reader, i.pooled = errReader{io.ErrClosedPipe}, nil
	return nil
}

// decompress returns a reader of the decompressed content. done releases its resources.
func (w *walker) decompress(at location, format Format, r io.Reader) (plain io.Reader, done func(), err error) {
	done = func() {}
	window := w.decoderWindow(at.depth)
	switch format {
	case Gzip:
		z, err := newGzipReader(r)
		if err != nil {
			return nil, done, err
		}
		return z, func() { z.Close() }, nil //nolint:errcheck // it goes back to the pool
	case Zstd:
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(uint64(window)))
		if err != nil {
			return nil, done, err
		}
		return errorTranslator{z}, z.Close, nil
	case XZ:
		z, err := xz.NewReader(r, uint32(window))
		if err != nil {
			return nil, done, translateError(err)
		}
		return errorTranslator{z}, done, nil
	default:
		return bzip2.NewReader(r), done, nil
	}
}

// errorTranslator is a reader that converts errors of decompressors to failures with a reason.
type errorTranslator struct{ r io.Reader }

func (t errorTranslator) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	return n, translateError(err)
}

func translateError(err error) error {
	switch {
	case errors.Is(err, xz.ErrMemlimit), errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return newFailure(TooLarge, "decompression needs more memory than the limit")
	case errors.Is(err, xz.ErrOptions), errors.Is(err, xz.ErrUnsupportedCheck):
		return newFailure(Unsupported, "the compression method is not supported")
	default:
		return err
	}
}
