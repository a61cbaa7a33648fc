package members

import (
	"bytes"
	"errors"
	"io"
	"os"

	"plimsoll/scratch"
)

// meter counts what is unpacked, and fails when a limit is met.
type meter struct {
	w    *walk
	r    io.Reader
	left int64 // of this reader
	free bool  // does not count against the whole: it was counted below
	err  error // the first error that is not the end
}

func (m *meter) Read(p []byte) (int, error) {
	if m.err != nil {
		return 0, m.err
	}
	if err := m.w.ctx.Err(); err != nil {
		m.err = err
		return 0, err
	}
	n, err := m.r.Read(p)
	m.left -= int64(n)
	if !m.free {
		m.w.bytes -= int64(n)
	}
	switch {
	case m.w.bytes < 0:
		m.err = &failure{reason: m.w.over, detail: "the archive unpacks to more than is looked at", all: true}
	case m.left < 0:
		m.err = fail(TooLarge, "a member larger than is looked at")
	case err != nil && !errors.Is(err, io.EOF):
		m.err = err
	default:
		return n, err
	}
	return 0, m.err
}

// inMemory is the size up to which a nested archive is kept in memory, in bytes.
const inMemory = 4 << 20

// kept is a nested archive that can be read at any place.
type kept struct {
	io.ReaderAt
	size int64
	file *os.File // nil if in memory
}

// keep reads r to its end, within what may be kept at one time.
func (w *walk) keep(r io.Reader) (*kept, error) {
	var buffer bytes.Buffer
	n, err := io.Copy(&buffer, io.LimitReader(r, min(inMemory, w.spool)))
	if err != nil {
		return nil, err
	}
	if n < inMemory && n < w.spool {
		w.spool -= n
		return &kept{ReaderAt: bytes.NewReader(buffer.Bytes()), size: n}, nil
	}
	f, err := scratch.File()
	if err != nil {
		return nil, &diskError{err}
	}
	size, err := io.Copy(onDisk{f}, io.LimitReader(io.MultiReader(&buffer, r), w.spool+1))
	if err == nil && size > w.spool {
		err = fail(TooLarge, "nested archives are larger than is kept at one time")
	}
	if err != nil {
		f.Close() //nolint:errcheck // the first error is the one to tell
		return nil, err
	}
	w.spool -= size
	return &kept{ReaderAt: f, size: size, file: f}, nil
}

func (w *walk) drop(k *kept) {
	w.spool += k.size
	if k.file != nil {
		k.file.Close() //nolint:errcheck // the file has no name and nothing to flush to
	}
}

// diskError is a failure to keep an archive: ours, not the archive's.
type diskError struct{ err error }

func (e *diskError) Error() string { return "make room for an archive: " + e.err.Error() }
func (e *diskError) Unwrap() error { return e.err }

// onDisk marks errors of writing.
type onDisk struct{ f *os.File }

func (o onDisk) Write(p []byte) (int, error) {
	n, err := o.f.Write(p)
	if err != nil {
		err = &diskError{err}
	}
	return n, err
}
