package members

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"strings"
	"testing"
)

// deflateZeros returns n zero bytes, compressed with deflate.
func deflateZeros(t testing.TB, n int64) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, 9)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(w, zeroReader{}, n); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// writeRawZip returns a zip file with one local header and content, and a directory whose entries have the given offsets.
func writeRawZip(kernel []byte, unpacked uint32, crc uint32, entries int, offset func(i int) uint32) []byte {
	var b bytes.Buffer
	header := func(magic string, name string, central bool, at uint32) {
		b.WriteString(magic)
		if central {
			binary.Write(&b, binary.LittleEndian, uint16(20))
		}
		binary.Write(&b, binary.LittleEndian, []uint16{20, 0, 8, 0, 0})
		binary.Write(&b, binary.LittleEndian, []uint32{crc, uint32(len(kernel)), unpacked})
		binary.Write(&b, binary.LittleEndian, []uint16{uint16(len(name)), 0})
		if central {
			binary.Write(&b, binary.LittleEndian, []uint16{0, 0, 0})
			binary.Write(&b, binary.LittleEndian, []uint32{0, at})
		}
		b.WriteString(name)
	}
	header("PK\x03\x04", "00000000", false, 0)
	b.Write(kernel)
	start := b.Len()
	for i := range entries {
		header("PK\x01\x02", fmt.Sprintf("%08d", i), true, offset(i))
	}
	size := b.Len() - start
	b.WriteString("PK\x05\x06")
	binary.Write(&b, binary.LittleEndian, []uint16{0, 0, uint16(entries), uint16(entries)})
	binary.Write(&b, binary.LittleEndian, []uint32{uint32(size), uint32(start)})
	binary.Write(&b, binary.LittleEndian, uint16(0))
	return b.Bytes()
}

func TestOverlappingMembers(t *testing.T) {
	kernel := deflateZeros(t, 10<<20)
	bomb := writeRawZip(kernel, 10<<20, 0, 1000, func(int) uint32 { return 0 })
	got := walkContent(t, string(bomb), DefaultLimits())
	if got.refused["a"] != Overlapping || len(got.members) != 0 || got.err != nil {
		t.Errorf("refused %v, %d members, %v", got.refused, len(got.members), got.err)
	}
}

func TestRatio(t *testing.T) {
	const unpacked = 64 << 20
	kernel := deflateZeros(t, unpacked)
	crc := crc32.NewIEEE()
	if _, err := io.CopyN(crc, zeroReader{}, unpacked); err != nil {
		t.Fatal(err)
	}
	limits := DefaultLimits()
	limits.RatioGrace = 1 << 20
	bomb := writeRawZip(kernel, unpacked, crc.Sum32(), 1, func(int) uint32 { return 0 })
	if int64(len(bomb))*limits.Ratio > unpacked {
		t.Fatalf("the sample has %d bytes", len(bomb))
	}
	got := walkContent(t, string(bomb), limits)
	if got.refused["a!/00000000"] != TooDense || len(got.members) != 0 {
		t.Errorf("refused %v", got.refused)
	}
	// The ratio does not matter below RatioGrace.
	limits.RatioGrace = 128 << 20
	got = walkContent(t, string(bomb), limits)
	if len(got.refused) != 0 || len(got.members["a!/00000000"]) != unpacked {
		t.Errorf("refused %v", got.refused)
	}
	limits.Member = 1 << 20
	if got = walkContent(t, string(bomb), limits); got.refused["a!/00000000"] != TooLarge {
		t.Errorf("refused %v", got.refused)
	}
	// A wrong size is detected when the content is read.
	binary.LittleEndian.PutUint32(bomb[bytes.Index(bomb, []byte("PK\x01\x02"))+24:], 10)
	if got = walkContent(t, string(bomb), limits); got.refused["a!/00000000"] == "" {
		t.Errorf("refused %v", got.refused)
	}
}

func TestBytesInAll(t *testing.T) {
	limits := DefaultLimits()
	limits.Bytes = 3000
	got := walkContent(t, tarFiles(t, testFile{"one", strings.Repeat("1", 2000)}, testFile{"two", strings.Repeat("2", 2000)}, testFile{"three", "3"}), limits)
	if got.refused["a!/two"] != TooLarge || len(got.members) != 1 || got.err != nil {
		t.Errorf("refused %v, members %q, %v", got.refused, got.paths(), got.err)
	}
}

func TestDepth(t *testing.T) {
	for name, wrap := range map[string]func(content string) string{
		"zip":    func(c string) string { return zipFiles(t, testFile{"x", c}) },
		"tar.gz": func(c string) string { return gzipText(t, tarFiles(t, testFile{"x", c})) },
		"gzip":   func(c string) string { return gzipText(t, c) },
		"mixed":  func(c string) string { return zipFiles(t, testFile{"x", gzipText(t, tarFiles(t, testFile{"x", c}))}) },
	} {
		content := "core"
		for range 10 {
			content = wrap(content)
		}
		got := walkContent(t, content, DefaultLimits())
		deep := 0
		for _, reason := range got.refused {
			if reason == TooDeep {
				deep++
			}
		}
		if deep != 1 || len(got.refused) != 1 || len(got.members) > 5 || got.err != nil {
			t.Errorf("%s: refused %v, members %q, %v", name, got.refused, got.paths(), got.err)
		}
	}
	content := "core"
	for range 5 {
		content = zipFiles(t, testFile{"x", content})
	}
	if got := walkContent(t, content, DefaultLimits()); len(got.refused) != 0 || got.members["a!/x!/x!/x!/x!/x"] != "core" {
		t.Errorf("five deep: refused %v, members %q", got.refused, got.paths())
	}
}

