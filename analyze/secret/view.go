package secret

import (
	"errors"
	"io"
)

// viewBytes is how much of a file that is not in memory is held at a time.
const viewBytes = 64 << 10

// view gives parts of a file as slices. Hits come mostly in order, so one part is kept.
type view struct {
	content io.ReaderAt
	size    int64
	held    []byte
	at      int64 // offset of held
	all     bool  // held is the whole file
}

func viewOf(text []byte) view { return view{size: int64(len(text)), held: text, all: true} }

// slice returns up to n bytes at an offset, fewer at the file's end. It is valid until the next call.
func (v *view) slice(at int64, n int) ([]byte, error) {
	if at >= v.size {
		return nil, nil
	}
	end := min(v.size, at+int64(n))
	if at < v.at || end > v.at+int64(len(v.held)) {
		if err := v.load(at, int(end-at)); err != nil {
			return nil, err
		}
	}
	return v.held[at-v.at : end-v.at], nil
}

func (v *view) load(at int64, n int) error {
	if cap(v.held) == 0 {
		v.held = make([]byte, 0, viewBytes)
	}
	want := int(min(v.size-at, int64(max(n, viewBytes))))
	if cap(v.held) < want {
		v.held = make([]byte, 0, want)
	}
	got, err := v.content.ReadAt(v.held[:want], at)
	v.held, v.at = v.held[:got], at
	if got < n {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		v.held = v.held[:0]
		return err
	}
	return nil
}

// whole returns the file's first bytes, up to n, in memory of their own.
func (v *view) whole(n int) ([]byte, error) {
	if v.all {
		return v.held[:min(len(v.held), n)], nil
	}
	b := make([]byte, min(v.size, int64(n)))
	got, err := v.content.ReadAt(b, 0)
	if errors.Is(err, io.EOF) && got == len(b) {
		err = nil
	}
	return b[:got], err
}
