package advisory

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plimsoll"
)

func zipOf(t testing.TB, write func(*zip.Writer)) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	write(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func add(t testing.TB, w *zip.Writer, name, body string) {
	t.Helper()
	f, err := w.Create(name)
	if err == nil {
		_, err = io.WriteString(f, body)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestFeedName(t *testing.T) {
	for path, want := range map[string]string{
		"/dumps/Ubuntu.zip": "Ubuntu", "/dumps/Ubuntu": "Ubuntu", "/dumps/Ubuntu/": "Ubuntu", "/mirror/Debian/all.zip": "Debian",
	} {
		if got := FeedName(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "x.zip")
	if err := os.WriteFile(garbage, []byte("not a zip"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(garbage); !errors.Is(err, ErrNoDump) || plimsoll.ErrorCode(err) != plimsoll.Invalid {
		t.Errorf("garbage: %v", err)
	}
	if _, err := Open(filepath.Join(dir, "absent.zip")); plimsoll.ErrorCode(err) != plimsoll.NotFound {
		t.Errorf("absent: %v", err)
	}
	if _, err := Open(os.DevNull); !errors.Is(err, ErrNoDump) {
		t.Errorf("a device: %v", err)
	}
}

// TestZipBomb claims more bytes than any feed has; nothing is unpacked to find out.
func TestZipBomb(t *testing.T) {
	bomb := zipOf(t, func(w *zip.Writer) {
		for _, name := range []string{"a.json", "b.json", "c.json"} {
			if _, err := w.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Deflate, UncompressedSize64: 12 << 30}); err != nil {
				t.Fatal(err)
			}
		}
	})
	if _, err := readZip(bytes.NewReader(bomb), int64(len(bomb))); !errors.Is(err, ErrBomb) {
		t.Errorf("36 GiB in three entries: %v", err)
	}
	ratio := zipOf(t, func(w *zip.Writer) {
		if _, err := w.CreateRaw(&zip.FileHeader{Name: "a.json", Method: zip.Deflate, UncompressedSize64: 2 << 30}); err != nil {
			t.Fatal(err)
		}
	})
	if _, err := readZip(bytes.NewReader(ratio), int64(len(ratio))); !errors.Is(err, ErrBomb) {
		t.Errorf("2 GiB in a few bytes: %v", err)
	}
}

// TestEntrySize reads an entry that unpacks to more than it claims, and one over the bound.
func TestEntrySize(t *testing.T) {
	big := zipOf(t, func(w *zip.Writer) { add(t, w, "a.json", strings.Repeat(" ", MaxRecord+1)) })
	s, err := readZip(bytes.NewReader(big), int64(len(big)))
	if err != nil {
		t.Fatal(err)
	}
	if why := skipReason(s.entries[0], ""); why != SkippedTooLarge {
		t.Errorf("%q", why)
	}
	if r, _ := readJobFile(readJob{dumpEntry: s.entries[0]}, nil); r.skipped != SkippedTooLarge {
		t.Errorf("%q", r.skipped)
	}
	liar := bytes.ReplaceAll(big, []byte{1, 0, 0, 1}, []byte{16, 0, 0, 0}) // the size in the directory
	if s, err = readZip(bytes.NewReader(liar), int64(len(liar))); err != nil || s.entries[0].size != 16 {
		t.Fatal(err, s)
	}
	if r, _ := readJobFile(readJob{dumpEntry: s.entries[0]}, nil); r.skipped != SkippedUnreadable {
		t.Errorf("%q", r.skipped)
	}
}

// TestDirectory meters what listing a zip reads.
func TestDirectory(t *testing.T) {
	m := &meteredReader{r: strings.NewReader(strings.Repeat("x", 100)), left: 10}
	if _, err := m.ReadAt(make([]byte, 10), 0); err != nil {
		t.Error(err)
	}
	if _, err := m.ReadAt(make([]byte, 1), 10); !errors.Is(err, ErrEntries) {
		t.Errorf("beyond the meter: %v", err)
	}
}

// TestNames: a name in a zip is a name, wherever it points.
func TestNames(t *testing.T) {
	b := zipOf(t, func(w *zip.Writer) {
		for _, name := range []string{"../../etc/x.json", "/abs.json", "a/b.json", "a\nb.json", "twice.json", "twice.json", "dir/", "note.txt"} {
			add(t, w, name, "")
		}
	})
	s, err := readZip(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	reasons, before := map[string]string{}, ""
	for _, e := range s.entries {
		if why := skipReason(e, before); why != "" {
			reasons[e.name] = why
		}
		before = e.name
	}
	want := map[string]string{"a\nb.json": SkippedName, "twice.json": SkippedTwice, "note.txt": SkippedNotJSON}
	if len(reasons) != len(want) || len(s.entries) != 7 {
		t.Errorf("%d entries, reasons %v", len(s.entries), reasons)
	}
	for name, why := range want {
		if reasons[name] != why {
			t.Errorf("%q: %q, want %q", name, reasons[name], why)
		}
	}
}

func FuzzZip(f *testing.F) {
	f.Add(zipOf(f, func(w *zip.Writer) { add(f, w, "a/b.json", `{"id":"A-1"}`) }))
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := readZip(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for _, e := range s.entries {
			if skipReason(e, "") == "" {
				if raw, err := readEntry(e, nil); err == nil && len(raw) > MaxRecord+1 {
					t.Errorf("%d bytes of one entry", len(raw))
				}
			}
		}
	})
}
