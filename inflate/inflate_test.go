package inflate

import (
	"bufio"
	"bytes"
	"compress/flate"
	stdgzip "compress/gzip"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"pgregory.net/rapid"
)

// readBoth reads a stream with this package and with a second library.
func readBoth(raw []byte) (ours []byte, err error, theirs []byte, theirErr error) {
	if z, e := NewReader(bufio.NewReader(bytes.NewReader(raw))); e != nil {
		err = e
	} else {
		ours, err = io.ReadAll(z)
	}
	if z, e := gzip.NewReader(bytes.NewReader(raw)); e != nil {
		theirErr = e
	} else {
		theirs, theirErr = io.ReadAll(z)
	}
	return ours, err, theirs, theirErr
}

func compressText(t testing.TB, text []byte, level int) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, level)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// sampleTexts returns texts of several kinds: far and near repetition, one byte only, noise, words.
func sampleTexts() map[string][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 300_000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	var words, near bytes.Buffer
	for words.Len() < 500_000 {
		words.WriteString([]string{"layer ", "blob ", "manifest ", "a", "\n", "index of everything "}[random.IntN(6)])
	}
	for near.Len() < 300_000 {
		near.Write(bytes.Repeat(noise[:1+random.IntN(9)], random.IntN(200)))
		near.Write(noise[random.IntN(100_000):][:random.IntN(20)])
	}
	return map[string][]byte{
		"nothing": nil, "byte": {7}, "zeros": make([]byte, 1<<20), "noise": noise, "words": words.Bytes(), "near": near.Bytes(),
		"far": bytes.Repeat(noise[:32<<10], 6), "short": []byte("abcabcabcabc"),
	}
}

func TestReadsWhatWasPacked(t *testing.T) {
	for name, text := range sampleTexts() {
		for level := gzip.StatelessCompression; level <= gzip.BestCompression; level++ {
			raw := compressText(t, text, level)
			for how, r := range map[string]io.Reader{
				"at once": bytes.NewReader(raw), "by bytes": iotest.OneByteReader(bytes.NewReader(raw)), "end with data": iotest.DataErrReader(bytes.NewReader(raw)),
			} {
				z, err := NewReader(bufio.NewReaderSize(r, 64))
				if err != nil {
					t.Fatal(name, level, how, err)
				}
				if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, text) {
					t.Errorf("%s, level %d, %s: %d of %d bytes, %v", name, level, how, len(got), len(text), err)
				}
			}
		}
	}
}

// TestOneReader reads many streams with one reader; some of them are raw or damaged.
func TestOneReader(t *testing.T) {
	z := new(Reader)
	for name, text := range sampleTexts() {
		raw := compressText(t, text, 6)
		if err := z.Reset(bufio.NewReader(bytes.NewReader(raw[:len(raw)/2]))); err == nil {
			io.Copy(io.Discard, z)
		}
		z.ResetRaw(bufio.NewReader(bytes.NewReader(append(raw[10:len(raw)-8:len(raw)-8], "something else"...))))
		if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s, raw: %d of %d bytes, %v", name, len(got), len(text), err)
		}
		if err := z.Reset(bufio.NewReader(bytes.NewReader(raw))); err != nil {
			t.Fatal(name, err)
		}
		if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s: %d of %d bytes, %v", name, len(got), len(text), err)
		}
	}
}

func TestMembers(t *testing.T) {
	a, b := compressText(t, []byte("one "), 6), compressText(t, bytes.Repeat([]byte("two"), 50_000), 9)
	var named bytes.Buffer
	w := stdgzip.NewWriter(&named)
	w.Name, w.Comment, w.Extra = "a name", "a comment", []byte("extra")
	if _, err := w.Write([]byte("three")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	all := bytes.Join([][]byte{a, b, named.Bytes()}, nil)
	z, err := NewReader(bufio.NewReader(bytes.NewReader(all)))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || string(got) != "one "+strings.Repeat("two", 50_000)+"three" {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	// A match must not reach into the member before.
	stream := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0}
	var reach bytes.Buffer
	f, err := flate.NewWriterDict(&reach, 9, []byte("one one one one "))
	if err != nil {
		t.Fatal(err)
	}
	f.Write([]byte("one one one one "))
	f.Close()
	z, err = NewReader(bufio.NewReader(bytes.NewReader(append(append(a, stream...), reach.Bytes()...))))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); !errors.Is(err, ErrCorrupt) || string(got) != "one " {
		t.Errorf("%q, %v", got, err)
	}
}

