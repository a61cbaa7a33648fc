package members

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"plimsoll"
)

type testFile struct{ name, text string }

func zipFiles(t testing.TB, files ...testFile) string {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range files {
		m, err := w.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(m, f.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func tarFiles(t testing.TB, files ...testFile) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.text)), Typeflag: tar.TypeReg}
		if strings.HasSuffix(f.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func compressText(t testing.TB, open func(io.Writer) (io.WriteCloser, error), text string) string {
	t.Helper()
	var out bytes.Buffer
	w, err := open(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func gzipText(t testing.TB, text string) string {
	return compressText(t, func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }, text)
}

func xzText(t testing.TB, text string) string {
	return compressText(t, func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) }, text)
}

func zstdText(t testing.TB, text string) string {
	return compressText(t, func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }, text)
}

// bzipped is "hello\n", compressed: the standard library only reads the format.
const bzipped = "BZh91AY&SY\xc1\xc0\x80\xe2\x00\x00\x01A\x00\x00\x10\x02D\xa0\x000\xcd\x00\xc3F)\x97\x17rE8P\x90\xc1\xc0\x80\xe2"

// walkResult contains what a walk reported: contents by path, and reasons by path.
type walkResult struct {
	members map[string]string
	refused map[string]Reason
	err     error
}

func walkContent(t testing.TB, content string, limits Limits) walkResult {
	t.Helper()
	r := walkResult{members: map[string]string{}, refused: map[string]Reason{}}
	r.err = Walk(t.Context(), "a", strings.NewReader(content), int64(len(content)), limits, func(m Member, in io.Reader) error {
		b, err := io.ReadAll(in)
		if err != nil {
			return err
		}
		if _, ok := r.members[m.Path]; ok {
			t.Errorf("%s comes twice", m.Path)
		}
		r.members[m.Path] = string(b)
		return nil
	}, func(x Refusal) {
		if x.Detail == "" || !strings.HasPrefix(x.Path, "a") {
			t.Errorf("refusal %+v", x)
		}
		r.refused[x.Path] = x.Reason
	})
	return r
}

