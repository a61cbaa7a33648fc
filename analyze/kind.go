package analyze

import (
	"bytes"
	"unicode/utf8"

	"plimsoll"
)

// HeadBytes is how many first bytes of a file are looked at before anything is kept.
const HeadBytes = 512

// magics are the first bytes of kinds of file, as file(1) and the formats' own specifications give them.
var magics = [...]struct {
	offset int
	bytes  string
	kind   plimsoll.FileKind
}{
	{0, "\x7fELF", plimsoll.KindELF},
	{0, "#!", plimsoll.KindScript},
	{0, "PK\x03\x04", plimsoll.KindArchive},
	{0, "PK\x05\x06", plimsoll.KindArchive},
	{0, "\x1f\x8b", plimsoll.KindArchive},
	{0, "\x28\xb5\x2f\xfd", plimsoll.KindArchive},
	{0, "\xfd7zXZ\x00", plimsoll.KindArchive},
	{0, "BZh", plimsoll.KindArchive},
	{0, "7z\xbc\xaf\x27\x1c", plimsoll.KindArchive},
	{0, "!<arch>\n", plimsoll.KindArchive},
	{257, "ustar", plimsoll.KindArchive},
	{0, "MZ", plimsoll.KindPE},
	{0, "\xfe\xed\xfa\xce", plimsoll.KindMachO},
	{0, "\xfe\xed\xfa\xcf", plimsoll.KindMachO},
	{0, "\xce\xfa\xed\xfe", plimsoll.KindMachO},
	{0, "\xcf\xfa\xed\xfe", plimsoll.KindMachO},
	{0, "\x89PNG\r\n\x1a\n", plimsoll.KindPicture},
	{0, "\xff\xd8\xff", plimsoll.KindPicture},
	{0, "GIF8", plimsoll.KindPicture},
	{0, "\x00\x00\x01\x00", plimsoll.KindPicture},
	{8, "WEBP", plimsoll.KindPicture},
	{0, "\xca\xfe\xba\xbe", plimsoll.KindBytecode},
	{0, "\x00asm", plimsoll.KindBytecode},
	{1, "\r\r\n", plimsoll.KindBytecode}, // Python: since 3.5; a byte of version before it

	{0, "SQLite format 3\x00", plimsoll.KindDatabase},
}

// KindOf tells what a file is by its first bytes, at most HeadBytes of them.
func KindOf(head []byte) plimsoll.FileKind {
	if len(head) == 0 {
		return plimsoll.KindEmpty
	}
	text := isText(head)
	for _, m := range magics {
		if len(head) < m.offset || !bytes.HasPrefix(head[m.offset:], []byte(m.bytes)) {
			continue
		}
		if text && m.kind != plimsoll.KindScript && m.kind != plimsoll.KindArchive {
			continue // an article about MZ, a list with a blank line behind two letters
		}
		return m.kind
	}
	if text {
		return plimsoll.KindText
	}
	return plimsoll.KindData
}

// isText: UTF-8 without control characters that text has no use for. The last rune may be cut.
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