func TestBrokenStreams(t *testing.T) {
	raw := compressText(t, bytes.Repeat([]byte("some text, and more "), 3000), 6)
	cut := raw[:len(raw)/2]
	changed := func(at int) []byte {
		c := bytes.Clone(raw)
		c[at] ^= 0xff
		return c
	}
	for name, c := range map[string]struct {
		raw  []byte
		want error
	}{
		"empty": {nil, io.EOF}, "short header": {raw[:5], io.ErrUnexpectedEOF}, "no gzip": {[]byte("this is no gzip stream"), ErrHeader},
		"method": {changed(2), ErrHeader}, "cut": {cut, io.ErrUnexpectedEOF}, "no trailer": {raw[:len(raw)-8], io.ErrUnexpectedEOF},
		"checksum": {changed(len(raw) - 8), ErrChecksum}, "size": {changed(len(raw) - 1), ErrChecksum}, "trailing": {append(bytes.Clone(raw), "and no member"...), ErrHeader},
		"long name":  {append([]byte{0x1f, 0x8b, 8, flagName, 0, 0, 0, 0, 0, 0}, bytes.Repeat([]byte("n"), maxHeaderText+1)...), ErrHeader},
		"block kind": {append(bytes.Clone(raw[:10]), 7, 0, 0), ErrCorrupt},
	} {
		_, err := io.ReadAll(openBytes(c.raw))
		if !errors.Is(err, c.want) && (c.want != io.EOF || err != nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	failure := errors.New("the network broke")
	z := openBytes(nil)
	_, err := io.ReadAll(openReader(io.MultiReader(bytes.NewReader(cut), iotest.ErrReader(failure))))
	if !errors.Is(err, failure) {
		t.Errorf("an error of the source is returned as %v", err)
	}
	if _, err := z.Read(make([]byte, 1)); err != io.EOF {
		t.Error(err)
	}
}

func openBytes(raw []byte) io.Reader { return openReader(bytes.NewReader(raw)) }

func openReader(r io.Reader) io.Reader {
	z, err := NewReader(bufio.NewReader(r))
	if err != nil {
		return iotest.ErrReader(err)
	}
	return z
}

// TestChangedStreams compares this package with a second library on streams with changed bits and missing bytes.
func TestChangedStreams(t *testing.T) {
	var kinds [][]byte
	all := sampleTexts()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		text := all[name]
		for _, level := range []int{0, 1, 6, 9, gzip.HuffmanOnly} {
			kinds = append(kinds, compressText(t, text[:min(len(text), 20_000)], level))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		raw := bytes.Clone(kinds[rapid.IntRange(0, len(kinds)-1).Draw(t, "stream")])
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			raw[rapid.IntRange(0, min(len(raw)-1, rapid.SampledFrom([]int{30, 200, 20_000}).Draw(t, "within"))).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		}
		raw = raw[:rapid.IntRange(max(0, len(raw)-rapid.SampledFrom([]int{0, 20, 20_000}).Draw(t, "missing")), len(raw)).Draw(t, "length")]
		requireSame(t, raw)
	})
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// requireSame compares this package with a second library: both succeed or both fail, and the shorter output is a prefix
// of the longer one.
func requireSame(t fataler, raw []byte) {
	t.Helper()
	ours, err, theirs, theirErr := readBoth(raw)
	if (err == nil) != (theirErr == nil) {
		t.Fatalf("%d bytes, %v; a library: %d bytes, %v", len(ours), err, len(theirs), theirErr)
	}
	if n := min(len(ours), len(theirs)); err == nil && len(ours) != len(theirs) || !bytes.Equal(ours[:n], theirs[:n]) {
		t.Fatalf("%d bytes; a library: %d others", len(ours), len(theirs))
	}
}

func FuzzReader(f *testing.F) {
	for _, text := range sampleTexts() {
		f.Add(compressText(f, text[:min(len(text), 3000)], 6))
		f.Add(compressText(f, text[:min(len(text), 300)], 0))
	}
	f.Add([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 0x4b, 0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) { requireSame(t, raw) })
}

// BenchmarkReader compares this package with other libraries. PLIMSOLL_BENCH_GZIP may name a file to read instead of
// generated text.
func BenchmarkReader(b *testing.B) {
	raw := compressText(b, bytes.Repeat(sampleTexts()["words"], 40), 6)
	if path := os.Getenv("PLIMSOLL_BENCH_GZIP"); path != "" {
		var err error
		if raw, err = os.ReadFile(path); err != nil {
			b.Fatal(err)
		}
	}
	buffer := make([]byte, 256<<10)
	for _, who := range []struct {
		name string
		open func(*bufio.Reader) (io.Reader, error)
	}{
		{"ours", func(r *bufio.Reader) (io.Reader, error) { return NewReader(r) }},
		{"klauspost", func(r *bufio.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
		{"standard", func(r *bufio.Reader) (io.Reader, error) { return stdgzip.NewReader(r) }},
	} {
		b.Run(who.name, func(b *testing.B) {
			for b.Loop() {
				z, err := who.open(bufio.NewReaderSize(bytes.NewReader(raw), 128<<10))
				if err != nil {
					b.Fatal(err)
				}
				n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{z}, buffer)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(n)
			}
		})
	}
}