func (r walkResult) paths() []string {
	var out []string
	for p := range r.members {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

func TestEveryFormat(t *testing.T) {
	inner := tarFiles(t, testFile{"dir/", ""}, testFile{"dir/one", "1"}, testFile{"two", "22"})
	for _, c := range []struct {
		name, content string
		want          map[string]string
	}{
		{"zip", zipFiles(t, testFile{"x/", ""}, testFile{"x/one", "1"}, testFile{"two", "22"}), map[string]string{"a!/x/one": "1", "a!/two": "22"}},
		{"tar", inner, map[string]string{"a!/dir/one": "1", "a!/two": "22"}},
		{"tar.gz", gzipText(t, inner), map[string]string{"a!/dir/one": "1", "a!/two": "22"}},
		{"tar.xz", xzText(t, inner), map[string]string{"a!/dir/one": "1", "a!/two": "22"}},
		{"tar.zst", zstdText(t, inner), map[string]string{"a!/dir/one": "1", "a!/two": "22"}},
		{"gz", gzipText(t, "hello"), map[string]string{"a!/a": "hello"}},
		{"xz", xzText(t, "hello"), map[string]string{"a!/a": "hello"}},
		{"zst", zstdText(t, "hello"), map[string]string{"a!/a": "hello"}},
		{"bz2", bzipped, map[string]string{"a!/a": "hello\n"}},
		{"gz of gz", gzipText(t, gzipText(t, "hello")), map[string]string{"a!/a!/a": "hello"}},
		{"no archive", "hello", map[string]string{}},
		{"nothing", "", map[string]string{}},
		{"empty zip", zipFiles(t), map[string]string{}},
	} {
		got := walkContent(t, c.content, DefaultLimits())
		if d := cmp.Diff(c.want, got.members); d != "" || len(got.refused) > 0 || got.err != nil {
			t.Errorf("%s: %s %v %v", c.name, d, got.refused, got.err)
		}
	}
}

func TestNestedArchivesAreMembersToo(t *testing.T) {
	jar := zipFiles(t, testFile{"A.class", "\xca\xfe"})
	war := zipFiles(t, testFile{"WEB-INF/lib/x.jar", jar}, testFile{"docs.tar.gz", gzipText(t, tarFiles(t, testFile{"read me", "text"}))})
	got := walkContent(t, zipFiles(t, testFile{"app.war", war}), DefaultLimits())
	want := []string{"a!/app.war", "a!/app.war!/WEB-INF/lib/x.jar", "a!/app.war!/WEB-INF/lib/x.jar!/A.class", "a!/app.war!/docs.tar.gz", "a!/app.war!/docs.tar.gz!/read me"}
	if !slices.Equal(got.paths(), want) || len(got.refused) > 0 || got.members["a!/app.war"] != war {
		t.Errorf("members %q, refused %v", got.paths(), got.refused)
	}
}

// patchHeaders sets bits in every header of the one member of a zip.
func patchHeaders(content string, local, central int, value uint16) string {
	b := []byte(content)
	for magic, at := range map[string]int{"PK\x03\x04": local, "PK\x01\x02": central} {
		i := bytes.Index(b, []byte(magic))
		binary.LittleEndian.PutUint16(b[i+at:], binary.LittleEndian.Uint16(b[i+at:])|value)
	}
	return string(b)
}

func TestWhatCannotBeLookedAtIsTold(t *testing.T) {
	one := zipFiles(t, testFile{"one", strings.Repeat("text ", 100)})
	archive := tarFiles(t, testFile{"one", "1"}, testFile{"two", strings.Repeat("2", 2000)})
	for name, c := range map[string]struct {
		content string
		want    map[string]Reason
	}{
		"encrypted member":    {patchHeaders(one, 6, 8, flagEncrypted), map[string]Reason{"a!/one": Encrypted}},
		"unknown method":      {patchHeaders(one, 8, 10, 0x60), map[string]Reason{"a!/one": Unsupported}},
		"7z":                  {"7z\xbc\xaf\x27\x1c\x00\x04 and more", map[string]Reason{"a": Unsupported}},
		"7z in a zip":         {zipFiles(t, testFile{"x.7z", "7z\xbc\xaf\x27\x1c\x00\x04 and more"}), map[string]Reason{"a!/x.7z": Unsupported}},
		"rar":                 {"Rar!\x1a\x07\x01\x00", map[string]Reason{"a": Unsupported}},
		"zip without its end": {one[:len(one)-30], map[string]Reason{"a": Broken}},
		"tar cut short":       {archive[:len(archive)-3000], map[string]Reason{"a!/two": Broken, "a": Broken}},
		"gzip cut short":      {gzipText(t, archive)[:80], map[string]Reason{"a": Broken}},
		"xz of nothing":       {"\xfd7zXZ\x00 nothing", map[string]Reason{"a": Broken}},
		"zstd of nothing":     {"\x28\xb5\x2f\xfd nothing at all", map[string]Reason{"a": Broken}},
		"bzip2 cut short":     {bzipped[:20], map[string]Reason{"a": Broken}},
		"broken zip in a tar": {tarFiles(t, testFile{"x.jar", one[:60]}, testFile{"y", "y"}), map[string]Reason{"a!/x.jar": Broken}},
	} {
		got := walkContent(t, c.content, DefaultLimits())
		// A cut gzip file may be reported by its own path or by that of the tar archive in it.
		if name == "gzip cut short" && len(got.refused) == 1 {
			continue
		}
		if d := cmp.Diff(c.want, got.refused); d != "" || got.err != nil {
			t.Errorf("%s: %s %v", name, d, got.err)
		}
	}
}

func TestChecksumOfAMember(t *testing.T) {
	b := []byte(zipFiles(t, testFile{"one", "1"}, testFile{"two", "2"}))
	i := bytes.Index(b, []byte("PK\x01\x02"))
	b[i+16] ^= 1
	got := walkContent(t, string(b), DefaultLimits())
	if got.refused["a!/one"] != Broken || got.members["a!/two"] != "2" || got.err != nil {
		t.Errorf("%+v", got)
	}
}

func TestVisitorsError(t *testing.T) {
	mine := errors.New("mine")
	content := zipFiles(t, testFile{"one", "1"}, testFile{"two", "2"})
	err := Walk(t.Context(), "a", strings.NewReader(content), int64(len(content)), DefaultLimits(), func(Member, io.Reader) error { return mine }, func(Refusal) {})
	if !errors.Is(err, mine) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = Walk(ctx, "a", strings.NewReader(content), int64(len(content)), DefaultLimits(), func(_ Member, r io.Reader) error {
		cancel()
		_, err := io.ReadAll(io.MultiReader(r, r))
		return err
	}, func(Refusal) {})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestRefusalAsFinding(t *testing.T) {
	got := Refusal{Path: "a!/b", Size: -1, Reason: Encrypted, Detail: "the member is encrypted"}.Finding()
	want := plimsoll.Malware{Path: "a!/b", Kind: plimsoll.MalwareNotLooked, Rule: "encrypted", Engine: "archive"}
	if got != want {
		t.Errorf("%+v", got)
	}
}

func TestNames(t *testing.T) {
	long := strings.Repeat("x", 3000)
	got := walkContent(t, tarFiles(t, testFile{"../../etc/passwd", "1"}, testFile{"/abs", "2"}, testFile{"b!/c", "3"}, testFile{"nl\n\x1b[31m", "4"}, testFile{long + "1", "5"}, testFile{long + "2", "6"}, testFile{"same", "7"}, testFile{"same", "8"}, testFile{"100%", "9"}, testFile{"\xff\xfe", "10"}, testFile{"\u202egpj", "11"}), DefaultLimits())
	if len(got.members) != 11 || len(got.refused) != 0 {
		t.Errorf("%d members, refused %v", len(got.members), got.refused)
	}
	for _, want := range []string{"a!/%2E%2E/%2E%2E/etc/passwd", "a!//abs", "a!/b%21/c", "a!/nl%0A%1B[31m", "a!/same", "a!/same!#2", "a!/100%25", "a!/%FF%FE", "a!/%E2%80%AEgpj"} {
		if _, ok := got.members[want]; !ok {
			t.Errorf("%q is missing in %.300q", want, got.paths())
		}
	}
	for p := range got.members {
		if len(p) > maxPath {
			t.Errorf("path of %d bytes", len(p))
		}
	}
}

func TestRecogniseOldTar(t *testing.T) {
	b := []byte(tarFiles(t, testFile{"one", "1"}))
	copy(b[257:265], make([]byte, 8))
	copy(b[148:156], "        ")
	sum := 0
	for _, c := range b[:HeadBytes] {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	if Recognise(b) != Tar {
		t.Error("an archive without a magic is not recognised")
	}
	if Recognise([]byte(strings.Repeat("text", 200))) != None || Recognise(make([]byte, 600)) != None || Recognise([]byte("BZh9 is not enough")) != None {
		t.Error("something is taken for an archive")
	}
}
