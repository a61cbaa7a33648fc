package analyze

import (
	"bytes"
	"unicode/utf8"

	"plimsoll/pathlist"
)

// HeadBytes is the number of first bytes of a file that decide whether it is kept.
const HeadBytes = 512

// magics are the first bytes of kinds of files, according to file(1) and the formats' specifications.
var magics = [...]struct {
	offset int
	bytes  string
	kind   pathlist.Kind
}{
	{0, "\x7fELF", pathlist.KindELF},
	{0, "#!", pathlist.KindScript},
	{0, "PK\x03\x04", pathlist.KindArchive},
	{0, "PK\x05\x06", pathlist.KindArchive},
	{0, "\x1f\x8b", pathlist.KindArchive},
	{0, "\x28\xb5\x2f\xfd", pathlist.KindArchive},
	{0, "\xfd7zXZ\x00", pathlist.KindArchive},
	{0, "BZh", pathlist.KindArchive},
	{0, "7z\xbc\xaf\x27\x1c", pathlist.KindArchive},
	{0, "!<arch>\n", pathlist.KindArchive},
	{257, "ustar", pathlist.KindArchive},
	{0, "MZ", pathlist.KindPE},
	{0, "\xfe\xed\xfa\xce", pathlist.KindMachO},
	{0, "\xfe\xed\xfa\xcf", pathlist.KindMachO},
	{0, "\xce\xfa\xed\xfe", pathlist.KindMachO},
	{0, "\xcf\xfa\xed\xfe", pathlist.KindMachO},
	{0, "\x89PNG\r\n\x1a\n", pathlist.KindPicture},
	{0, "\xff\xd8\xff", pathlist.KindPicture},
	{0, "GIF8", pathlist.KindPicture},
	{0, "\x00\x00\x01\x00", pathlist.KindPicture},
	{8, "WEBP", pathlist.KindPicture},
	{0, "\xca\xfe\xba\xbe", pathlist.KindBytecode},
	{0, "\x00asm", pathlist.KindBytecode},
	{1, "\r\r\n", pathlist.KindBytecode}, // Python: since 3.5; a byte of version before it

	{0, "SQLite format 3\x00", pathlist.KindDatabase},
}

// FileKindOf returns the kind of a file by its first bytes, at most HeadBytes of them.
func FileKindOf(head []byte) pathlist.Kind {
	if len(head) == 0 {
		return pathlist.KindEmpty
	}
	text := isText(head)
	for _, m := range magics {
		if len(head) < m.offset || !bytes.HasPrefix(head[m.offset:], []byte(m.bytes)) {
			continue
		}
		if text && m.kind != pathlist.KindScript && m.kind != pathlist.KindArchive {
			continue // text that begins with "MZ", or with a letter and two line ends
		}
		return m.kind
	}
	if text {
		return pathlist.KindText
	}
	return pathlist.KindData
}

// isText reports whether head is UTF-8 without control characters that text does not use. The last
// rune may be incomplete.
func isText(head []byte) bool {
	for i := 0; i < len(head); {
		c := head[i]
		switch {
		case c < utf8.RuneSelf:
			if c < ' ' && c != '\n' && c != '\t' && c != '\r' && c != '\f' && c != 0x1b || c == 0x7f {
				return false
			}
			i++
		default:
			r, n := utf8.DecodeRune(head[i:])
			if r == utf8.RuneError && n == 1 {
				return len(head)-i < utf8.UTFMax && !utf8.FullRune(head[i:])
			}
			i += n
		}
	}
	return true
}
