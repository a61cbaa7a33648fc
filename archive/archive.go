package archive

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"

	"plimsoll"
	"plimsoll/scratch"
	"plimsoll/verify"
)

// Archive is an open image archive or image layout. It is safe for concurrent use.
type Archive struct {
	file   io.Closer
	data   io.ReaderAt // of an archive
	root   *os.Root    // of a layout in a directory
	budget plimsoll.Budget

	members   map[string]member
	blobs     map[plimsoll.Digest]member // besides those under blobs/sha256
	manifests map[plimsoll.Digest][]byte // made here, for archives without any
	declared  map[plimsoll.Digest]string // media types that index.json tells
	images    []Image
}

// Image is one image of an archive.
type Image struct {
	Ref    string          // "nginx:1.27", or "" if the archive gives it no name
	Digest plimsoll.Digest // of its manifest or index
}

// Open indexes the archive at path. The file must not change while it is open.
func Open(path string, b plimsoll.Budget) (*Archive, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	return opened(f, b)
}

// Read spools an archive from a stream, for example standard input, and indexes it. The
// temporary file has no name any more and is gone once the archive is closed. An archive
// that is longer than ImageUnpacked is over the budget.
func Read(r io.Reader, b plimsoll.Budget) (*Archive, error) {
	f, err := scratch.File()
	if err != nil {
		return nil, ioError("making room for an archive", err)
	}
	n, err := io.Copy(f, io.LimitReader(r, b.ImageUnpacked+1))
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	switch {
	case err != nil:
		err = ioError("spooling the archive", err)
	case n > b.ImageUnpacked:
		err = tooLarge("the archive is longer than %d bytes", b.ImageUnpacked)
	default:
		return opened(f, b)
	}
	f.Close() //nolint:errcheck // the first error tells
	return nil, err
}

// opened indexes the archive in f and closes it when it does not return it.
func opened(f *os.File, b plimsoll.Budget) (*Archive, error) {
	f, err := plain(f, b)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close() //nolint:errcheck // only read from
		return nil, ioError("reading the archive", err)
	}
	a, err := index(f, info.Size(), b)
	if err != nil {
		f.Close() //nolint:errcheck // only read from
		return nil, err
	}
	a.file = f
	return a, nil
}

// openFile opens a regular file: a pipe would block, and a directory is no archive.
func openFile(path string) (*os.File, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, plimsoll.Fail(plimsoll.FailureNotFound, plimsoll.Errorf(plimsoll.NotFound, "there is no archive %q", path))
	case err != nil:
		return nil, ioError("opening the archive", err)
	case info.IsDir():
		return nil, plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Invalid, "%q is a directory", path).
			WithHint("open an OCI image layout with: --layout %s", path))
	case !info.Mode().IsRegular():
		return nil, plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Invalid, "%q is not a regular file", path))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, ioError("opening the archive", err)
	}
	return f, nil
}

func ioError(doing string, err error) error {
	return plimsoll.Fail(plimsoll.FailureDownload, &plimsoll.Error{Code: plimsoll.Unavailable, Message: doing, Err: err})
}

func invalid(format string, args ...any) error {
	return plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Invalid, format, args...))
}

func tooLarge(format string, args ...any) error {
	return plimsoll.Fail(plimsoll.FailureOversized, plimsoll.Errorf(plimsoll.TooLarge, format, args...))
}

// Images lists the images of the archive, in its order; one with several names is listed under each.
func (a *Archive) Images() []Image { return a.images }

// Close releases the file. Open blobs end with it.
func (a *Archive) Close() error { return a.file.Close() }

// Manifest returns the manifest or index with digest d and its media type.
func (a *Archive) Manifest(ctx context.Context, d plimsoll.Digest) (mediaType string, raw []byte, err error) {
	if raw, ok := a.manifests[d]; ok {
		return mediaDockerManifest, raw, nil
	}
	m, err := a.blob(d)
	if err != nil {
		return "", nil, err
	}
	if m.size > a.budget.ManifestBytes {
		return "", nil, tooLarge("manifest %s of %d bytes is over the budget of %d", d.Short(), m.size, a.budget.ManifestBytes)
	}
	r, err := a.prove(ctx, m, plimsoll.Descriptor{Digest: d, Size: m.size})
	if err != nil {
		return "", nil, err
	}
	defer r.Close() //nolint:errcheck // only read from
	if raw, err = io.ReadAll(r); err != nil {
		return "", nil, err
	}
	return a.mediaTypeOf(d, raw), raw, nil
}

// mediaTypeOf believes the document, then the index that names it, then its shape.
func (a *Archive) mediaTypeOf(d plimsoll.Digest, raw []byte) string {
	var shape struct {
		MediaType string          `json:"mediaType"`
		Manifests json.RawMessage `json:"manifests"`
	}
	err := json.Unmarshal(raw, &shape)
	switch {
	case err == nil && shape.MediaType != "" && len(shape.MediaType) <= maxMediaType:
		return shape.MediaType
	case a.declared[d] != "":
		return a.declared[d]
	case shape.Manifests != nil:
		return mediaIndex
	default:
		return mediaManifest
	}
}

// Blob opens the blob that d describes. The reader proves size and digest at its end.
func (a *Archive) Blob(ctx context.Context, d plimsoll.Descriptor) (io.ReadCloser, error) {
	m, err := a.blob(d.Digest)
	if err != nil {
		return nil, err
	}
	if m.size != d.Size {
		return nil, invalid("blob %s: the archive has %d bytes, the manifest says %d", d.Digest.Short(), m.size, d.Size)
	}
	return a.prove(ctx, m, d)
}

func (a *Archive) prove(ctx context.Context, m member, d plimsoll.Descriptor) (io.ReadCloser, error) {
	r, err := a.open(m)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{verify.Reader(contextReader{ctx: ctx, r: r}, d), r}, nil
}

// blob finds the member that claims to hold digest d.
func (a *Archive) blob(d plimsoll.Digest) (member, error) {
	if _, err := plimsoll.ParseDigest(string(d)); err != nil {
		return member{}, plimsoll.Fail(plimsoll.FailureDownload, err)
	}
	if m, ok := a.blobs[d]; ok {
		return m, nil
	}
	m, err := a.find(blobPath(d))
	if err == nil || (a.root != nil && !isMissing(err)) {
		return m, err
	}
	return member{}, plimsoll.Fail(plimsoll.FailureNotFound, plimsoll.Errorf(plimsoll.NotFound, "blob %s is not in the archive", d.Short()))
}

func blobPath(d plimsoll.Digest) string { return "blobs/sha256/" + d.Hex() }

// contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	if err != nil && err != io.EOF {
		err = ioError("reading the archive", err)
	}
	return n, err
}

// Bounds of strings that are handed on.
const (
	maxRefBytes  = 512
	maxMediaType = 255 // RFC 6838 section 4.2 has 127 for type and subtype each
)

// cleanRef returns a name that is fit to be shown, "" for any other.
func cleanRef(s string) string {
	unfit := func(r rune) bool { return r <= ' ' || r > '~' }
	if len(s) > maxRefBytes || strings.ContainsFunc(s, unfit) {
		return ""
	}
	return s
}