func TestMillionMembers(t *testing.T) {
	var out bytes.Buffer
	header := []byte(tarFiles(t, testFile{"x", ""}))[:HeadBytes]
	limits := DefaultLimits()
	limits.Members = 30_000
	for range limits.Members + 1000 {
		out.Write(header)
	}
	count, refused := 0, map[string]Reason{}
	err := Walk(t.Context(), "a", bytes.NewReader(out.Bytes()), int64(out.Len()), limits, func(Member, io.Reader) error { count++; return nil }, func(r Refusal) { refused[r.Path] = r.Reason })
	if err != nil || count != limits.Members || len(refused) != 1 {
		t.Errorf("%d members, refused %v, %v", count, refused, err)
	}
	// The directory of a zip file is kept in memory, so it is bounded before it is read.
	bomb := writeRawZip(nil, 0, 0, 1_000_000, func(int) uint32 { return 0 })
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := walkContent(t, string(bomb), limits)
	runtime.ReadMemStats(&after)
	if got.refused["a"] != TooMany || len(got.members) != 0 {
		t.Errorf("refused %v", got.refused)
	}
	t.Logf("%d MiB allocated for a directory of %d MiB", (after.TotalAlloc-before.TotalAlloc)>>20, len(bomb)>>20)
}

// Headers that need more memory than the limit: the dictionary of an xz block (xz file format, 5.3.1), the window of a
// zstd frame (RFC 8878, 3.1.1.1.2).
func TestMemoryOfDecompressors(t *testing.T) {
	limits := DefaultLimits()
	x := []byte(xzText(t, strings.Repeat("text ", 1000)))
	// Stream header 12 bytes; block header: size, flags, filter id, size of its properties, dictionary, padding, CRC32.
	for i := 12; i < 24; i++ {
		if x[i] == 0x21 && x[i+1] == 1 {
			x[i+2] = 38 // 2 GiB
			length := (int(x[12]) + 1) * 4
			binary.LittleEndian.PutUint32(x[12+length-4:], crc32.ChecksumIEEE(x[12:12+length-4]))
			break
		}
	}
	if got := walkContent(t, string(x), limits); got.refused["a"] != TooLarge {
		t.Errorf("xz: refused %v", got.refused)
	}
	z := "\x28\xb5\x2f\xfd\x00\xa8" + "\x01\x00\x00" // window of 2 GiB, one empty raw block
	if got := walkContent(t, z, limits); got.refused["a"] != TooLarge {
		t.Errorf("zstd: refused %v", got.refused)
	}
}

func TestSpool(t *testing.T) {
	limits := DefaultLimits()
	limits.Spool = 100
	inner := zipFiles(t, testFile{"x", "1"})
	got := walkContent(t, zipFiles(t, testFile{"x.jar", inner}, testFile{"y", "2"}), limits)
	if got.refused["a!/x.jar"] != TooLarge || got.members["a!/y"] != "2" {
		t.Errorf("refused %v, members %q", got.refused, got.paths())
	}
	limits.Spool = int64(len(inner)) + 1
	got = walkContent(t, zipFiles(t, testFile{"x.jar", inner}, testFile{"y.jar", inner}), limits)
	if len(got.refused) != 0 || got.members["a!/y.jar!/x"] != "1" {
		t.Errorf("what one archive used is not given back: refused %v", got.refused)
	}
	// Larger than what is kept in memory.
	var stored strings.Builder
	for i := range 3 << 20 {
		stored.WriteByte(byte(i * i >> 7))
	}
	large := tarFiles(t, testFile{"big", stored.String() + stored.String()})
	got = walkContent(t, tarFiles(t, testFile{"x.tar", large}), DefaultLimits())
	if len(got.refused) != 0 || len(got.members["a!/x.tar!/big"]) != 6<<20 {
		t.Errorf("refused %v, members %q", got.refused, got.paths())
	}
}

func FuzzWalk(f *testing.F) {
	inner := tarFiles(f, testFile{"one", "1"}, testFile{"../two", "2"})
	for _, seed := range []string{
		inner, zipFiles(f, testFile{"x", inner}, testFile{"y/", ""}), gzipText(f, inner), xzText(f, "text"), zstdText(f, inner), bzipped, gzipText(f, zipFiles(f, testFile{"x", "1"})),
		string(writeRawZip([]byte{3, 0}, 0, 0, 3, func(int) uint32 { return 0 })), "7z\xbc\xaf\x27\x1c",
	} {
		f.Add([]byte(seed))
	}
	limits := DefaultLimits()
	limits.Bytes, limits.Members, limits.Window, limits.Spool = 1<<20, 1000, 8<<20, 1<<20
	f.Fuzz(func(t *testing.T, content []byte) {
		var total int64
		seen := map[string]bool{}
		err := Walk(t.Context(), "a", bytes.NewReader(content), int64(len(content)), limits, func(m Member, r io.Reader) error {
			if seen[m.Path] || len(m.Path) > maxPath || strings.ContainsAny(m.Path, "\x00\n\x1b") {
				t.Errorf("path %q", m.Path)
			}
			seen[m.Path] = true
			n, err := io.Copy(io.Discard, r)
			total += n
			return err
		}, func(r Refusal) {
			if r.Reason == "" || r.Detail == "" || r.Path == "" {
				t.Errorf("refusal %+v", r)
			}
		})
		if err != nil {
			t.Errorf("error %v", err)
		}
		// A nested member is visited once itself and once as part of its archive.
		if total > int64(limits.Depth+1)*limits.Bytes {
			t.Errorf("%d bytes were visited", total)
		}
	})
}
