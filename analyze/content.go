package analyze

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// inMemory is the size up to which a wanted file is kept in memory, in bytes. Larger ones
// go to a temporary file that has no name from the moment it exists.
const inMemory = 4 << 20

// content is a whole file that can be read at any place.
type content struct {
	io.ReaderAt
	size int64
	file *os.File // nil if in memory
}

func (c *content) close() {
	if c != nil && c.file != nil {
		c.file.Close() //nolint:errcheck // the file has no name and nothing to flush to
	}
}

// keep reads r to its end. size is the archive's word, good for choosing a place.
// The buffer is used if the content fits; nil = a new one.
func keep(r io.Reader, size int64, buffer *bytes.Buffer) (*content, error) {
	if size <= inMemory {
		if buffer == nil {
			buffer = new(bytes.Buffer)
		}
		buffer.Reset()
		buffer.Grow(int(size) + bytes.MinRead)
		n, err := buffer.ReadFrom(io.LimitReader(r, size+1))
		if err != nil {
			return nil, err
		}
		if n != size {
			return nil, fmt.Errorf("file is %d bytes, not %d", n, size)
		}
		return &content{ReaderAt: bytes.NewReader(buffer.Bytes()), size: n}, nil
	}
	f, err := spill()
	if err != nil {
		return nil, err
	}
	n, err := io.Copy(f, r)
	if err != nil {
		f.Close() //nolint:errcheck // the copy's error is the one to tell
		return nil, err
	}
	return &content{ReaderAt: f, size: n, file: f}, nil
}

// spill makes a temporary file without a name: it vanishes with the process.
func spill() (*os.File, error) {
	f, err := os.CreateTemp("", "plimsoll-*")
	if err != nil {
		return nil, fmt.Errorf("make a temporary file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close() //nolint:errcheck // the removal's error is the one to tell
		return nil, fmt.Errorf("unlink a temporary file: %w", err)
	}
	return f, nil
}
