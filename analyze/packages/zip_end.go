package packages

import (
	"bytes"
	"io"
)

// looksLikeZip reports whether a file is meant to be a zip: it has the end record of one (APPNOTE.TXT 4.3.16), or begins
// as one that was cut off.
func looksLikeZip(r sizedReaderAt) (bool, error) {
	var head [2]byte
	if n, err := r.ReadAt(head[:], 0); err != nil && err != io.EOF {
		return false, err
	} else if string(head[:n]) == "PK" {
		return true, nil
	}
	return hasZipEnd(r)
}

// sizedReaderAt is a file that may be a zip.
type sizedReaderAt interface {
	io.ReaderAt
	Size() int64
}

// hasZipEnd reports whether a file has the end record of a zip (APPNOTE.TXT 4.3.16): 22 bytes, and a comment of up to
// 65,535 after them. Any bytes may precede the archive.
func hasZipEnd(r sizedReaderAt) (bool, error) {
	const longest = 22 + 1<<16 - 1
	tail := make([]byte, min(r.Size(), longest))
	n, err := r.ReadAt(tail, r.Size()-int64(len(tail)))
	if err == io.EOF {
		err = nil
	}
	return bytes.Contains(tail[:n], []byte("PK\x05\x06")), err
}
