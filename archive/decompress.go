package archive

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"plimsoll"
	"plimsoll/scratch"
)

// maxWindow bounds the memory of the zstd decoder (RFC 8878 recommends that decoders support 8 MiB).
const maxWindow = 128 << 20

// uncompressedFile returns f if it is not compressed. Otherwise it returns a temporary file without a name that contains
// the decompressed bytes, and closes f. It also closes f if it returns an error.
func uncompressedFile(f *os.File, b plimsoll.Budget) (*os.File, error) {
	start := make([]byte, len(zstdMagic))
	n, err := f.ReadAt(start, 0)
	if err != nil && err != io.EOF {
		f.Close() //nolint:errcheck // only read from
		return nil, ioError("reading the archive", err)
	}
	how := detectCompression(start[:n])
	if how == compressionNone {
		return f, nil
	}
	defer f.Close() //nolint:errcheck // only read from
	tmp, err := scratch.File()
	if err != nil {
		return nil, ioError("making room for an archive", err)
	}
	if err := decompressInto(tmp, f, how, b); err != nil {
		tmp.Close() //nolint:errcheck // the first error is returned
		return nil, err
	}
	return tmp, nil
}

// decompressInto decompresses f into w within the budget of one image.
func decompressInto(w io.Writer, f *os.File, how compressionKind, b plimsoll.Budget) error {
	info, err := f.Stat()
	if err != nil {
		return ioError("reading the archive", err)
	}
	limit := min(b.ImageUnpacked, max(b.RatioGrace, saturatingMultiply(info.Size(), b.Ratio)))
	r, stop, err := newDecompressor(f, how)
	if err != nil {
		return invalidArchive("the archive is not valid %s: %w", how, err)
	}
	defer stop()
	n, err := io.Copy(w, io.LimitReader(r, limit))
	if _, disk := errors.AsType[*fs.PathError](err); disk {
		return ioError("decompressing the archive", err)
	}
	if err != nil {
		return invalidArchive("the archive cannot be decompressed: %w", err)
	}
	if n == limit {
		if more, _ := io.ReadFull(r, make([]byte, 1)); more > 0 {
			return overBudget("the archive of %d bytes unpacks to more than %d", info.Size(), limit)
		}
	}
	return nil
}

// saturatingMultiply returns the largest int64 if the product overflows.
func saturatingMultiply(a, b int64) int64 {
	const most = int64(^uint64(0) >> 1)
	if b > 0 && a > most/b {
		return most
	}
	return a * b
}

func newDecompressor(r io.Reader, how compressionKind) (io.Reader, func(), error) {
	if how == compressionGzip {
		z, err := gzip.NewReader(r)
		return z, func() {}, err
	}
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, nil, err
	}
	return z, z.Close, nil
}
