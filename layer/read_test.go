package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"plimsoll"
)

func archiveOf(t testing.TB, headers ...*tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range headers {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(w, zeros{}, h.Size); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func file(name string, size int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644}
}

func gz(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zst(t testing.TB, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(b, nil)
}

// small is a budget that tests can exceed.
func small() plimsoll.Budget {
	b := plimsoll.DefaultBudget()
	b.LayerEntries, b.ImageUnpacked, b.RatioGrace, b.Ratio = 100, 8<<20, 64<<10, 20
	return b
}

func readAll(e plimsoll.Entry, r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

func TestReadSumsAreOverEverything(t *testing.T) {
	plain := archiveOf(t, file("./a", 10), file("/b/c", 20))
	padded := append(bytes.Clone(plain), make([]byte, 20000)...)
	half := len(plain) / 2
	tests := map[string]struct{ blob, plain []byte }{
		"plain":           {plain, plain},
		"padded":          {padded, padded},
		"gzip":            {gz(t, padded), padded},
		"gzip, 2 members": {append(gz(t, plain[:half]), gz(t, plain[half:])...), plain},
		"gzip, padding in a member of its own": {
			append(gz(t, plain), gz(t, make([]byte, 512))...), append(bytes.Clone(plain), make([]byte, 512)...)},
		"zstd":              {zst(t, padded), padded},
		"zstd, 2 frames":    {append(zst(t, plain[:half]), zst(t, plain[half:])...), plain},
		"garbage after end": {append(bytes.Clone(plain), "more"...), append(bytes.Clone(plain), "more"...)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var paths []string
			got, err := Read(t.Context(), iotest.HalfReader(bytes.NewReader(test.blob)),
				Options{CompressedSize: int64(len(test.blob)), Budget: plimsoll.DefaultBudget()},
				func(e plimsoll.Entry, r io.Reader) error {
					paths = append(paths, e.Path+" "+strconv.FormatInt(e.Size, 10))
					return nil
				})
			if err != nil {
				t.Fatal(err)
			}
			want := Sums{Size: int64(len(test.blob)),
				DiffID: plimsoll.DigestOf(test.plain), Unpacked: int64(len(test.plain)), Entries: 2}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"a 10", "b/c 20"}, paths); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadOfBytesThatDoNotAllArrive(t *testing.T) {
	plain := archiveOf(t, file("a", 100_000))
	broken := errors.New("connection reset")
	coded := plimsoll.Fail(plimsoll.FailureAuth, plimsoll.Errorf(plimsoll.Forbidden, "token expired"))
	for name, blob := range map[string][]byte{"plain": plain, "gzip": gz(t, plain), "zstd": zst(t, plain)} {
		for cutAt := range len(blob) {
			if cutAt > 40 && cutAt < len(blob)-40 && cutAt%997 != 0 {
				continue
			}
			_, err := Read(t.Context(), bytes.NewReader(blob[:cutAt]), Options{CompressedSize: int64(len(blob)), Budget: plimsoll.DefaultBudget()}, readAll)
			if !errors.Is(err, ErrTruncated) || plimsoll.FailureOf(err) != plimsoll.FailureDownload {
				t.Fatalf("%s cut at %d of %d: %q %v", name, cutAt, len(blob), plimsoll.FailureOf(err), err)
			}
		}
		failing := io.MultiReader(bytes.NewReader(blob[:len(blob)/2]), iotest.ErrReader(broken))
		_, err := Read(t.Context(), failing, Options{Budget: plimsoll.DefaultBudget()}, readAll)
		if !errors.Is(err, broken) || plimsoll.FailureOf(err) != plimsoll.FailureDownload {
			t.Errorf("%s: %q %v", name, plimsoll.FailureOf(err), err)
		}
		failing = io.MultiReader(bytes.NewReader(blob[:len(blob)/2]), iotest.ErrReader(coded))
		if _, err := Read(t.Context(), failing, Options{Budget: plimsoll.DefaultBudget()}, readAll); plimsoll.FailureOf(err) != plimsoll.FailureAuth {
			t.Errorf("%s: the code of the reader is lost: %v", name, err)
		}
		if _, err := Read(t.Context(), bytes.NewReader(blob), Options{CompressedSize: int64(len(blob)) - 1, Budget: plimsoll.DefaultBudget()}, readAll); !errors.Is(err, ErrSize) {
			t.Errorf("%s: a blob that is too long: %v", name, err)
		}
	}
}

func TestReadEntries(t *testing.T) {
	blob := archiveOf(t,
		&tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "x"}},
		&tar.Header{Typeflag: tar.TypeDir, Name: "./"},
		&tar.Header{Typeflag: tar.TypeDir, Name: "./usr//./bin/", Mode: 0o1777},
		&tar.Header{Typeflag: tar.TypeReg, Name: "/usr/bin/su", Mode: 0o4755, Uid: 3, Gid: 4, Size: 5},
		&tar.Header{Typeflag: tar.TypeSymlink, Name: "bin", Linkname: "../../usr/bin"},
		&tar.Header{Typeflag: tar.TypeLink, Name: "hard", Linkname: "/usr/bin/su"},
		&tar.Header{Typeflag: tar.TypeChar, Name: "dev/null", Devmajor: 1, Devminor: 3},
		&tar.Header{Typeflag: tar.TypeFifo, Name: "pipe"},
		&tar.Header{Typeflag: tar.TypeCont, Name: "cont", Mode: 0o600},
		&tar.Header{Typeflag: tar.TypeReg, Name: "bad\xff"},
		&tar.Header{Typeflag: tar.TypeReg, Name: "bad\xfe"},
		&tar.Header{Typeflag: tar.TypeReg, Name: "bad\uFFFDff"},
	)
	var got []plimsoll.Entry
	sums, err := Read(t.Context(), bytes.NewReader(blob), Options{Budget: plimsoll.DefaultBudget()}, func(e plimsoll.Entry, r io.Reader) error {
		got = append(got, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []plimsoll.Entry{
		{Path: "usr/bin", Type: plimsoll.EntryDir, Mode: 0o1777},
		{Path: "usr/bin/su", Type: plimsoll.EntryFile, Mode: 0o4755, UID: 3, GID: 4, Size: 5},
		{Path: "bin", Type: plimsoll.EntrySymlink, Link: "../../usr/bin"},
		{Path: "hard", Type: plimsoll.EntryHardlink, Link: "usr/bin/su"},
		{Path: "dev/null", Type: plimsoll.EntryOther},
		{Path: "pipe", Type: plimsoll.EntryOther},
		{Path: "cont", Type: plimsoll.EntryFile, Mode: 0o600},
		{Path: "bad\uFFFDff", Type: plimsoll.EntryFile},
		{Path: "bad\uFFFDfe", Type: plimsoll.EntryFile},
		{Path: "bad\uFFFD--ff", Type: plimsoll.EntryFile},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if sums.Entries != len(want) {
		t.Errorf("%d entries", sums.Entries)
	}
}

func TestReadStops(t *testing.T) {
	blob := gz(t, archiveOf(t, file("a", 1<<20), file("b", 1)))
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Read(ctx, bytes.NewReader(blob), Options{Budget: plimsoll.DefaultBudget()}, func(plimsoll.Entry, io.Reader) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	mine := errors.New("enough")
	_, err = Read(t.Context(), bytes.NewReader(blob), Options{Budget: plimsoll.DefaultBudget()}, func(plimsoll.Entry, io.Reader) error { return mine })
	if err != mine {
		t.Errorf("visitor's error: %v", err)
	}
	if _, err = Read(t.Context(), bytes.NewReader(blob), Options{MediaType: "application/vnd.oci.image.layer.v1.tar+gzip+encrypted", Budget: small()}, readAll); !errors.Is(err, ErrEncrypted) {
		t.Errorf("encrypted: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	plain := archiveOf(f, file("./a", 10), &tar.Header{Typeflag: tar.TypeSymlink, Name: "l", Linkname: "/a"})
	f.Add(plain)
	f.Add(gz(f, plain))
	f.Add(zst(f, plain))
	f.Add([]byte{0x1f, 0x8b})
	f.Fuzz(func(t *testing.T, blob []byte) {
		sums, err := Read(t.Context(), bytes.NewReader(blob), Options{CompressedSize: int64(len(blob)), Budget: small()}, func(e plimsoll.Entry, r io.Reader) error {
			for _, s := range strings.Split(e.Path, "/") {
				if s == "" || s == "." || s == ".." || strings.ContainsRune(s, 0) {
					t.Errorf("path %q", e.Path)
				}
			}
			return readAll(e, r)
		})
		if err == nil && (sums.Size != int64(len(blob))) {
			t.Errorf("sums %+v of %d bytes", sums, len(blob))
		}
		if err != nil && plimsoll.FailureOf(err) == plimsoll.FailureUnknown {
			t.Errorf("no failure code: %v", err)
		}
	})
}

// BenchmarkRead prints unpacked MB/s of layers that decompress quickly: most of the time is Read's own.
func BenchmarkRead(b *testing.B) {
	plain := archiveOf(b, file("a", 16<<20), file("b", 16<<20))
	for name, blob := range map[string][]byte{"plain": plain, "zstd": zst(b, plain)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(plain)))
			for b.Loop() {
				if _, err := Read(context.Background(), bytes.NewReader(blob), Options{Budget: plimsoll.DefaultBudget()}, readAll); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
