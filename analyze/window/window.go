// Package window gives parts of a file as slices: of a file in memory without a copy, of
// any other through a buffer of bounded size. Engines that check what a literal filter
// found use it to look around a place.
package window

import (
	"errors"
	"io"
)

const (
	held  = 16 << 10 // bytes of a file that are held at a time
	ahead = 2 << 10  // of them before the place that is asked for, because checks look back too
)

// Window is a file of which a part is at hand. It is not safe for concurrent use.
type Window struct {
	content io.ReaderAt
	size    int64
	part    []byte
	at      int64 // offset of part
}

// New opens a window on a file of size bytes.
func New(content io.ReaderAt, size int64) *Window { return &Window{content: content, size: size} }

// Of opens a window on a file that is in memory.
func Of(text []byte) *Window { return &Window{size: int64(len(text)), part: text} }

// Size is the length of the file in bytes.
func (w *Window) Size() int64 { return w.size }

// Slice returns up to n bytes at an offset, fewer at the file's end, none outside of it.
// They are valid until the next call.
func (w *Window) Slice(at int64, n int) ([]byte, error) {
	if at < 0 || at >= w.size || n <= 0 {
		return nil, nil
	}
	end := min(w.size, at+int64(n))
	if at < w.at || end > w.at+int64(len(w.part)) {
		if err := w.load(at, end); err != nil {
			return nil, err
		}
	}
	return w.part[at-w.at : end-w.at], nil
}

func (w *Window) load(at, end int64) error {
	if w.content == nil {
		return io.ErrUnexpectedEOF
	}
	start := max(0, min(at, end-1, at-ahead))
	stop := min(w.size, max(end, start+held))
	if int64(cap(w.part)) < stop-start {
		w.part = make([]byte, stop-start)
	}
	n, err := w.content.ReadAt(w.part[:stop-start], start)
	w.part, w.at = w.part[:n], start
	if start+int64(n) >= end {
		return nil
	}
	w.part = w.part[:0]
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}
