package archive

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"path"
	"strings"

	"plimsoll"
)

// Bounds of the archive itself. The largest ones in use have a few members per layer.
const (
	maxMembers   = 200_000
	maxNameBytes = 32 << 20 // of the names and link targets of all members together
	maxImages    = 10_000
)

// member is an entry of the archive (bytes at an offset, or a link to another entry) or a file of an image layout.
type member struct {
	offset, size int64
	link         string // cleaned path of the target, "" for a file
	path         string // of a file in the layout's directory, "" in an archive
}

func newArchive(b plimsoll.Budget) *Archive {
	return &Archive{
		budget:    b,
		members:   map[string]member{},
		blobs:     map[plimsoll.Digest]member{},
		manifests: map[plimsoll.Digest][]byte{},
		declared:  map[plimsoll.Digest]string{},
	}
}

// indexTar finds the members of an uncompressed tar archive and the images in it.
func indexTar(data io.ReaderAt, size int64, b plimsoll.Budget) (*Archive, error) {
	a := newArchive(b)
	a.data = data
	if err := a.readMembers(io.NewSectionReader(data, 0, size)); err != nil {
		return nil, err
	}
	_, layout := a.members["index.json"]
	_, saved := a.members["manifest.json"]
	_, ancient := a.members["repositories"]
	switch {
	case layout:
		return a, a.readLayout()
	case saved:
		return a, a.readSaved()
	case ancient:
		return nil, plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Invalid, "the archive was saved by Docker before 1.10").
			WithHint("load it with a newer Docker and save it again"))
	default:
		return nil, plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Invalid, "the file holds neither index.json nor manifest.json").
			WithHint("write an archive with: docker save -o image.tar NAME"))
	}
}

// readMembers records the offset of every member. If several members have the same name the last one counts, as when
// unpacking.
func (a *Archive) readMembers(r *io.SectionReader) error {
	tr := tar.NewReader(r)
	names := 0
	for count := 0; ; count++ {
		h, err := tr.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return invalidArchive("the archive is not a valid tar: %w", err)
		}
		names += len(h.Name) + len(h.Linkname)
		if count >= maxMembers || names > maxNameBytes {
			return overBudget("the archive has more than %d members, or %d bytes of names", maxMembers, maxNameBytes)
		}
		if len(h.Name) > a.budget.PathBytes || len(h.Linkname) > a.budget.PathBytes {
			return overBudget("the archive has a path of more than %d bytes", a.budget.PathBytes)
		}
		// The tar reader does not read ahead, so the member's bytes start at the current offset.
		offset, err := r.Seek(0, io.SeekCurrent)
		if err != nil {
			return ioError("reading the archive", err)
		}
		if name, m, ok := memberOfHeader(h, offset); ok {
			a.members[name] = m
		}
	}
}

// memberOfHeader converts a tar header. It returns false for names outside of the archive and for entries without plain
// bytes.
func memberOfHeader(h *tar.Header, offset int64) (string, member, bool) {
	name, ok := cleanInside(h.Name)
	if !ok {
		return "", member{}, false
	}
	m := member{offset: offset, size: h.Size}
	var target string
	switch h.Typeflag {
	case tar.TypeReg:
		return name, m, !isSparse(h)
	case tar.TypeSymlink:
		if strings.HasPrefix(h.Linkname, "/") {
			return "", member{}, false
		}
		target = path.Dir(name) + "/" + h.Linkname
	case tar.TypeLink:
		target = h.Linkname
	default:
		return "", member{}, false
	}
	target, ok = cleanInside(target)
	return name, member{link: target}, ok
}

// isSparse reports whether a file has holes: its bytes are not in one piece. The tar reader reports sparse files of the
// PAX format as regular files.
func isSparse(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// cleanInside returns the cleaned path; ok is false if it leaves the archive.
func cleanInside(name string) (string, bool) {
	name = path.Clean(name)
	if name == "." || name == ".." || strings.HasPrefix(name, "/") || strings.HasPrefix(name, "../") {
		return "", false
	}
	return name, true
}

// findMember returns the file with a name, and follows links inside the archive.
func (a *Archive) findMember(name string) (member, error) {
	if a.root != nil {
		return a.findLayoutFile(name)
	}
	for range a.budget.LinkChain + 1 {
		m, ok := a.members[name]
		if !ok {
			return member{}, missingMember(name)
		}
		if m.link == "" {
			return m, nil
		}
		name = m.link
	}
	return member{}, invalidArchive("the archive has a chain of more than %d links", a.budget.LinkChain)
}

func missingMember(name string) error {
	return plimsoll.Fail(plimsoll.FailureNotFound, plimsoll.Errorf(plimsoll.NotFound, "the archive has no member %.200q", name))
}

// openMember returns a reader of a member's bytes.
func (a *Archive) openMember(m member) (io.ReadCloser, error) {
	if a.root != nil {
		return a.openLayoutFile(m)
	}
	return io.NopCloser(io.NewSectionReader(a.data, m.offset, m.size)), nil
}

// decodeJSON decodes a small JSON member into v.
func (a *Archive) decodeJSON(name string, v any) error {
	m, err := a.findMember(name)
	if err != nil {
		return err
	}
	if m.size > a.budget.ManifestBytes {
		return overBudget("%s of %d bytes is over the budget of %d", name, m.size, a.budget.ManifestBytes)
	}
	r, err := a.openMember(m)
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // only read from
	raw, err := io.ReadAll(r)
	if err == nil && int64(len(raw)) != m.size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return ioError("reading "+name+" of the archive", err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return invalidArchive("%s of the archive is not valid: %w", name, err)
	}
	return nil
}

// addImage lists an image under each of its names.
func (a *Archive) addImage(d plimsoll.Digest, refs ...string) error {
	if len(refs) == 0 {
		refs = []string{""}
	}
	for _, ref := range refs {
		if len(a.images) >= maxImages {
			return overBudget("the archive names more than %d images", maxImages)
		}
		a.images = append(a.images, Image{Ref: cleanRef(ref), Digest: d})
	}
	return nil
}

// isMissing reports whether an optional part is absent.
func isMissing(err error) bool {
	e, ok := errors.AsType[*plimsoll.Error](err)
	return ok && e.Code == plimsoll.NotFound
}
