package members

import (
	"bytes"
	"errors"
	"io"
	"os"

	"plimsoll/scratch"
)

// limitedReader counts unpacked bytes and fails when a limit is exceeded.
type limitedReader struct {
	w       *walker
	r       io.Reader
	left    int64 // bytes that this reader may still return
	counted bool  // the bytes are already in the total of the walk
	err     error // the first error other than io.EOF
}

func (m *limitedReader) Read(p []byte) (int, error) {
	if m.err != nil {
		return 0, m.err
	}
	if err := m.w.ctx.Err(); err != nil {
		m.err = err
		return 0, err
	}
	n, err := m.r.Read(p)
	m.left -= int64(n)
	if !m.counted {
		m.w.bytesLeft -= int64(n)
	}
	switch {
	case m.w.bytesLeft < 0:
		m.err = &failure{reason: m.w.bytesReason, detail: "the archive unpacks to more bytes than the limit", endsWalk: true}
	case m.left < 0:
		m.err = newFailure(TooLarge, "the member is larger than the limit")
	case err != nil && !errors.Is(err, io.EOF):
		m.err = err
	default:
		return n, err
	}
	return 0, m.err
}

// maxInMemory is the size up to which a nested archive is kept in memory, in bytes.
const maxInMemory = 4 << 20

// spooledArchive is a nested archive with random access.
type spooledArchive struct {
	io.ReaderAt
	size int64
	file *os.File // nil if in memory
}

// spoolArchive reads r to its end, if there is enough space for nested archives left.
func (w *walker) spoolArchive(r io.Reader) (*spooledArchive, error) {
	var buffer bytes.Buffer
	n, err := io.Copy(&buffer, io.LimitReader(r, min(maxInMemory, w.spoolLeft)))
	if err != nil {
		return nil, err
	}
	if n < maxInMemory && n < w.spoolLeft {
		w.spoolLeft -= n
		return &spooledArchive{ReaderAt: bytes.NewReader(buffer.Bytes()), size: n}, nil
	}
	f, err := scratch.File()
	if err != nil {
		return nil, &diskError{err}
	}
	size, err := io.Copy(diskWriter{f}, io.LimitReader(io.MultiReader(&buffer, r), w.spoolLeft+1))
	if err == nil && size > w.spoolLeft {
		err = newFailure(TooLarge, "nested archives need more space than the limit")
	}
	if err != nil {
		f.Close() //nolint:errcheck // the first error is returned
		return nil, err
	}
	w.spoolLeft -= size
	return &spooledArchive{ReaderAt: f, size: size, file: f}, nil
}

func (w *walker) releaseSpooled(k *spooledArchive) {
	w.spoolLeft += k.size
	if k.file != nil {
		k.file.Close() //nolint:errcheck // the file has no name and nothing to flush to
	}
}

// diskError is a failure to write a temporary file. It is our problem, not a defect of the archive.
type diskError struct{ err error }

func (e *diskError) Error() string { return "make room for an archive: " + e.err.Error() }
func (e *diskError) Unwrap() error { return e.err }

// diskWriter returns write errors as diskError.
type diskWriter struct{ f *os.File }

func (o diskWriter) Write(p []byte) (int, error) {
	n, err := o.f.Write(p)
	if err != nil {
		err = &diskError{err}
	}
	return n, err
}
