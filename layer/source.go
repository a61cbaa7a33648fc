package layer

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"plimsoll"
	"plimsoll/inflate"
)

// bufferSize is that of reads of the blob, in bytes.
const bufferSize = 128 << 10

// maxWindow bounds what a zstd frame may ask the decoder to remember (zstd -19 asks for 8 MiB, --ultra -22 for 128 MiB).
const maxWindow = 128 << 20

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// source is the blob as it arrives: counted, bounded by its descriptor. Whoever opened the
// blob proves its digest.
type source struct {
	ctx      context.Context
	r        io.Reader
	expected int64 // 0 = not known
	size     int64
	err      error // what r answered, other than io.EOF
	buffered *bufio.Reader
}

func newSource(ctx context.Context, r io.Reader, expected int64) *source {
	s := &source{ctx: ctx, r: r, expected: expected}
	s.buffered = bufio.NewReaderSize(s, bufferSize)
	return s
}

// Read implements io.Reader below the buffer.
func (s *source) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	if err := s.ctx.Err(); err != nil {
		s.err = err
		return 0, err
	}
	n, err := s.r.Read(p)
	s.size += int64(n)
	if s.expected > 0 && s.size > s.expected {
		s.err = cut(ErrSize, "blob of %d bytes", s.expected)
		return n, s.err
	}
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// drain reads what the decompressor left and checks that the blob is whole.
func (s *source) drain() error {
	if _, err := io.Copy(io.Discard, s.buffered); err != nil {
		return s.explain(err)
	}
	if s.size < s.expected {
		return cut(ErrTruncated, "%d of %d bytes arrived", s.size, s.expected)
	}
	return nil
}

// explain says whose fault an error is: the caller's, the network's or the blob's.
func (s *source) explain(err error) error {
	if s.err == nil {
		return explain(err, s.size, s.expected)
	}
	if coded(s.err) {
		return s.err
	}
	return plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Unavailable, "read blob after %d bytes: %w", s.size, s.err))
}

// coded reports whether an error says itself whose fault it is.
func coded(err error) bool {
	_, ok := errors.AsType[*plimsoll.Failure](err)
	return ok || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// explain is for an error that is not the source's. size bytes were read of a blob of expected, 0 = not known.
func explain(err error, size, expected int64) error {
	switch {
	case coded(err):
		return err
	case errors.Is(err, tar.ErrFieldTooLong):
		return over(ErrHeader, "extended header of the archive")
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrWindowSizeTooSmall):
		return over(ErrWindow, "zstd window over %d bytes", maxWindow)
	case errors.Is(err, io.ErrUnexpectedEOF) && (expected <= 0 || size < expected):
		return cut(ErrTruncated, "archive ends after %d bytes", size)
	default:
		return plimsoll.Fail(plimsoll.FailureLayer, &plimsoll.Error{
			Code: plimsoll.Invalid, Message: fmt.Sprintf("blob of %d bytes so far", size), Err: errors.Join(ErrArchive, err),
		})
	}
}

// decompress picks the decoder by the first bytes.
func decompress(r *bufio.Reader) (io.Reader, func(), error) {
	magic, err := r.Peek(len(zstdMagic))
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(magic, gzipMagic):
		z, err := inflate.NewReader(r)
		if err != nil {
			return nil, nil, unexpected(err)
		}
		return z, func() {}, nil
	case bytes.HasPrefix(magic, zstdMagic):
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, unexpected(err)
		}
		return z, z.Close, nil
	default:
		return r, func() {}, nil
	}
}

// unexpected: a stream that ends inside the header of its compression is cut short.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
