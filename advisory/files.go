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
	s := &Source{path: path, close: func() error { return nil }, entries: make([]entry, len(files))}
	for i, f := range files {
		s.entries[i] = entry{name: f.Name, size: f.Size, hash: f.Hash, open: f.Open}
	}
	slices.SortStableFunc(s.entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return s
}

// ParseLine finds the record in {"file":…,"sha256":…,"record":…}, the form in which a
// bundle has records. Whether the record is one, Parse tells.
func ParseLine(line []byte) (f File, err error) {
	d := &decoder{s: string(line)}
	for ok := d.open('{'); ok; ok = d.more('{') {
		switch d.key() {
		case "file":
			f.Name = d.str()
		case "sha256":
			if n, err := hex.Decode(f.Hash[:], []byte(d.hex())); err != nil || n != len(f.Hash) {
				d.fail("no digest")
			}
		case "record":
			d.next()
			f.Offset = int64(d.at)
			d.skip()
			f.Size = int64(d.at) - f.Offset
		default:
			d.skip()
		}
	}
	d.end()
	if d.err == nil && f.Size == 0 {
		d.fail("no record")
	}
	return f, d.err
}

// hex reads a string of as many digits as a digest has; anything else is none.
func (d *decoder) hex() string {
	s := strings.Clone(d.str())
	if len(s) != 2*sha256.Size {
		return ""
	}
	return s
}
