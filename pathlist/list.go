package pathlist

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"unicode/utf8"
)

// List is a column of paths with size and kind. An entry stores only the end of its path that
// differs from the path before, so a hundred thousand paths take a few bytes each.
//
// Its text, which is also its JSON string, is one record per path: the number of bytes shared with
// the path before, the number of bytes that follow, the size, each in decimal and followed by a
// space; the letter of the kind; the bytes that follow.
type List struct {
	text []byte
	n    int
	last string
}

// Entry is one path of a List. The path of a directory ends in a slash.
type Entry struct {
	Path string
	Size int64 // bytes of a regular file, else 0
	Kind Kind
}

// Add appends an entry. The path must be valid UTF-8.
func (l *List) Add(e Entry) {
	shared := commonPrefix(l.last, e.Path)
	for shared > 0 && shared < len(e.Path) && !utf8.RuneStart(e.Path[shared]) {
		shared--
	}
	l.text = strconv.AppendInt(l.text, int64(shared), 10)
	l.text = append(l.text, ' ')
	l.text = strconv.AppendInt(l.text, int64(len(e.Path)-shared), 10)
	l.text = append(l.text, ' ')
	l.text = strconv.AppendInt(l.text, e.Size, 10)
	l.text = append(l.text, ' ', byte(e.Kind))
	l.text = append(l.text, e.Path[shared:]...)
	l.last = e.Path
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

// Equal reports whether two lists have the same entries.
func (l List) Equal(o List) bool { return bytes.Equal(l.text, o.text) }

// Len returns the number of entries.
func (l *List) Len() int { return l.n }

// All yields the entries in their order.
func (l *List) All() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		at, last := 0, ""
		for at < len(l.text) {
			e, next, ok := decodeEntry(l.text, at, last)
			if !ok || !yield(e) {
				return
			}
			at, last = next, e.Path
		}
	}
}

// decodeEntry reads the entry at an offset of a list's text. next is the offset after it.
func decodeEntry(text []byte, at int, last string) (e Entry, next int, ok bool) {
	var numbers [3]int64
	for i := range numbers {
		digits := at
		for at < len(text) && text[at] >= '0' && text[at] <= '9' && at-digits < 18 {
			numbers[i] = numbers[i]*10 + int64(text[at]-'0')
			at++
		}
		if at == digits || at == len(text) || text[at] != ' ' {
			return e, 0, false
		}
		at++
	}
	shared, more := numbers[0], numbers[1]
	if at == len(text) || shared > int64(len(last)) || more > int64(len(text)-at-1) {
		return e, 0, false
	}
	e.Kind, e.Size = Kind(text[at]), numbers[2]
	at++
	e.Path = last[:shared] + string(text[at:at+int(more)])
	return e, at + int(more), true
}

// MarshalJSON implements json.Marshaler.
func (l List) MarshalJSON() ([]byte, error) { return json.Marshal(string(l.text)) }

// UnmarshalJSON implements json.Unmarshaler. It refuses every text that Add cannot have written,
// because a list may come from a process that reads hostile bytes.
func (l *List) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	out := List{text: []byte(text)}
	for at := 0; at < len(out.text); out.n++ {
		e, next, ok := decodeEntry(out.text, at, out.last)
		if !ok || e.Path == "" {
			return fmt.Errorf("record %d of a list of paths is malformed", out.n)
		}
		at, out.last = next, e.Path
	}
	*l = out
	return nil
}
