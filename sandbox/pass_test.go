package sandbox

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/analyze/all"
	"plimsoll/scan"
)

func realAnalyzers(t testing.TB) []analyze.Analyzer {
	t.Helper()
	list, err := all.Analyzers(all.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// archive packs files, hard links ("path => target") and whatever else a header can be.
func archive(t rapid.TB, headers []tar.Header, bodies []string) []byte {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for i, h := range headers {
		h.Size = int64(len(bodies[i]))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, bodies[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func gzipped(t rapid.TB, plain []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write(plain)
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstandard(t rapid.TB, plain []byte) []byte {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return z.EncodeAll(plain, nil)
}

// drawLayer composes a layer of files that analyzers want, links and markers.
func drawLayer(t *rapid.T) []byte {
	paths := []string{
		"etc/passwd", "etc/shadow", "etc/os-release", "usr/lib/os-release", "var/lib/dpkg/status", "lib/apk/db/installed",
		"app/eicar", "etc/.wh.passwd", "var/lib/.wh..wh..opq", "bin/su", "caf\xe9/x", "a b\n\x1b", "deep/" + strings.Repeat("d/", 30) + "x",
	}
	bodies := []string{
		"", "root:x:0:0::/root:/bin/sh\n", "root::1::::::\n", "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n",
		"Package: bash\nStatus: install ok installed\nVersion: 5.2-1\nArchitecture: amd64\nSource: bash\n\n",
		"P:musl\nV:1.2.5-r0\nA:x86_64\no:musl\n\n", "Package: \xff\xfe broken", `X5O!P%@AP[4\PZX54(P^)7CC)7}$` + `EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`,
		strings.Repeat("large ", 1_000_000),
	}
	var headers []tar.Header
	var contents []string
	for range rapid.IntRange(0, 12).Draw(t, "entries") {
		h := tar.Header{
			Name: rapid.SampledFrom(paths).Draw(t, "path"), Mode: rapid.SampledFrom([]int64{0o644, 0o4755, 0o777}).Draw(t, "mode"),
			Typeflag: rapid.SampledFrom([]byte{tar.TypeReg, tar.TypeReg, tar.TypeReg, tar.TypeDir, tar.TypeSymlink, tar.TypeLink}).Draw(t, "type"),
		}
		body := ""
		switch h.Typeflag {
		case tar.TypeReg:
			body = rapid.SampledFrom(bodies).Draw(t, "body")
		case tar.TypeSymlink, tar.TypeLink:
			h.Linkname = rapid.SampledFrom(paths).Draw(t, "target")
		}
		headers, contents = append(headers, h), append(contents, body)
	}
	return archive(t, headers, contents)
}

// TestSameReports compares passes in a child with passes in this process: the same sums,
// reports and aliases, or the same error.
func TestSameReports(t *testing.T) {
	p := newTestPool(t, "analyzers", roomy)
	analyzers := realAnalyzers(t)
	rapid.Check(t, func(t *rapid.T) {
		blob := drawLayer(t)
		switch rapid.SampledFrom([]string{"plain", "gzip", "zstd", "cut", "noise"}).Draw(t, "form") {
		case "gzip":
			blob = gzipped(t, blob)
		case "zstd":
			blob = zstandard(t, blob)
		case "cut":
			blob = gzipped(t, blob)
			blob = blob[:rapid.IntRange(0, len(blob)-1).Draw(t, "length")]
		case "noise":
			blob = rapid.SliceOfN(rapid.Byte(), 0, 2000).Draw(t, "noise")
		}
		budget := plimsoll.DefaultBudget()
		budget.LayerEntries = rapid.SampledFrom([]int{5, 1000}).Draw(t, "entry budget")
		budget.ImageUnpacked = rapid.SampledFrom([]int64{10_000, 1 << 30}).Draw(t, "unpacked budget")
		here, there := counted{}, counted{}
		base := rapid.Int64Range(0, 5000).Draw(t, "unpacked before")
		here.unpacked.Store(base)
		there.unpacked.Store(base)
		req := scan.PassRequest{CompressedSize: int64(len(blob)), Analyzers: analyzers, Budget: budget}
		for {
			req.Unpacked = &here.unpacked
			want, wantErr := scan.Pass(t.Context(), bytes.NewReader(blob), req)
			req.Unpacked = &there.unpacked
			got, gotErr := scan.ConfinedPass(p.Run)(t.Context(), bytes.NewReader(blob), req)
			if diff := cmp.Diff(texts(wantErr), texts(gotErr)); diff != "" {
				t.Fatal(diff)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatal(diff)
			}
			if h, o := here.unpacked.Load(), there.unpacked.Load(); h != o {
				t.Fatalf("the image's count is %d in a child and %d here", o, h)
			}
			if len(want.NeedAliases) == 0 || req.Aliases != nil {
				return
			}
			req.Aliases = want.NeedAliases
		}
	})
}

type counted struct{ unpacked atomic.Int64 }

// texts is what of an error must be the same.
func texts(err error) []string {
	if err == nil {
		return nil
	}
	return []string{string(plimsoll.FailureOf(err)), string(plimsoll.ErrorCode(err)), plimsoll.ErrorHint(err), cleanText(err.Error(), maxText)}
}

// TestSourceErrors has the same errors of a blob's source in a child and here.
func TestSourceErrors(t *testing.T) {
	p := newTestPool(t, "analyzers", roomy)
	req := scan.PassRequest{Analyzers: realAnalyzers(t), Budget: plimsoll.DefaultBudget()}
	head := archive(t, []tar.Header{{Name: "x", Typeflag: tar.TypeReg, Mode: 0o644}}, []string{strings.Repeat("x", 1<<20)})[:1<<19]
	for _, broken := range []error{
		errors.New("connection reset"),
		plimsoll.Fail(plimsoll.FailureAuth, plimsoll.Errorf(plimsoll.Forbidden, "the registry says no")),
	} {
		source := func() io.Reader { return io.MultiReader(bytes.NewReader(head), &failing{broken}) }
		_, want := scan.Pass(t.Context(), source(), req)
		_, got := scan.ConfinedPass(p.Run)(t.Context(), source(), req)
		if diff := cmp.Diff(texts(want), texts(got)); diff != "" || !errors.Is(got, broken) {
			t.Errorf("%s %v", diff, got)
		}
	}
}

// TestImageBudgetOverChildren has two layers of an image in two children that are over its
// budget together, and neither alone.
func TestImageBudgetOverChildren(t *testing.T) {
	p := newTestPool(t, "analyzers", roomy)
	blob := archive(t, []tar.Header{{Name: "x", Typeflag: tar.TypeReg, Mode: 0o644}}, []string{strings.Repeat("x", 4<<20)})
	req := scan.PassRequest{Analyzers: realAnalyzers(t), Budget: plimsoll.DefaultBudget(), Unpacked: new(atomic.Int64)}
	req.Budget.ImageUnpacked = 6 << 20
	ended := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := scan.ConfinedPass(p.Run)(t.Context(), bytes.NewReader(blob), req)
			ended <- err
		}()
	}
	err := errors.Join(<-ended, <-ended)
	if plimsoll.FailureOf(err) != plimsoll.FailureOversized {
		t.Errorf("%v", err)
	}
	if n := req.Unpacked.Load(); n > req.Budget.ImageUnpacked {
		t.Errorf("a pass that failed left %d bytes counted", n)
	}
}

// TestAnotherAnalyzerIsRefused: a child must not answer for an analyzer that it is not.
func TestAnotherAnalyzerIsRefused(t *testing.T) {
	p := newTestPool(t, "boom", nil)
	req := scan.PassRequest{Analyzers: realAnalyzers(t), Budget: plimsoll.DefaultBudget()}
	blob := archive(t, []tar.Header{{Name: "x", Typeflag: tar.TypeReg}}, []string{"x"})
	if _, err := scan.ConfinedPass(p.Run)(t.Context(), bytes.NewReader(blob), req); err == nil || !strings.Contains(err.Error(), "reports of an analysing process") {
		t.Error(err)
	}
}

// BenchmarkPass compares a pass over a small layer, and over one of 64 MiB that does not
// compress, in a warm child and in this process.
func BenchmarkPass(b *testing.B) {
	random := make([]byte, 64<<20)
	source := rand.NewChaCha8([32]byte{})
	source.Read(random)
	small := gzipped(b, archive(b, []tar.Header{{Name: "etc/passwd", Typeflag: tar.TypeReg}}, []string{"root:x:0:0::/root:/bin/sh\n"}))
	plain := archive(b, []tar.Header{{Name: "data", Typeflag: tar.TypeReg}}, []string{string(random)})
	p := newTestPool(b, "analyzers", roomy)
	req := scan.PassRequest{Analyzers: realAnalyzers(b), Budget: plimsoll.DefaultBudget()}
	for _, blob := range []struct {
		name string
		raw  []byte
	}{{"small", small}, {"64MiB", plain}, {"64MiB-gzip", gzipped(b, plain)}} {
		took := map[string]float64{}
		for _, where := range []string{"here", "child"} {
			b.Run(fmt.Sprintf("%s/%s", blob.name, where), func(b *testing.B) {
				pass := scan.Pass
				if where == "child" {
					pass = scan.ConfinedPass(p.Run)
				}
				b.SetBytes(int64(len(blob.raw)))
				for b.Loop() {
					if _, err := pass(b.Context(), bytes.NewReader(blob.raw), req); err != nil {
						b.Fatal(err)
					}
				}
				took[where] = float64(b.Elapsed()) / float64(b.N)
				if took["here"] > 0 && where == "child" {
					b.ReportMetric(took["child"]/took["here"], "times-here")
				}
			})
		}
	}
}

// BenchmarkStart is the time from nothing to a child that is ready.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		p := newTestPool(b, "analyzers", nil)
		if err := p.Warm(b.Context()); err != nil {
			b.Fatal(err)
		}
		if err := p.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// roomy gives children the limits of production, as far as a race detector can live with them.
func roomy(o *Options) {
	o.Limits = DefaultLimits(plimsoll.DefaultBudget())
	if raced {
		o.Limits.Memory = 0
	}
}
