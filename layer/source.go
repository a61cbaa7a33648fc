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

// bufferSize is the size of reads of the blob, in bytes.
const bufferSize = 128 << 10

// maxWindow bounds the window of a zstd frame, in bytes (zstd -19 uses 8 MiB, --ultra -22 uses 128 MiB).
const maxWindow = 128 << 20

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// source is the compressed blob: counted, and bounded by the size of its descriptor. The reader
// that it reads from proves the digest.
type source struct {
	ctx      context.Context
	r        io.Reader
	expected int64 // 0 = unknown
	size     int64
	err      error // of r, other than io.EOF
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
		s.err = truncatedErrorf(ErrSize, "blob of %d bytes", s.expected)
		return n, s.err
	}
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// drain reads what the decompressor did not read, and checks that the blob is complete.
func (s *source) drain() error {
	if _, err := io.Copy(io.Discard, s.buffered); err != nil {
		return s.explain(err)
	}
	if s.size < s.expected {
		return truncatedErrorf(ErrTruncated, "%d of %d bytes arrived", s.size, s.expected)
	}
	return nil
}

// explain adds the failure code of an error's cause: the caller, the network or the blob.
func (s *source) explain(err error) error {
	if s.err == nil {
		return explainError(err, s.size, s.expected)
	}
	if hasCode(s.err) {
		return s.err
	}
	return plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Unavailable, "read blob after %d bytes: %w", s.size, s.err))
}

// hasCode reports whether an error has a failure code, or is the context's.
func hasCode(err error) bool {
	_, ok := errors.AsType[*plimsoll.Failure](err)
	return ok || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// explainError adds the failure code of an error that is not the source's, after size bytes of a blob of
// expected bytes (0 = unknown).
func explainError(err error, size, expected int64) error {
	switch {
	case hasCode(err):
		return err
	case errors.Is(err, tar.ErrFieldTooLong):
		return budgetErrorf(ErrHeader, "extended header of the archive")
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrWindowSizeTooSmall):
		return budgetErrorf(ErrWindow, "zstd window over %d bytes", maxWindow)
	case errors.Is(err, io.ErrUnexpectedEOF) && (expected <= 0 || size < expected):
		return truncatedErrorf(ErrTruncated, "archive ends after %d bytes", size)
	default:
		return plimsoll.Fail(plimsoll.FailureLayer, &plimsoll.Error{
			Code: plimsoll.Invalid, Message: fmt.Sprintf("blob of %d bytes so far", size), Err: errors.Join(ErrArchive, err),
		})
	}
}

// newDecompressor chooses the decoder by the first bytes.
func newDecompressor(r *bufio.Reader) (io.Reader, func(), error) {
	magic, err := r.Peek(len(zstdMagic))
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(magic, gzipMagic):
		z, err := inflate.NewReader(r)
		if err != nil {
			return nil, nil, unexpectedEOF(err)
		}
		return z, func() {}, nil
	case bytes.HasPrefix(magic, zstdMagic):
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, unexpectedEOF(err)
		}
		return z, z.Close, nil
	default:
		return r, func() {}, nil
	}
}

// unexpectedEOF reports a stream that ends within the header of its compression as truncated.
func unexpectedEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
