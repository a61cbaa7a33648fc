package archive

import (
	"errors"
	"io"
	"os"
	"path"

	"plimsoll"
)

// OpenLayout indexes the OCI image layout in directory dir (OCI Image Specification 1.1, "Image Layout"). It opens only
// index.json and regular files below blobs/sha256 that are named by a digest; it does not follow links. The files must
// not change while the layout is open; a changed file fails verification by its digest.
func OpenLayout(dir string, b plimsoll.Budget) (*Archive, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, plimsoll.Fail(plimsoll.FailureNotFound, plimsoll.Errorf(plimsoll.NotFound, "there is no directory %q", dir))
		}
		return nil, ioError("opening the image layout", err)
	}
	a := newArchive(b)
	a.file, a.root = root, root
	err = a.readLayout()
	if isMissing(err) {
		err = plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Invalid, "the directory holds no index.json: it is not an OCI image layout"))
	}
	if err != nil {
		root.Close() //nolint:errcheck // only read from
		return nil, err
	}
	return a, nil
}

// findLayoutFile returns a file of an image layout by its path.
func (a *Archive) findLayoutFile(name string) (member, error) {
	dir, base := path.Split(name)
	_, err := plimsoll.ParseDigest("sha256:" + base)
	if isBlob := dir == "blobs/sha256/" && err == nil; !isBlob && name != "index.json" {
		return member{}, missingMember(name)
	}
	info, err := a.root.Lstat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return member{}, missingMember(name)
	case err != nil:
		return member{}, ioError("reading the image layout", err)
	case !info.Mode().IsRegular():
		return member{}, invalidArchive("%s of the image layout is not a regular file", name)
	}
	return member{path: name, size: info.Size()}, nil
}

// openLayoutFile opens a file of the layout and reads at most the size that findLayoutFile returned.
func (a *Archive) openLayoutFile(m member) (io.ReadCloser, error) {
	f, err := a.root.Open(m.path)
	if err != nil {
		return nil, ioError("reading the image layout", err)
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(f, m.size), f}, nil
}
