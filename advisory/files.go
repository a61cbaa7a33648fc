package advisory

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strings"
)

// File is one record of a Source made by NewSource.
type File struct {
	Name   string
	Offset int64             // of the record in the line that ParseLine read, in bytes
	Size   int64             // bytes
	Hash   [sha256.Size]byte // SHA-256 of the feed's original file; zero = hash what Open returns
	Open   func() (io.ReadCloser, error)
}

// NewSource makes a source of records that are neither in a folder nor in a zip. path is
// where they come from, for messages.
func NewSource(path string, files []File) *Source {
	s := &Source{path: path, close: func() error { return nil }, entries: make([]dumpEntry, len(files))}
	for i, f := range files {
		s.entries[i] = dumpEntry{name: f.Name, size: f.Size, hash: f.Hash, open: f.Open}
	}
	slices.SortStableFunc(s.entries, func(a, b dumpEntry) int { return strings.Compare(a.name, b.name) })
	return s
}

// ParseLine finds the record in a line of a bundle, {"file":…,"sha256":…,"record":…}. It
// does not check that the record is OSV: Parse does.
func ParseLine(line []byte) (f File, err error) {
	d := &jsonDecoder{s: string(line)}
	for ok := d.enter('{'); ok; ok = d.more('{') {
		switch d.readKey() {
		case "file":
			f.Name = d.readString()
		case "sha256":
			if n, err := hex.Decode(f.Hash[:], []byte(d.readHexDigest())); err != nil || n != len(f.Hash) {
				d.fail("sha256 is not a digest")
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

// readHexDigest reads a string of 64 characters; "" for any other length.
func (d *jsonDecoder) readHexDigest() string {
	s := strings.Clone(d.readString())
	if len(s) != 2*sha256.Size {
		return ""
	}
	return s
}
