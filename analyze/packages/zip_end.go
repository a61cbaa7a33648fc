package packages

import (
	"bytes"
	"io"
)

// hasZipEnd reports whether a file has the end record of a zip (APPNOTE.TXT 4.3.16): 22 bytes, and a comment of up to
// 65,535 after them. Any bytes may precede the archive.
func hasZipEnd(r interface {
	io.ReaderAt
	Size() int64
}) (bool, error) {
	const longest = 22 + 1<<16 - 1
	tail := make([]byte, min(r.Size(), longest))
	n, err := r.ReadAt(tail, r.Size()-int64(len(tail)))
	if err == io.EOF {
		err = nil
	}
	return bytes.Contains(tail[:n], []byte("PK\x05\x06")), err
}
