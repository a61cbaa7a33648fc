package scan_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/analyze/all"
	"plimsoll/analyze/packages"
	"plimsoll/layer"
	"plimsoll/scan"
)

// entry is one entry of a layer in these tests.
type entry struct {
	name string
	kind byte // 0 = regular
	mode int64
	link string
	body string
}

func archive(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Mode: e.mode, Linkname: e.link, Size: int64(len(e.body))}
		if e.kind == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func gzipped(t testing.TB, b []byte) []byte {
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

func analyzers(t testing.TB) []analyze.Analyzer {
	t.Helper()
	list, err := all.Analyzers(all.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// pass reads a blob, twice if asked to.
func pass(t testing.TB, blob []byte, budget plimsoll.Budget) scan.PassResult {
	t.Helper()
	var unpacked atomic.Int64
	req := scan.PassRequest{CompressedSize: int64(len(blob)), Analyzers: analyzers(t), Budget: budget, Unpacked: &unpacked}
	res, err := scan.Pass(t.Context(), bytes.NewReader(blob), req)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.NeedAliases) > 0 {
		req.Aliases = res.NeedAliases
		if res, err = scan.Pass(t.Context(), bytes.NewReader(blob), req); err != nil {
			t.Fatal(err)
		}
		if len(res.NeedAliases) > 0 {
			t.Fatalf("the second read asks again: %v", res.NeedAliases)
		}
	}
	if unpacked.Load() != res.Unpacked {
		t.Errorf("shared counter is %d after a layer of %d", unpacked.Load(), res.Unpacked)
	}
	return res
}

func TestPassSetsSumsAndDiffID(t *testing.T) {
	plain := archive(t, entry{name: "./a", body: "x"})
	blob := gzipped(t, plain)
	got := pass(t, blob, plimsoll.DefaultBudget())
	want := layer.Sums{
		Size:   int64(len(blob)),
		DiffID: plimsoll.DigestOf(plain), Unpacked: int64(len(plain)), Entries: 1,
	}
	if diff := cmp.Diff(want, got.Sums); diff != "" {
		t.Error(diff)
	}
	for _, r := range got.Reports {
		if r.DiffID != want.DiffID {
			t.Errorf("%s: diff ID %s", r.Analyzer.Name, r.DiffID)
		}
		if r.Tree != nil && r.Tree.Unpacked != want.Unpacked {
			t.Errorf("tree says %d bytes", r.Tree.Unpacked)
		}
	}
}

const statusStanza = "Package: curl\nStatus: install ok installed\nVersion: 7.88\nArchitecture: amd64\n\n"

func TestOnlyWantedFilesMeetTheFileBudget(t *testing.T) {
	budget := plimsoll.DefaultBudget()
	budget.WantedFile = 100
	big := strings.Repeat(statusStanza, 10)
	got := pass(t, archive(t, entry{name: "var/lib/dpkg/status", body: big}, entry{name: "opt/big", body: big}), budget)
	for _, r := range got.Reports {
		var want []plimsoll.FileFailure
		if r.Analyzer.Name == packages.Name {
			want = []plimsoll.FileFailure{{Path: "var/lib/dpkg/status", Code: plimsoll.FailureOversized, Detail: "file of 780 bytes is over the budget of 100"}}
		}
		if diff := cmp.Diff(want, r.Failures); diff != "" {
			t.Errorf("%s: %s", r.Analyzer.Name, diff)
		}
	}
}

// bigLayer is a gzip'd layer of files that compress about as well as programs do.
func bigLayer(b *testing.B, size int) []byte {
	b.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	body := make([]byte, 40<<10)
	seed := sha256.Sum256(nil)
	for n := 0; n < size; n += len(body) {
		for i := 0; i < len(body); i += 64 {
			seed = sha256.Sum256(seed[:])
			copy(body[i:], seed[:])
			copy(body[i+32:], "the quick brown fox jumps over  ")
		}
		name := "usr/lib/x86_64-linux-gnu/part/" + plimsoll.DigestFrom(seed).Hex()
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(body))}); err != nil {
			b.Fatal(err)
		}
		if _, err := w.Write(body); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	if err := z.Close(); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

// BenchmarkPass prints unpacked MB/s of the floor (decompress, read the archive, SHA-256 of
// the blob, the archive and every file) and of the whole pass.
func BenchmarkPass(b *testing.B) {
	const size = 64 << 20
	blob := bigLayer(b, size)
	list := analyzers(b)
	b.Run("floor", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			floor(b, blob)
		}
	})
	b.Run("pass", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			req := scan.PassRequest{CompressedSize: int64(len(blob)), Analyzers: list, Budget: plimsoll.DefaultBudget()}
			if _, err := scan.Pass(context.Background(), bytes.NewReader(blob), req); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func floor(b *testing.B, blob []byte) {
	compressed, plain, file := sha256.New(), sha256.New(), sha256.New()
	z, err := gzip.NewReader(io.TeeReader(bytes.NewReader(blob), compressed))
	if err != nil {
		b.Fatal(err)
	}
	r := io.TeeReader(z, plain)
	files := tar.NewReader(r)
	for {
		if _, err := files.Next(); err == io.EOF {
			break
		} else if err != nil {
			b.Fatal(err)
		}
		file.Reset()
		if _, err := io.Copy(file, files); err != nil {
			b.Fatal(err)
		}
		file.Sum(nil)
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		b.Fatal(err)
	}
}
