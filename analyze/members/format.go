package members

import (
	"bytes"
	"strconv"
)

// Format is a kind of archive or compressed file.
type Format string

// The formats. Those after Bzip2 are recognised but not read.
const (
	None     Format = ""
	Zip      Format = "zip"
	Tar      Format = "tar"
	Gzip     Format = "gzip"
	XZ       Format = "xz"
	Zstd     Format = "zstd"
	Bzip2    Format = "bzip2"
	SevenZip Format = "7z"
	Rar      Format = "rar"
	Cabinet  Format = "cab"
	Lzip     Format = "lzip"
	LZ4      Format = "lz4"
)

// HeadBytes is the number of first bytes that Recognise needs.
const HeadBytes = 512

var formatMagics = []struct {
	magic  string
	format Format
}{
	{"PK\x03\x04", Zip}, {"PK\x05\x06", Zip}, {"PK\x07\x08", Zip}, // APPNOTE.TXT 4.3
	{"\x1f\x8b\x08", Gzip},     // RFC 1952, 2.3
	{"\xfd7zXZ\x00", XZ},       // xz file format, 2.1.1.1
	{"\x28\xb5\x2f\xfd", Zstd}, // RFC 8878, 3.1.1
	{"7z\xbc\xaf\x27\x1c", SevenZip},
	{"Rar!\x1a\x07", Rar},
	{"MSCF\x00\x00\x00\x00", Cabinet},
	{"LZIP\x01", Lzip},
	{"\x04\x22\x4d\x18", LZ4},
}

// Recognise returns the format of a file with these first bytes: HeadBytes of them, or the whole file if it is shorter.
func Recognise(head []byte) Format {
	for _, m := range formatMagics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.format
		}
	}
	switch {
	case len(head) >= 10 && string(head[:3]) == "BZh" && head[3] >= '1' && head[3] <= '9' && (string(head[4:10]) == "1AY&SY" || string(head[4:10]) == "\x17rE8P\x90"):
		return Bzip2
	case len(head) >= 8 && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18":
		return Zstd // begins with a skippable frame (RFC 8878, 3.1.2)
	case isTarHeader(head):
		return Tar
	}
	return None
}

func (f Format) supported() bool {
	switch f {
	case Zip, Tar, Gzip, XZ, Zstd, Bzip2:
		return true
	default:
		return false
	}
}

// holdsOneStream reports whether the format contains one compressed stream and no members.
func (f Format) holdsOneStream() bool { return f.supported() && f != Zip && f != Tar }

// isTarHeader reports whether a block is the header of a tar entry, which is the case if its checksum is right
// (POSIX.1-2017, pax, "ustar Interchange Format"). Archives older than that standard have no other mark.
func isTarHeader(b []byte) bool {
	if len(b) < HeadBytes || b[0] == 0 {
		return false
	}
	field := bytes.Trim(b[148:156], " \x00")
	want, err := strconv.ParseInt(string(field), 8, 64)
	if err != nil {
		return false
	}
	var sum, signed int64
	for i, c := range b[:HeadBytes] {
		if i >= 148 && i < 156 {
			c = ' '
		}
		sum += int64(c)
		signed += int64(int8(c))
	}
	return want == sum || want == signed
}
