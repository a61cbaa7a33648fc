package members

import (
	"bufio"
	"context"
	"errors"
	"io"
)

// Walk calls visit for every member of an archive, and refuse for everything that cannot be read. visit may stop reading
// the content at any point. A nested archive is passed to visit and then opened. The content of a compressed file is one
// member, or the members of the tar archive in it.
//
// A file that is not an archive has no members. The error ends the walk: it is an error of visit, of the context, or of
// writing a temporary file.
func Walk(ctx context.Context, path string, content io.ReaderAt, size int64, limits Limits, visit func(Member, io.Reader) error, refuse func(Refusal)) error {
	bytes := min(limits.Bytes, max(limits.RatioGrace, saturatingMultiply(size, limits.Ratio)))
	w := &walker{ctx: ctx, limits: limits, bytesLeft: bytes, membersLeft: limits.Members, spoolLeft: limits.Spool, visit: visit, refuse: refuse, bytesReason: TooDense}
	if bytes == limits.Bytes {
		w.bytesReason = TooLarge
	}
	head := make([]byte, min(size, HeadBytes))
	if n, err := content.ReadAt(head, 0); n < len(head) {
		w.reportFailure(path, size, failureOf(err))
		return ctx.Err()
	}
	err := w.openArchive(location{path: path, depth: 1}, Recognise(head), content, size)
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

func saturatingMultiply(a, b int64) int64 {
	if a > 0 && b > (1<<62)/a {
		return 1 << 62
	}
	return a * b
}

// walker is the state of one Walk.
type walker struct {
	ctx         context.Context
	limits      Limits
	bytesLeft   int64  // bytes that may still be unpacked
	bytesReason Reason // the reason to report when bytesLeft is used up
	membersLeft int    // members that may still be read
	spoolLeft   int64  // bytes of nested archives that may still be kept
	visit       func(Member, io.Reader) error
	refuse      func(Refusal)
}

// location is the path of an archive or member and its nesting depth.
type location struct {
	path  string
	depth int
}

// errStop ends the walk after a limit of the whole walk was exceeded and reported.
var errStop = errors.New("a limit was met")

// failure is a reason why something cannot be read.
type failure struct {
	reason   Reason
	detail   string
	endsWalk bool // it is a limit of the whole walk
}

func (f *failure) Error() string { return f.detail }

func newFailure(reason Reason, detail string) *failure {
	return &failure{reason: reason, detail: detail}
}

// failureOf converts an error of a decoder to a failure. The text of the error may contain bytes of the archive, so it is
// dropped.
func failureOf(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return newFailure(Broken, "the archive ends too early")
	}
	return newFailure(Broken, "the archive is not valid")
}

func (w *walker) reportFailure(path string, size int64, f *failure) {
	w.refuse(Refusal{Path: path, Size: size, Reason: f.reason, Detail: f.detail})
}

// openArchive reads an archive with random access.
func (w *walker) openArchive(at location, format Format, content io.ReaderAt, size int64) error {
	switch {
	case format == None:
		return nil
	case !format.supported():
		w.reportFailure(at.path, size, newFailure(Unsupported, string(format)+" archives are not supported"))
		return nil
	case at.depth > w.limits.Depth:
		w.reportFailure(at.path, size, newFailure(TooDeep, "the archive is nested deeper than the limit"))
		return nil
	case format == Zip:
		return w.walkZip(at, content, size)
	default:
		return w.readStream(at, format, io.NewSectionReader(content, 0, size))
	}
}

// readStream reads a tar archive or a compressed file.
func (w *walker) readStream(at location, format Format, r io.Reader) error {
	if format == Tar {
		return w.walkTar(at, r)
	}
	plain, done, err := w.decompress(at, format, r)
	if err != nil {
		w.reportFailure(at.path, -1, failureOf(err))
		return nil
	}
	defer done()
	buffered := bufferPool.Get().(*bufio.Reader)
	defer bufferPool.Put(buffered)
	buffered.Reset(&limitedReader{w: w, r: plain, left: w.limits.Bytes})
	head, err := buffered.Peek(HeadBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return w.reportError(at.path, -1, err)
	}
	inner := Recognise(head)
	switch {
	case inner == Tar:
		return w.walkTar(at, buffered)
	case inner.holdsOneStream():
		return w.readNested(location{path: memberPath(at.path, decompressedName(at.path)), depth: at.depth + 1}, inner, buffered)
	default:
		return w.visitMember(location{path: memberPath(at.path, decompressedName(at.path)), depth: at.depth}, -1, buffered)
	}
}

// readNested reads a compressed file inside a compressed file.
func (w *walker) readNested(at location, format Format, r io.Reader) error {
	if at.depth > w.limits.Depth {
		w.reportFailure(at.path, -1, newFailure(TooDeep, "the archive is nested deeper than the limit"))
		return nil
	}
	return w.readStream(at, format, r)
}

// visitMember visits one member, and opens it if it is an archive. An error of the content is reported and not returned.
func (w *walker) visitMember(at location, size int64, r io.Reader) error {
	if w.membersLeft--; w.membersLeft < 0 {
		w.reportFailure(at.path, size, newFailure(TooMany, "the archive has more members than the limit"))
		return errStop
	}
	if size > w.limits.Member {
		w.reportFailure(at.path, size, newFailure(TooLarge, "the member is larger than the limit"))
		return nil
	}
	in := &limitedReader{w: w, r: r, left: w.limits.Member, counted: true}
	buffered := bufio.NewReaderSize(in, HeadBytes)
	head, err := buffered.Peek(HeadBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return w.reportError(at.path, size, err)
	}
	format := Recognise(head)
	if format == None {
		return w.callVisit(Member{Path: at.path, Size: size}, buffered, in)
	}
	kept, err := w.spoolArchive(buffered)
	if err != nil {
		return w.reportError(at.path, size, err)
	}
	defer w.releaseSpooled(kept)
	if err := w.callVisit(Member{Path: at.path, Size: kept.size}, io.NewSectionReader(kept, 0, kept.size), nil); err != nil {
		return err
	}
	return w.openArchive(location{path: at.path, depth: at.depth + 1}, format, kept, kept.size)
}

// callVisit calls visit. An error of the content is reported; any other error ends the walk.
func (w *walker) callVisit(m Member, r io.Reader, in *limitedReader) error {
	err := w.visit(m, r)
	if in != nil && in.err != nil {
		return w.reportError(m.Path, m.Size, in.err)
	}
	return err
}

// reportError reports an error of the content. It returns an error if the walk must end: a limit of the whole walk, a
// disk error, or the context.
func (w *walker) reportError(path string, size int64, err error) error {
	if done := w.ctx.Err(); done != nil {
		return done
	}
	if disk, ok := errors.AsType[*diskError](err); ok {
		return disk
	}
	f := failureOf(err)
	w.reportFailure(path, size, f)
	if f.endsWalk {
		return errStop
	}
	return nil
}
