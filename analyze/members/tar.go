package members

import (
	"archive/tar"
	"errors"
	"io"
)

func (w *walker) walkTar(at location, r io.Reader) error {
	names := newUniqueNames()
	archive := tar.NewReader(r)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return w.reportError(at.path, -1, err)
		}
		if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeGNUSparse {
			if w.membersLeft--; w.membersLeft < 0 {
				w.reportFailure(at.path, -1, newFailure(TooMany, "the archive has more members than the limit"))
				return errStop
			}
			continue
		}
		// The holes of a sparse file are not in the total yet, because no outer archive contains them.
		content := &limitedReader{w: w, r: archive, left: w.limits.Bytes}
		if err := w.visitMember(location{path: memberPath(at.path, names.label(h.Name)), depth: at.depth}, h.Size, content); err != nil {
			return err
		}
	}
}
