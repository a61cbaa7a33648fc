package members

import (
	"archive/zip"
	"compress/bzip2"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/therootcompany/xz"
)

// Flags of a member (APPNOTE.TXT 4.4.4) and compression methods (4.4.5).
const (
	flagEncrypted = 1 << 0
	flagMasked    = 1 << 13 // the directory is encrypted

	methodBzip2 = 12
	methodZstd  = 93
	methodXZ    = 95
)

func (w *walker) walkZip(at location, content io.ReaderAt, size int64) error {
	directory := &directoryReader{content: content, left: w.limits.Directory}
	archive, err := zip.NewReader(directory, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return w.reportError(at.path, size, err)
	}
	directory.left = -1
	w.registerDecompressors(archive, at.depth)
	if membersOverlap(archive.File) {
		w.reportFailure(at.path, size, newFailure(Overlapping, "members of the archive share bytes"))
		return nil
	}
	names := newUniqueNames()
	for _, f := range archive.File {
		if strings.HasSuffix(f.Name, "/") && f.UncompressedSize64 == 0 {
			continue
		}
		if err := w.walkZipMember(location{path: memberPath(at.path, names.label(f.Name)), depth: at.depth}, f); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) walkZipMember(at location, f *zip.File) error {
	size := int64(min(f.UncompressedSize64, 1<<62))
	if f.Flags&(flagEncrypted|flagMasked) != 0 {
		w.reportFailure(at.path, size, newFailure(Encrypted, "the member is encrypted"))
		return w.countMember(at.path)
	}
	r, err := f.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		w.reportFailure(at.path, size, newFailure(Unsupported, "the compression method is not supported"))
		return w.countMember(at.path)
	}
	if err != nil {
		if err := w.reportError(at.path, size, err); err != nil {
			return err
		}
		return w.countMember(at.path)
	}
	defer r.Close() //nolint:errcheck // only read from
	return w.visitMember(at, size, &limitedReader{w: w, r: r, left: w.limits.Bytes})
}

// countMember counts a member that is not visited.
func (w *walker) countMember(path string) error {
	if w.membersLeft--; w.membersLeft < 0 {
		w.reportFailure(path, -1, newFailure(TooMany, "the archive has more members than the limit"))
		return errStop
	}
	return nil
}

// registerDecompressors registers the compression methods, with bounded memory.
func (w *walker) registerDecompressors(archive *zip.Reader, depth int) {
	window := w.decoderWindow(depth + 1)
	archive.RegisterDecompressor(zip.Deflate, newDeflateReader)
	archive.RegisterDecompressor(methodBzip2, func(r io.Reader) io.ReadCloser { return io.NopCloser(bzip2.NewReader(r)) })
	archive.RegisterDecompressor(methodZstd, func(r io.Reader) io.ReadCloser {
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(uint64(window)))
		if err != nil {
			return io.NopCloser(errReader{err})
		}
		return struct {
			io.Reader
			io.Closer
		}{errorTranslator{z}, z.IOReadCloser()}
	})
	archive.RegisterDecompressor(methodXZ, func(r io.Reader) io.ReadCloser {
		z, err := xz.NewReader(r, uint32(window))
		if err != nil {
			return io.NopCloser(errReader{translateError(err)})
		}
		return io.NopCloser(errorTranslator{z})
	})
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

// membersOverlap reports whether two members share compressed bytes.
func membersOverlap(files []*zip.File) bool {
	type span struct{ from, to int64 }
	spans := make([]span, 0, len(files))
	for _, f := range files {
		from, err := f.DataOffset()
		if err != nil || f.CompressedSize64 == 0 || f.CompressedSize64 > 1<<62 {
			continue // reported when it is opened
		}
		spans = append(spans, span{from, from + int64(f.CompressedSize64)})
	}
	slices.SortFunc(spans, func(a, b span) int { return int(min(1, max(-1, a.from-b.from))) })
	for i := 1; i < len(spans); i++ {
		if spans[i].from < spans[i-1].to {
			return true
		}
	}
	return false
}

// directoryReader bounds how much zip.NewReader may read: it keeps all entries in memory.
type directoryReader struct {
	content io.ReaderAt
	left    int64 // bytes; -1 = unbounded
}

func (d *directoryReader) ReadAt(p []byte, off int64) (int, error) {
	if d.left >= 0 {
		if int64(len(p)) > d.left {
			return 0, newFailure(TooMany, "the directory of the archive is larger than the limit")
		}
		d.left -= int64(len(p))
	}
	return d.content.ReadAt(p, off)
}
