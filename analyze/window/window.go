// Package window returns parts of a file as slices: of a file in memory without a copy, of any other file through a
// buffer of bounded size. Engines that check the hits of a literal filter use it to read around a hit.
package window

import (
	"errors"
	"io"
)

const (
	loadSize   = 16 << 10 // bytes of a file that are loaded at a time
	lookBehind = 2 << 10  // bytes of them before the requested offset, because checks also look back
)

// Window is a view of a file of which a part is in memory. It is not safe for concurrent use.
type Window struct {
	content  io.ReaderAt
	size     int64
	loaded   []byte
	loadedAt int64 // offset of loaded
}

// New returns a window on a file of size bytes.
func New(content io.ReaderAt, size int64) *Window { return &Window{content: content, size: size} }

// NewBytes returns a window on a file in memory.
func NewBytes(text []byte) *Window { return &Window{size: int64(len(text)), loaded: text} }

// Size returns the length of the file in bytes.
func (w *Window) Size() int64 { return w.size }

// Slice returns up to n bytes at an offset, fewer at the end of the file, none outside of it. The slice is valid until
// the next call.
func (w *Window) Slice(at int64, n int) ([]byte, error) {
	if at < 0 || at >= w.size || n <= 0 {
		return nil, nil
	}
	end := min(w.size, at+int64(n))
	if at < w.loadedAt || end > w.loadedAt+int64(len(w.loaded)) {
		if err := w.loadAround(at, end); err != nil {
			return nil, err
		}
	}
	return w.loaded[at-w.loadedAt : end-w.loadedAt], nil
}

func (w *Window) loadAround(at, end int64) error {
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
