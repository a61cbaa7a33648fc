package members

import (
	"archive/tar"
	"errors"
	"io"
)

func (w *walk) tar(at place, r io.Reader) error {
	names := newNames()
	archive := tar.NewReader(r)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return w.failed(at.path, -1, err)
		}
		if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeGNUSparse {
			if w.members--; w.members < 0 {
				w.tell(at.path, -1, fail(TooMany, "more members than are looked at"))
				return errStop
			}
			continue
		}
		// Holes of a sparse file are bytes that no archive below has counted.
		content := &meter{w: w, r: archive, left: w.limits.Bytes}
		if err := w.member(place{path: join(at.path, names.unique(h.Name)), depth: at.depth}, h.Size, content); err != nil {
			return err
		}
	}
}
