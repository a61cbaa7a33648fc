package advisory

import (
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/klauspost/compress/zip"

	"plimsoll"
)

// Bounds of one dump. errors.Is recognises the error of each.
const (
	maxEntries   = 1_000_000
	maxDirectory = 128 << 20 // bytes read to list a zip
	maxUnpacked  = 32 << 30  // bytes of all entries
	maxRatio     = 200       // unpacked to packed size, checked beyond ratioGrace
	ratioGrace   = 1 << 30
	maxFileName  = 1024
)

// Errors that refuse a dump as a whole.
var (
	ErrEntries = plimsoll.Errorf(plimsoll.TooLarge, "advisory: the dump has more than %d entries", maxEntries)
	ErrBomb    = plimsoll.Errorf(plimsoll.TooLarge, "advisory: the dump unpacks to more than %d times its size, or more than %d GiB", maxRatio, maxUnpacked>>30)
	ErrNoDump  = plimsoll.Errorf(plimsoll.Invalid, "advisory: not a folder or zip of OSV records")
)

// Source is an opened dump: a folder or a zip of JSON files, one record each.
type Source struct {
	path    string
	entries []dumpEntry
	close   func() error
}

// dumpEntry is a file of a dump.
type dumpEntry struct {
	name string // in the dump, slash-separated; never used as a file system path
	size int64
	hash [sha256.Size]byte // SHA-256 of the feed's original file; zero = hash what open returns
	open func() (io.ReadCloser, error)
}

// FeedName returns the default name of a feed read from path: the file's name without
// .zip. The public bucket stores each dump as <ecosystem>/all.zip; for all.zip the name is
// that of its folder.
func FeedName(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		abs = path
	}
	name := strings.TrimSuffix(filepath.Base(abs), ".zip")
	if name == "all" {
		name = filepath.Base(filepath.Dir(abs))
	}
	return name
}

// Open lists a folder of JSON files, at any depth, or a zip of them. It unpacks nothing; a
// dump beyond a bound is refused with ErrEntries or ErrBomb before any entry is read.
// Errors are NotFound, Invalid and TooLarge.
func Open(path string) (*Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.NotFound, "advisory: open dump: %w", err)
	}
	var s *Source
	switch {
	case info.IsDir():
		s, err = openFolder(path)
	case info.Mode().IsRegular():
		s, err = openZip(path, info.Size())
	default:
		err = ErrNoDump
	}
	if err != nil {
		return nil, err
	}
	s.path = path
	slices.SortStableFunc(s.entries, func(a, b dumpEntry) int { return strings.Compare(a.name, b.name) })
	return s, nil
}

// Path returns the path that the dump was opened at.
func (s *Source) Path() string { return s.path }

// Len returns the number of entries.
func (s *Source) Len() int { return len(s.entries) }

// Close closes the dump.
func (s *Source) Close() error { return s.close() }

func openFolder(path string) (*Source, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "advisory: open folder: %w", err)
	}
	s := &Source{close: root.Close}
	var total int64
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if total += info.Size(); total > maxUnpacked {
			return ErrBomb
		}
		if len(s.entries) == maxEntries {
			return ErrEntries
		}
		s.entries = append(s.entries, dumpEntry{name: name, size: info.Size(), open: func() (io.ReadCloser, error) { return root.Open(name) }})
		return nil
	})
	if err != nil {
		return nil, errors.Join(dumpError(err), root.Close())
	}
	return s, nil
}

func openZip(path string, size int64) (*Source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "advisory: open zip: %w", err)
	}
	s, err := readZip(f, size)
	if err != nil {
		return nil, errors.Join(dumpError(err), f.Close())
	}
	s.close = f.Close
	return s, nil
}

// readZip lists a zip. It limits the bytes read while listing, because the zip's directory
// may claim any number of entries.
func readZip(r io.ReaderAt, size int64) (*Source, error) {
	meter := &meteredReader{r: r, left: maxDirectory}
	z, err := zip.NewReader(meter, size)
	if err != nil {
		return nil, err
	}
	if len(z.File) > maxEntries {
		return nil, ErrEntries
	}
	meter.unmetered = true
	s := &Source{close: func() error { return nil }, entries: make([]dumpEntry, 0, len(z.File))}
	var total uint64
	for _, f := range z.File {
		if total += min(f.UncompressedSize64, maxUnpacked); total > maxUnpacked {
			return nil, ErrBomb
		}
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		s.entries = append(s.entries, dumpEntry{name: f.Name, size: int64(min(f.UncompressedSize64, maxUnpacked)), open: f.Open})
	}
	if total > ratioGrace && total > maxRatio*uint64(size) {
		return nil, ErrBomb
	}
	return s, nil
}

// meteredReader returns ErrEntries once more than left bytes were read, unless unmetered
// is set.
type meteredReader struct {
	r         io.ReaderAt
	left      int64
	unmetered bool
}

func (m *meteredReader) ReadAt(p []byte, off int64) (int, error) {
	if m.unmetered {
		return m.r.ReadAt(p, off)
	}
	if m.left -= int64(len(p)); m.left < 0 {
		return 0, ErrEntries
	}
	return m.r.ReadAt(p, off)
}

// dumpError returns an error that has a code as it is, and makes any other Invalid.
func dumpError(err error) error {
	if _, ok := errors.AsType[*plimsoll.Error](err); ok {
		return err
	}
	return plimsoll.Errorf(plimsoll.Invalid, "advisory: read dump: %w", errors.Join(ErrNoDump, err)).
		WithHint("give a folder of OSV JSON files, or a zip such as the public bucket's all.zip")
}

// validFileName reports whether the name can identify a record, or a feed.
func validFileName(name string) bool {
	if name == "" || len(name) > maxFileName || !utf8.ValidString(name) {
		return false
	}
	return strings.IndexFunc(name, unicode.IsControl) < 0
}

func hasJSONExtension(name string) bool { return strings.EqualFold(path.Ext(name), ".json") }
