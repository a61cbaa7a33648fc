package bundle

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"plimsoll"
)

// TestBomb unpacks to more than any bundle may.
func TestBomb(t *testing.T) {
	var out bytes.Buffer
	enc, err := zstd.NewWriter(&out, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(enc)
	if err := w.WriteHeader(&tar.Header{Name: manifestName, Size: 2 << 30, Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(w, zeros{}, maxManifest+1<<20); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Flush(), enc.Close()); err == nil {
		t.Fatal("the tar is whole")
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := unpackBundle(t.Context(), &out, int64(out.Len()), t.TempDir(), Trust{Unsigned: true}); !errors.Is(err, ErrBomb) {
		t.Errorf("a large manifest: %v", err)
	}
	l := &meteredReader{r: zeros{}, u: &unpacker{left: 10}}
	if _, err := io.Copy(io.Discard, l); !errors.Is(err, ErrBomb) {
		t.Errorf("more than allowed: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func FuzzRead(f *testing.F) {
	f.Add(writeBundle(f, filledStore(f), nil))
	f.Add([]byte(zstdMagic))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := unpackBundle(t.Context(), bytes.NewReader(raw), int64(len(raw)), t.TempDir(), Trust{Unsigned: true})
		if err != nil {
			if plimsoll.ErrorCode(err) == plimsoll.Internal {
				t.Error(err)
			}
			return
		}
		for _, feed := range b.Manifest.Feeds {
			if !strings.HasPrefix(feed.File, b.dir) {
				t.Errorf("a feed at %s", feed.File)
			}
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
}

func FuzzLines(f *testing.F) {
	f.Add([]byte(`{"file":"a.json","sha256":"` + strings.Repeat("0a", 32) + `","record":{"id":"A-1"}}` + "\n"))
	f.Add([]byte(`{"cve":"CVE-2026-0001","epss":7}` + "\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		files, err := readRecords(bytes.NewReader(raw), bytes.NewReader(raw))
		for _, file := range files {
			r, err := file.Open()
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || int64(len(got)) != file.Size {
				t.Errorf("%d bytes of %d, %v", len(got), file.Size, err)
			}
		}
		if c := plimsoll.ErrorCode(err); err != nil && c != plimsoll.Invalid && c != plimsoll.TooLarge {
			t.Errorf("code %q: %v", c, err)
		}
		if _, err := readThreats(bytes.NewReader(raw)); err != nil && plimsoll.ErrorCode(err) != plimsoll.Invalid {
			t.Error(err)
		}
	})
}
