package packages

import (
	"encoding/binary"
	"io"
	"strings"
	"unicode/utf16"

	"plimsoll"
	"plimsoll/analyze"
)

// withoutMark returns a text file without its byte order mark, and one in UTF-16 with a mark as UTF-8. Readers of
// JSON may ignore a mark (RFC 8259, section 8.1), and editors write it. The caller has checked the size: the text of a
// file in UTF-16 is in memory.
func withoutMark(f analyze.File) (analyze.File, error) {
	var head [3]byte
	n, err := f.ReadAt(head[:], 0)
	if err != nil && err != io.EOF {
		return f, err
	}
	var order binary.ByteOrder
	switch mark := string(head[:n]); {
	case mark == "\xef\xbb\xbf":
		f.SectionReader = io.NewSectionReader(f.SectionReader, 3, f.Size()-3)
		return f, nil
	case strings.HasPrefix(mark, "\xff\xfe"):
		order = binary.LittleEndian
	case strings.HasPrefix(mark, "\xfe\xff"):
		order = binary.BigEndian
	default:
		return f, nil
	}
	raw, err := io.ReadAll(io.NewSectionReader(f.SectionReader, 2, f.Size()-2))
	if err != nil {
		return f, err
	}
	if len(raw)%2 != 0 {
		return f, plimsoll.Errorf(plimsoll.Invalid, "text in UTF-16 has %d bytes, which is odd", len(raw))
	}
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = order.Uint16(raw[2*i:])
	}
	text := string(utf16.Decode(units))
	f.SectionReader = io.NewSectionReader(strings.NewReader(text), 0, int64(len(text)))
	return f, nil
}
