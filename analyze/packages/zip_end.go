package packages

import (
	"bytes"
	"io"

	"plimsoll/analyze"
)

// looksLikeZip reports whether a file is meant to be a zip: it begins as one, which may be cut off, or it has the end
// record of one: 22 bytes, and a comment of up to 65,535 after them (APPNOTE.TXT 4.3.16). Any bytes may precede the
// archive.
func looksLikeZip(f analyze.File) (bool, error) {
	var head [2]byte
	if n, err := f.ReadAt(head[:], 0); err != nil && err != io.EOF {
		return false, err
	} else if string(head[:n]) == "PK" {
		return true, nil
	}
	const longest = 22 + 1<<16 - 1
	tail := make([]byte, min(f.Size(), longest))
	n, err := f.ReadAt(tail, f.Size()-int64(len(tail)))
	if err == io.EOF {
		err = nil
	}
	return bytes.Contains(tail[:n], []byte("PK\x05\x06")), err
}
