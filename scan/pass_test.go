package scan_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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

// fold folds layers given as archives.
func fold(t testing.TB, layers ...[]byte) layer.Folded {
	t.Helper()
	var reports [][]plimsoll.LayerReport
	for _, l := range layers {
		reports = append(reports, pass(t, l, plimsoll.DefaultBudget()).Reports)
	}
	folded, err := layer.Fold(reports, plimsoll.DefaultBudget())
	if err != nil {
		t.Fatal(err)
	}
	return folded
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

func TestHardLinks(t *testing.T) {
	eicar := `X5O!P%@AP[4\PZX54(P^)7CC)7}$` + `EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`
	blob := archive(t,
		entry{name: "var/lib/dpkg/status-old", body: statusStanza},
		entry{name: "var/lib/dpkg/status", kind: tar.TypeLink, link: "var/lib/dpkg/status-old"},
		entry{name: "opt/bad", body: eicar, mode: 0o4755},
		entry{name: "opt/second", kind: tar.TypeLink, link: "./opt/bad"},
		entry{name: "opt/third", kind: tar.TypeLink, link: "opt/second"},
		entry{name: "etc/shadow", kind: tar.TypeLink, link: "etc/later"}, // forward
		entry{name: "etc/later", body: "root:*:1:0:99999:7:::\n"},
		entry{name: "etc/passwd", kind: tar.TypeLink, link: "etc/passwd"}, // itself
	)
	folded := fold(t, blob)
	if len(folded.Packages) != 1 || folded.Packages[0].Name != "curl" {
		t.Errorf("packages %+v", folded.Packages)
	}
	var bad, setuid []string
	for _, m := range folded.Malware {
		bad = append(bad, m.Path)
	}
	for _, m := range folded.Modes {
		if m.Mode&0o4000 != 0 {
			setuid = append(setuid, m.Path)
		}
	}
	want := []string{"opt/bad", "opt/second", "opt/third"}
	if diff := cmp.Diff(want, bad); diff != "" {
		t.Errorf("malware: %s", diff)
	}
	if diff := cmp.Diff(want, setuid); diff != "" {
		t.Errorf("modes: %s", diff)
	}
	var failed []string
	for _, f := range folded.Failures {
		failed = append(failed, string(f.Code)+" "+f.Path)
	}
	slices.Sort(failed)
	if diff := cmp.Diff([]string{"settings etc/passwd", "settings etc/shadow"}, failed); diff != "" {
		t.Errorf("failures: %s", diff)
	}
}

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

// roots is where real package databases stand.
func roots(t testing.TB) string {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "data", "roots")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("test material is missing: %v", err)
		}
		t.Skipf("test material is missing: %v", err)
	}
	return dir
}

// rootLayer makes one layer of a root. Links of the image are kept there as files that hold their target.
func rootLayer(t testing.TB, root string) []byte {
	t.Helper()
	var entries []entry
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		e := entry{name: filepath.ToSlash(name)}
		if target, err := os.Readlink(path); err == nil {
			e.kind, e.link = tar.TypeSymlink, target
			entries = append(entries, e)
			return nil
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if target := string(body); e.name == "etc/os-release" && strings.HasPrefix(target, "../") {
			e.kind, e.link = tar.TypeSymlink, target
		} else {
			e.body = target
		}
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return archive(t, entries...)
}

func TestRealRoots(t *testing.T) {
	dir := roots(t)
	tests := []struct{ root, database, mark, ecosystem string }{
		{"alpine-3.8.5", "lib/apk/db/installed", "P:", "Alpine:v3.8"},
		{"alpine-3.10.3", "lib/apk/db/installed", "P:", "Alpine:v3.10"},
		{"alpine-3.18.9", "lib/apk/db/installed", "P:", "Alpine:v3.18"},
		{"alpine-3.20.3", "lib/apk/db/installed", "P:", "Alpine:v3.20"},
		{"debian-11.11", "var/lib/dpkg/status", "Status: install ok installed", "Debian:11"},
		{"debian-13", "var/lib/dpkg/status", "Status: install ok installed", "Debian:13"},
		{"ubuntu-18.04", "var/lib/dpkg/status", "Status: install ok installed", "Ubuntu:18.04"},
		{"ubuntu-22.04-web", "var/lib/dpkg/status", "Status: install ok installed", "Ubuntu:22.04"},
	}
	for _, test := range tests {
		t.Run(test.root, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join(dir, test.root, test.database))
			if err != nil {
				t.Fatal(err)
			}
			want := 0
			for line := range strings.Lines(string(raw)) {
				if strings.HasPrefix(line, test.mark) {
					want++
				}
			}
			folded := fold(t, rootLayer(t, filepath.Join(dir, test.root)))
			if len(folded.Packages) != want || want == 0 {
				t.Errorf("%d packages, the database has %d", len(folded.Packages), want)
			}
			if folded.Release == nil || packages.Ecosystem(*folded.Release) != test.ecosystem {
				t.Errorf("release %+v, want %s", folded.Release, test.ecosystem)
			}
			if len(folded.Accounts) == 0 || len(folded.Failures) != 0 {
				t.Errorf("accounts %d, failures %v", len(folded.Accounts), folded.Failures)
			}
		})
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
