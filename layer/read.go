package layer

import (
	"archive/tar"
	"context"
	"io"
	"strings"
	"sync/atomic"

	"plimsoll"
)

// Options describe a blob before it is read.
type Options struct {
	MediaType string // as the manifest declares it; only the bytes decide about decompression

	// CompressedSize is the descriptor's size in bytes; 0 if not known. A longer blob is
	// refused, a shorter one is a failed download.
	CompressedSize int64

	Budget plimsoll.Budget

	// Unpacked counts the decompressed bytes of all layers of an image; a pass that fails subtracts
	// what it added. nil means this layer alone.
	Unpacked *atomic.Int64
}

// Sums are checksums and sizes of a whole blob.
type Sums struct {
	Size     int64           `json:"size"`     // bytes as read
	DiffID   plimsoll.Digest `json:"diff_id"`  // of the decompressed bytes
	Unpacked int64           `json:"unpacked"` // decompressed bytes
	Entries  int             `json:"entries"`  // of the archive, the root not counted
}

// averagePath bounds the bytes of all paths of a layer: averagePath times the entries of the budget.
// It keeps a report in memory; real layers stay far below because they have fewer entries.
const averagePath = 128

// Read reads a blob once: it decompresses it (gzip with any number of members, zstd, or none, by
// magic bytes), computes the diff ID, and calls visit for every archive entry but the root, in
// their order. The reader has the file's content and is empty for other types; content that visit
// does not read is skipped. Read continues to the end of the blob, so the sums are over all of
// it. A goroutine decompresses; it has ended when Read returns.
//
// An error of visit ends the pass and is returned unchanged. Other errors have a failure code and
// wrap one of the Err values; an error of r has FailureDownload unless it has a code.
func Read(ctx context.Context, r io.Reader, o Options, visit func(plimsoll.Entry, io.Reader) error) (Sums, error) {
	if strings.HasSuffix(o.MediaType, "+encrypted") {
		return Sums{}, invalidErrorf(ErrEncrypted, "media type %.80q", o.MediaType)
	}
	src := newSource(ctx, r, o.CompressedSize)
	plain, closePlain, err := newDecompressor(src.buffered)
	if err != nil {
		return Sums{}, src.explain(err)
	}
	defer closePlain()
	out := newStream(src, plain, o)
	w := walker{ctx: ctx, out: out, budget: o.Budget, visit: visit}
	err = w.walk()
	out.close()
	if err != nil {
		out.shared.Add(-out.size)
		return Sums{}, err
	}
	return Sums{Size: src.size, DiffID: out.diffID(), Unpacked: out.size, Entries: w.entries}, nil
}

// walker reads the entries of one archive.
type walker struct {
	ctx    context.Context
	out    *stream
	budget plimsoll.Budget
	visit  func(plimsoll.Entry, io.Reader) error

	entries int
	paths   int   // bytes of all paths
	files   int64 // bytes of all files according to their headers
}

func (w *walker) walk() error {
	archive := tar.NewReader(w.out)
	content := &fileReader{ctx: w.ctx, archive: archive, out: w.out}
	for {
		header, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return w.out.explain(err)
		}
		if err := w.ctx.Err(); err != nil {
			return err
		}
		entry, skip, err := w.entry(header)
		if err != nil {
			return err
		}
		if skip {
			continue
		}
		content.err = nil
		if err := w.visit(entry, content); err != nil {
			if content.err != nil { // the archive failed, not the visitor
				return w.out.explain(content.err)
			}
			return err
		}
	}
	_, err := io.Copy(io.Discard, w.out)
	return err
}

// entry checks a header against the budgets.
func (w *walker) entry(h *tar.Header) (plimsoll.Entry, bool, error) {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return plimsoll.Entry{}, true, nil
	}
	path, err := cleanPath(h.Name, w.budget)
	if err != nil || path == "" {
		return plimsoll.Entry{}, true, err
	}
	e := plimsoll.Entry{Path: path, Mode: uint32(h.Mode & 07777), UID: h.Uid, GID: h.Gid}
	switch h.Typeflag {
	case tar.TypeDir:
		e.Type = plimsoll.EntryDir
	case tar.TypeSymlink:
		e.Type = plimsoll.EntrySymlink
		if len(h.Linkname) > w.budget.PathBytes {
			return e, false, budgetErrorf(ErrPath, "link target of %d bytes, budget %d", len(h.Linkname), w.budget.PathBytes)
		}
		e.Link = escapePath(h.Linkname)
	case tar.TypeLink:
		e.Type = plimsoll.EntryHardlink
		if e.Link, err = cleanPath(h.Linkname, w.budget); err != nil {
			return e, false, err
		}
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		e.Type = plimsoll.EntryOther
	default: // POSIX: an unknown type is a regular file
		e.Type, e.Size = plimsoll.EntryFile, h.Size
	}
	return e, false, w.charge(e)
}

// charge adds an entry to what the archive uses of the budgets.
func (w *walker) charge(e plimsoll.Entry) error {
	if w.entries++; w.entries > w.budget.LayerEntries {
		return budgetErrorf(ErrEntries, "more than %d entries", w.budget.LayerEntries)
	}
	if w.paths += len(e.Path) + len(e.Link); w.paths > w.budget.LayerEntries*averagePath {
		return budgetErrorf(ErrPaths, "paths of more than %d bytes", w.budget.LayerEntries*averagePath)
	}
	if w.files += e.Size; w.files < 0 || w.files > w.budget.ImageUnpacked {
		return budgetErrorf(ErrUnpacked, "files of more than %d bytes", w.budget.ImageUnpacked)
	}
	return nil
}

// fileReader is the content of the current file. It checks the context, and the ratio again: the
// holes of a sparse file are not in the stream. It keeps its own error.
type fileReader struct {
	ctx     context.Context
	archive *tar.Reader
	out     *stream
	size    int64 // bytes of all files so far, holes included
	err     error
}

func (f *fileReader) Read(p []byte) (int, error) {
	if err := f.ctx.Err(); err != nil {
		f.err = err
		return 0, err
	}
	n, err := f.archive.Read(p)
	f.size += int64(n)
	if exceeded := f.out.checkRatio(f.size); exceeded != nil {
		err = exceeded
	}
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}
