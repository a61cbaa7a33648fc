package analyze

import (
	"bytes"
	"fmt"
	"io"
	"math/bits"
	"os"
	"sync"

	"plimsoll/scratch"
)

// inMemory is the size up to which a wanted file is kept in memory, in bytes. Larger ones
// are written to an unnamed temporary file.
const inMemory = 8 << 20

// buffers are reused by the runs of a process.
type buffers struct {
	head  [HeadBytes]byte
	chunk [64 << 10]byte
	file  []byte // a whole file of up to inMemory bytes; grows

	member []byte // inMemory bytes of a member of an archive; nil until there is one

	spilled *os.File // content that is too large for file; the next content overwrites it, because a new file's pages cost more than the copy
}

var bufferPool = sync.Pool{New: func() any { return new(buffers) }}

// content is a whole file that can be read at any place.
type content struct {
	io.ReaderAt
	size  int64
	bytes []byte   // nil if not in memory
	file  *os.File // that close closes; nil = none
}

func contentOf(whole []byte) *content {
	return &content{ReaderAt: bytes.NewReader(whole), size: int64(len(whole)), bytes: whole}
}

// end frees the disk space of large files.
func (b *buffers) end() {
	if b.spilled != nil && b.spilled.Truncate(0) != nil {
		b.spilled.Close() //nolint:errcheck // it has no name: its space is freed
		b.spilled = nil
	}
}

func (c *content) close() {
	if c != nil && c.file != nil {
		c.file.Close() //nolint:errcheck // the file has no name and nothing to flush to
	}
}

// keep reads a file after its head to its end, and hashes it. size is the size in the archive's
// header. With own, the content stays valid after the next file is read.
func (r *Run) keep(head []byte, in io.Reader, size int64, own bool) (*content, error) {
	if size > inMemory {
		return r.spill(head, in, own)
	}
	whole := r.buffers.file
	switch {
	case own:
		whole = make([]byte, size)
	case int64(cap(whole)) < size:
		whole = make([]byte, 1<<bits.Len64(uint64(size-1))) // at most inMemory; a power of two, so that it seldom grows
		r.buffers.file = whole
	}
	whole = whole[:size]
	n := copy(whole, head)
	if n == len(whole) {
		r.hits.search(whole)
	}
	for searched := 0; n < len(whole); searched = n {
		more, err := io.ReadFull(in, whole[n:min(n+len(r.buffers.chunk), len(whole))])
		r.hash.Write(whole[n : n+more])
		r.hits.search(whole[searched : n+more]) // while it is in the processor's cache
		if n += more; err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil, fmt.Errorf("file is %d bytes, not %d", n, size)
		}
		if err != nil {
			return nil, err
		}
	}
	return contentOf(whole), nil
}

// spill keeps a file in a temporary file.
func (r *Run) spill(head []byte, in io.Reader, own bool) (*content, error) {
	f, err := r.spillFile(own)
	if err != nil {
		return nil, err
	}
	size := int64(len(head))
	r.hits.search(head)
	if _, err = f.WriteAt(head, 0); err == nil {
		var more int64
		more, err = r.pass(in, io.NewOffsetWriter(f, size))
		size += more
	}
	c := &content{ReaderAt: io.NewSectionReader(f, 0, size), size: size}
	if own {
		c.file = f
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// spillFile returns a temporary file: a new one with own, else the one that all contents share.
func (r *Run) spillFile(own bool) (*os.File, error) {
	if !own && r.buffers.spilled != nil {
		return r.buffers.spilled, nil
	}
	f, err := scratch.File()
	if err == nil && !own {
		r.buffers.spilled = f
	}
	return f, err
}
