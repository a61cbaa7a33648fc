package advisory

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strings"
)

// File is a record of a Source that was not opened from a folder or zip.
type File struct {
	Name   string
	Offset int64             // of the record in what ParseLine read
	Size   int64             // bytes
	Hash   [sha256.Size]byte // of the file that the feed had; zero = of the bytes themselves
	Open   func() (io.ReadCloser, error)
}

// NewSource makes a source of records that lie somewhere else.
func NewSource(path string, files []File) *Source {
	s := &Source{path: path, close: func() error { return nil }, entries: make([]dumpEntry, len(files))}
	for i, f := range files {
		s.entries[i] = dumpEntry{name: f.Name, size: f.Size, hash: f.Hash, open: f.Open}
	}
	slices.SortStableFunc(s.entries, func(a, b dumpEntry) int { return strings.Compare(a.name, b.name) })
	return s
}

// ParseLine finds the record in {"file":…,"sha256":…,"record":…}, the form in which a
// bundle has records. Whether the record is one, Parse tells.
func ParseLine(line []byte) (f File, err error) {
	d := &jsonDecoder{s: string(line)}
	for ok := d.enter('{'); ok; ok = d.more('{') {
		switch d.readKey() {
		case "file":
			f.Name = d.readString()
		case "sha256":
			if n, err := hex.Decode(f.Hash[:], []byte(d.readHexDigest())); err != nil || n != len(f.Hash) {
				d.fail("no digest")
			}
		case "record":
			d.peek()
			f.Offset = int64(d.at)
			d.skipValue()
			f.Size = int64(d.at) - f.Offset
		default:
			d.skipValue()
		}
	}
	d.expectEnd()
	if d.err == nil && f.Size == 0 {
		d.fail("no record")
	}
	return f, d.err
}

// readHexDigest reads a string of as many digits as a digest has; anything else is none.
func (d *jsonDecoder) readHexDigest() string {
	s := strings.Clone(d.readString())
	if len(s) != 2*sha256.Size {
		return ""
	}
	return s
}
