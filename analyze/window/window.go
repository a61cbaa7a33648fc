// Package window gives parts of a file as slices: of a file in memory without a copy, of
// any other through a buffer of bounded size. Engines that check what a literal filter
// found use it to look around a place.
package window

import (
	"errors"
	"io"
)

const (
	loadSize   = 16 << 10 // bytes of a file that are held at a time
	lookBehind = 2 << 10  // of them before the place that is asked for, because checks look back too
)

// Window is a file of which a part is at hand. It is not safe for concurrent use.
type Window struct {
	content  io.ReaderAt
	size     int64
	loaded   []byte
	loadedAt int64 // offset of part
}

// New opens a window on a file of size bytes.
func New(content io.ReaderAt, size int64) *Window { return &Window{content: content, size: size} }

// NewBytes opens a window on a file that is in memory.
func NewBytes(text []byte) *Window { return &Window{size: int64(len(text)), loaded: text} }

// Size is the length of the file in bytes.
func (w *Window) Size() int64 { return w.size }

// Slice returns up to n bytes at an offset, fewer at the file's end, none outside of it.
// They are valid until the next call.
func (w *Window) Slice(at int64, n int) ([]byte, error) {
	if at < 0 || at >= w.size || n <= 0 {
		return nil, nil
	}
	end := min(w.size, at+int64(n))
	if at < w.loadedAt || end > w.loadedAt+int64(len(w.loaded)) {
		if err := w.load(at, end); err != nil {
			return nil, err
		}
	}
	return w.loaded[at-w.loadedAt : end-w.loadedAt], nil
}

func (w *Window) load(at, end int64) error {
	if w.content == nil {
		return io.ErrUnexpectedEOF
	}
	start := max(0, min(at, end-1, at-lookBehind))
	stop := min(w.size, max(end, start+loadSize))
	if int64(cap(w.loaded)) < stop-start {
		w.loaded = make([]byte, stop-start)
	}
	n, err := w.content.ReadAt(w.loaded[:stop-start], start)
	w.loaded, w.loadedAt = w.loaded[:n], start
	if start+int64(n) >= end {
		return nil
	}
	w.loaded = w.loaded[:0]
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}
