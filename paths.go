package plimsoll

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"
	"unicode/utf8"
)

// FileKind is what the first bytes of a file say it is; one letter.
type FileKind byte

// The kinds of file. A directory or a link has none.
const (
	KindNone     FileKind = '-'
	KindEmpty    FileKind = '0'
	KindELF      FileKind = 'e'
	KindPE       FileKind = 'p'
	KindMachO    FileKind = 'm'
	KindScript   FileKind = 's' // "#!"
	KindText     FileKind = 't'
	KindArchive  FileKind = 'z' // zip, tar, or a compressed stream
	KindPicture  FileKind = 'i'
	KindBytecode FileKind = 'b' // of Java, Python or WebAssembly
	KindDatabase FileKind = 'd' // SQLite
	KindData     FileKind = 'x' // anything else
)

// String names the kind.
func (k FileKind) String() string {
	switch k {
	case KindEmpty:
		return "empty"
	case KindELF:
		return "elf"
	case KindPE:
		return "pe"
	case KindMachO:
		return "mach-o"
	case KindScript:
		return "script"
	case KindText:
		return "text"
	case KindArchive:
		return "archive"
	case KindPicture:
		return "picture"
	case KindBytecode:
		return "bytecode"
	case KindDatabase:
		return "database"
	case KindData:
		return "data"
	default:
		return "none"
	}
}

// PathList is a column of paths with size and kind. A path holds only what differs from the one
// before it, so a layer's hundred thousand paths take a few bytes each, and little time to read.
//
// Its text, which is its JSON too, is one record a path: the bytes shared with the path before,
// the bytes that follow, the size, each in decimal and with a space behind; the kind; the bytes.
type PathList struct {
	text []byte
	n    int
	last string
}

// Listed is one record of a PathList. A directory's path ends in a slash.
type Listed struct {
	Path string
	Size int64 // bytes of a regular file, else 0
	Kind FileKind
}

// Add appends a record. The path must be valid UTF-8.
func (l *PathList) Add(r Listed) {
	shared := commonPrefix(l.last, r.Path)
	for shared > 0 && shared < len(r.Path) && !utf8.RuneStart(r.Path[shared]) {
		shared--
	}
	l.text = strconv.AppendInt(l.text, int64(shared), 10)
	l.text = append(l.text, ' ')
	l.text = strconv.AppendInt(l.text, int64(len(r.Path)-shared), 10)
	l.text = append(l.text, ' ')
	l.text = strconv.AppendInt(l.text, r.Size, 10)
	l.text = append(l.text, ' ', byte(r.Kind))
	l.text = append(l.text, r.Path[shared:]...)
	l.last = r.Path
	l.n++
}

func commonPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// Equal reports whether two lists hold the same records.
func (l PathList) Equal(o PathList) bool { return bytes.Equal(l.text, o.text) }

// Len is the number of records.
func (l *PathList) Len() int { return l.n }

// All yields the records in their order.
func (l *PathList) All() iter.Seq[Listed] {
	return func(yield func(Listed) bool) {
		at, last := 0, ""
		for at < len(l.text) {
			r, next, ok := nextListed(l.text, at, last)
			if !ok || !yield(r) {
				return
			}
			at, last = next, r.Path
		}
	}
}

// nextListed reads the record at an offset of a list's text.
func nextListed(text []byte, at int, last string) (r Listed, next int, ok bool) {
	var numbers [3]int64
	for i := range numbers {
		digits := at
		for at < len(text) && text[at] >= '0' && text[at] <= '9' && at-digits < 18 {
			numbers[i] = numbers[i]*10 + int64(text[at]-'0')
			at++
		}
		if at == digits || at == len(text) || text[at] != ' ' {
			return r, 0, false
		}
		at++
	}
	shared, more := numbers[0], numbers[1]
	if at == len(text) || shared > int64(len(last)) || more > int64(len(text)-at-1) {
		return r, 0, false
	}
	r.Kind, r.Size = FileKind(text[at]), numbers[2]
	at++
	r.Path = last[:shared] + string(text[at:at+int(more)])
	return r, at + int(more), true
}

// MarshalJSON implements json.Marshaler.
func (l PathList) MarshalJSON() ([]byte, error) { return json.Marshal(string(l.text)) }

// UnmarshalJSON implements json.Unmarshaler. It refuses what Add cannot have written: a list may
// come from a process that looked at hostile bytes.
func (l *PathList) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	out := PathList{text: []byte(text)}
	for at := 0; at < len(out.text); out.n++ {
		r, next, ok := nextListed(out.text, at, out.last)
		if !ok || r.Path == "" {
			return Errorf(Invalid, "record %d of a list of paths is malformed", out.n)
		}
		at, out.last = next, r.Path
	}
	*l = out
	return nil
}
