package members

import (
	"compress/bzip2"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/therootcompany/xz"
)

// window is the memory that a decompressor at some depth may ask for, in bytes.
func (w *walk) window(depth int) int64 {
	return max(minWindow, w.limits.Window>>(depth-1))
}

// decompress starts to read a compressed file. done frees what the reader holds.
func (w *walk) decompress(at place, format Format, r io.Reader) (plain io.Reader, done func(), err error) {
	done = func() {}
	window := w.window(at.depth)
	switch format {
	case Gzip:
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, done, err
		}
		return z, func() { z.Close() }, nil //nolint:errcheck // only read from
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
