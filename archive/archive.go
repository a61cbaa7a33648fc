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
	data   io.ReaderAt // nil for a layout in a directory
	root   *os.Root    // nil for an archive
	budget plimsoll.Budget

	members   map[string]member
	blobs     map[plimsoll.Digest]member // in addition to those under blobs/sha256
	manifests map[plimsoll.Digest][]byte // generated here, for archives without manifests
	declared  map[plimsoll.Digest]string // media types from index.json
	images    []Image
}

// Image is one image of an archive.
type Image struct {
	Ref    string          // "nginx:1.27", or "" if the image has no name in the archive
	Digest plimsoll.Digest // of its manifest or index
}

// Open indexes the archive at path. The file must not change while it is open.
func Open(path string, b plimsoll.Budget) (*Archive, error) {
	f, err := openRegularFile(path)
	if err != nil {
		return nil, err
	}
	return indexFile(f, b)
}

// Read copies an archive from a stream, for example standard input, to a temporary file without a name and indexes it.
// The file's space is freed when the archive is closed. An archive longer than b.ImageUnpacked is over the budget.
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
		err = overBudget("the archive is longer than %d bytes", b.ImageUnpacked)
	default:
		return indexFile(f, b)
	}
	f.Close() //nolint:errcheck // the first error is returned
	return nil, err
}

// indexFile indexes the archive in f. It closes f if it returns an error.
func indexFile(f *os.File, b plimsoll.Budget) (*Archive, error) {
	f, err := uncompressedFile(f, b)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close() //nolint:errcheck // only read from
		return nil, ioError("reading the archive", err)
	}
	a, err := indexTar(f, info.Size(), b)
	if err != nil {
		f.Close() //nolint:errcheck // only read from
		return nil, err
	}
	a.file = f
	return a, nil
}

// openRegularFile opens a regular file. It refuses pipes, which would block, and directories.
func openRegularFile(path string) (*os.File, error) {
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

func invalidArchive(format string, args ...any) error {
	return plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Invalid, format, args...))
}

func overBudget(format string, args ...any) error {
	return plimsoll.Fail(plimsoll.FailureOversized, plimsoll.Errorf(plimsoll.TooLarge, format, args...))
}

// Images returns the images in the order of the archive. An image with several names is listed under each.
func (a *Archive) Images() []Image { return a.images }

// Close releases the file. Open blobs become unusable.
func (a *Archive) Close() error { return a.file.Close() }

// Manifest returns the manifest or index with digest d and its media type.
func (a *Archive) Manifest(ctx context.Context, d plimsoll.Digest) (mediaType string, raw []byte, err error) {
	if raw, ok := a.manifests[d]; ok {
		return mediaDockerManifest, raw, nil
	}
	m, err := a.findBlob(d)
	if err != nil {
		return "", nil, err
	}
	if m.size > a.budget.ManifestBytes {
		return "", nil, overBudget("manifest %s of %d bytes is over the budget of %d", d.Short(), m.size, a.budget.ManifestBytes)
	}
	r, err := a.openVerified(ctx, m, plimsoll.Descriptor{Digest: d, Size: m.size})
	if err != nil {
		return "", nil, err
	}
	defer r.Close() //nolint:errcheck // only read from
	if raw, err = io.ReadAll(r); err != nil {
		return "", nil, err
	}
	return a.mediaTypeOf(d, raw), raw, nil
}

// mediaTypeOf returns the media type in the document, else the one in the index, else one that fits the document's
// fields.
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

// Blob opens the blob that d describes. The reader verifies size and digest at its end.
func (a *Archive) Blob(ctx context.Context, d plimsoll.Descriptor) (io.ReadCloser, error) {
	m, err := a.findBlob(d.Digest)
	if err != nil {
		return nil, err
	}
	if m.size != d.Size {
		return nil, invalidArchive("blob %s: the archive has %d bytes, the manifest says %d", d.Digest.Short(), m.size, d.Size)
	}
	return a.openVerified(ctx, m, d)
}

func (a *Archive) openVerified(ctx context.Context, m member, d plimsoll.Descriptor) (io.ReadCloser, error) {
	r, err := a.openMember(m)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{verify.Reader(contextReader{ctx: ctx, r: r}, d), r}, nil
}

// findBlob returns the member that should have digest d.
func (a *Archive) findBlob(d plimsoll.Digest) (member, error) {
	if _, err := plimsoll.ParseDigest(string(d)); err != nil {
		return member{}, plimsoll.Fail(plimsoll.FailureDownload, err)
	}
	if m, ok := a.blobs[d]; ok {
		return m, nil
	}
	m, err := a.findMember(blobPath(d))
	if err == nil || (a.root != nil && !isMissing(err)) {
		return m, err
	}
	return member{}, plimsoll.Fail(plimsoll.FailureNotFound, plimsoll.Errorf(plimsoll.NotFound, "blob %s is not in the archive", d.Short()))
}

func blobPath(d plimsoll.Digest) string { return "blobs/sha256/" + d.Hex() }

// contextReader fails when its context ends.
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

// Bounds of strings from the archive.
const (
	maxRefBytes  = 512
	maxMediaType = 255 // RFC 6838 section 4.2 has 127 for type and subtype each
)

// cleanRef returns the name if it can be shown, otherwise "".
func cleanRef(s string) string {
	unfit := func(r rune) bool { return r <= ' ' || r > '~' }
	if len(s) > maxRefBytes || strings.ContainsFunc(s, unfit) {
		return ""
	}
	return s
}
