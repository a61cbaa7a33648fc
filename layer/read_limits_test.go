package layer

import (
	"archive/tar"
	"bytes"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"plimsoll"
)

func TestReadRefuses(t *testing.T) {
	many := make([]*tar.Header, 101)
	for i := range many {
		many[i] = file("f"+strconv.Itoa(i), 0)
	}
	plain := archiveOf(t, file("a", 3000))
	bomb := archiveOf(t, file("zeros", 4<<20))
	long := strings.Repeat("n", 200)
	paths := make([]*tar.Header, 90)
	for i := range paths {
		paths[i] = file(strings.Repeat(long+"/", 3)+strconv.Itoa(i), 0)
	}
	window := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 18 << 3, 1, 0, 0} // one empty frame that asks for 256 MiB
	tests := []struct {
		name string
		blob []byte
		want error
		code plimsoll.FailureCode
	}{
		{"too many entries", archiveOf(t, many...), ErrEntries, plimsoll.FailureOversized},
		{"gzip bomb", gz(t, bomb), ErrRatio, plimsoll.FailureOversized},
		{"zstd bomb", zst(t, bomb), ErrRatio, plimsoll.FailureOversized},
		{"too much unpacked", archiveOf(t, file("a", 9<<20)), ErrUnpacked, plimsoll.FailureOversized},
		{"sparse", sparse(t, 1<<40), ErrUnpacked, plimsoll.FailureOversized},
		{"sparse, below the total", sparse(t, 7<<20), ErrRatio, plimsoll.FailureOversized},
		{"zstd window", window, ErrWindow, plimsoll.FailureOversized},
		{"long path", archiveOf(t, file(strings.Repeat(long+"/", 21)+"x", 0)), ErrPath, plimsoll.FailureOversized},
		{"long link", archiveOf(t, &tar.Header{Typeflag: tar.TypeSymlink, Name: "l", Linkname: strings.Repeat("x", 5000)}), ErrPath, plimsoll.FailureOversized},
		{"long paths", archiveOf(t, paths...), ErrPaths, plimsoll.FailureOversized},
		{"deep path", archiveOf(t, file(strings.Repeat("d/", 256)+"x", 0)), ErrDepth, plimsoll.FailureOversized},
		{"large header", extended(archiveOf(t, file("PaxHeaders/a", 2<<20))), ErrHeader, plimsoll.FailureOversized},
		{"parent", archiveOf(t, file("../etc/passwd", 0)), ErrDotDot, plimsoll.FailureLayer},
		{"parent inside", archiveOf(t, file("a/../../b", 0)), ErrDotDot, plimsoll.FailureLayer},
		{"parent at the end", archiveOf(t, &tar.Header{Typeflag: tar.TypeDir, Name: "a/.."}), ErrDotDot, plimsoll.FailureLayer},
		{"hard link to a parent", archiveOf(t, &tar.Header{Typeflag: tar.TypeLink, Name: "l", Linkname: "../x"}), ErrDotDot, plimsoll.FailureLayer},
		{"no archive", []byte(strings.Repeat("this is no archive ", 100)), ErrArchive, plimsoll.FailureLayer},
		{"no archive in gzip", gz(t, bytes.Repeat([]byte("x"), 4096)), ErrArchive, plimsoll.FailureLayer},
		{"garbage after gzip", append(gz(t, plain), "garbage"...), ErrArchive, plimsoll.FailureLayer},
		{"garbage after zstd", append(zst(t, plain), "garbage"...), ErrArchive, plimsoll.FailureLayer},
		{"gzip of half an archive", gz(t, plain[:1000]), ErrArchive, plimsoll.FailureLayer},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var shared atomic.Int64
			_, err := Read(t.Context(), bytes.NewReader(test.blob),
				Options{CompressedSize: int64(len(test.blob)), Budget: small(), Unpacked: &shared}, readAll)
			if !errors.Is(err, test.want) || plimsoll.FailureOf(err) != test.code {
				t.Errorf("%q %v, want %q %v", plimsoll.FailureOf(err), err, test.code, test.want)
			}
			if shared.Load() != 0 {
				t.Errorf("a pass that failed left %d in the shared counter", shared.Load())
			}
		})
	}
}

// sparse returns an archive with one file of size bytes that is a hole (GNU sparse 1.0 in PAX).
func sparse(t *testing.T, size int64) []byte {
	t.Helper()
	body := make([]byte, 512)
	copy(body, "1\n"+strconv.FormatInt(size, 10)+"\n0\n")
	records := ""
	for _, r := range []string{"GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=hole", "GNU.sparse.realsize=" + strconv.FormatInt(size, 10)} {
		n := len(r) + 3
		for len(strconv.Itoa(n))+len(r)+2 != n {
			n++
		}
		records += strconv.Itoa(n) + " " + r + "\n"
	}
	// The writer of archive/tar refuses sparse records, so the extended header is written by hand.
	head := archiveOf(t, file("PaxHeaders/hole", int64(len(records))))[:512]
	head = extended(head)
	ext := make([]byte, (len(records)+511)/512*512)
	copy(ext, records)
	data := archiveOf(t, file("hole", 512))
	copy(data[512:], body)
	return append(append(head, ext...), data...)
}

// extended turns the first header of an archive into an extended one.
func extended(h []byte) []byte {
	h[156] = tar.TypeXHeader
	copy(h[148:156], "        ")
	sum := 0
	for _, c := range h[:512] {
		sum += int(c)
	}
	copy(h[148:156], []byte(strings.Repeat("0", 6-len(strconv.FormatInt(int64(sum), 8)))+strconv.FormatInt(int64(sum), 8)+"\x00 "))
	return h
}

func TestLayersShareTheImageBudget(t *testing.T) {
	var shared atomic.Int64
	blob := archiveOf(t, file("a", 5<<20))
	read := func() error {
		_, err := Read(t.Context(), bytes.NewReader(blob), Options{Budget: small(), Unpacked: &shared}, readAll)
		return err
	}
	if err := read(); err != nil {
		t.Fatal(err)
	}
	if err := read(); !errors.Is(err, ErrUnpacked) {
		t.Errorf("the second layer: %v", err)
	}
}
