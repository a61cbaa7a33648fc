package window

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

func TestSliceEqualsTheFile(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, 3*loadSize+17)
	for i := range text {
		text[i] = byte(r.Uint32())
	}
	for _, w := range []*Window{NewBytes(text), New(bytes.NewReader(text), int64(len(text)))} {
		for range 2000 {
			at, n := r.IntN(len(text)+100)-50, r.IntN(2*loadSize)
			if r.IntN(2) == 0 {
				n %= 600
			}
			var want []byte
			if at >= 0 && at < len(text) {
				want = text[at:min(len(text), at+n)]
			}
			got, err := w.Slice(int64(at), n)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("Slice(%d, %d) has %d bytes, not %d: %v", at, n, len(got), len(want), err)
			}
		}
	}
}

func TestFileShorterThanItSays(t *testing.T) {
	w := New(bytes.NewReader(make([]byte, 100)), 200)
	if b, err := w.Slice(0, 100); len(b) != 100 || err != nil {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if _, err := w.Slice(90, 50); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v", err)
	}
}
