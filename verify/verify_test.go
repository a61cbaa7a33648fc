package verify_test

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"plimsoll"
	"plimsoll/verify"
)

func TestReader(t *testing.T) {
	const text = "the bytes of a layer"
	want := plimsoll.Descriptor{Digest: plimsoll.DigestOf([]byte(text)), Size: int64(len(text))}
	tests := []struct {
		name, text string
		size       int64
		ok         bool
		handed     string
	}{
		{"same", text, want.Size, true, text},
		{"short", text[:5], want.Size, false, text[:5]},
		{"long", text + "!", want.Size, false, text},
		{"other", strings.ToUpper(text), want.Size, false, strings.ToUpper(text)},
		{"size too small", text, 3, false, text[:3]},
		{"negative size", text, -1, false, ""},
	}
	readers := map[string]func(io.Reader) io.Reader{"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader, "eof with data": iotest.DataErrReader}
	for _, tt := range tests {
		for how, wrap := range readers {
			r := verify.Reader(wrap(strings.NewReader(tt.text)), plimsoll.Descriptor{Digest: want.Digest, Size: tt.size})
			got, err := io.ReadAll(r)
			if string(got) != tt.handed || (err == nil) != tt.ok {
				t.Errorf("%s, %s: %q, %v", tt.name, how, got, err)
			}
			if !tt.ok && plimsoll.FailureOf(err) != plimsoll.FailureDownload {
				t.Errorf("%s, %s: failure %s", tt.name, how, plimsoll.FailureOf(err))
			}
			if _, again := r.Read(make([]byte, 1)); !tt.ok && again != err {
				t.Errorf("%s, %s: the error does not stay: %v", tt.name, how, again)
			}
		}
	}
}
