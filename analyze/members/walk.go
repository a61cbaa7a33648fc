package members

import (
	"bufio"
	"context"
	"errors"
	"io"
)

// Walk hands every member of an archive to visit, and everything that could not be looked at to
// refuse. visit reads the content as far as it likes; an archive that is nested is handed to it too, and
// then opened. What a compressed file holds is one member, or those of the tar in it.
//
// A file that is no archive has no members. The error is visit's own, the context's, or says that
// a temporary file could not be written; it ends the walk.
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
	bytesLeft   int64  // left to unpack
	bytesReason Reason // why bytes is what it is
	membersLeft int    // left
	spoolLeft   int64  // left
	visit       func(Member, io.Reader) error
	refuse      func(Refusal)
}

// location is where the walk is.
type location struct {
	path  string
	depth int
}

// errStop ends the walk after a limit of the whole was met and told.
var errStop = errors.New("a limit was met")

// failure is a reason that a reader or an archive gives.
type failure struct {
	reason   Reason
	detail   string
	endsWalk bool // the whole walk ends
}

func (f *failure) Error() string { return f.detail }

func newFailure(reason Reason, detail string) *failure {
	return &failure{reason: reason, detail: detail}
}

// failureOf turns any error of a decoder into a reason. Its words may hold bytes of the archive, so they
// are not repeated.
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

// openArchive reads an archive that is at hand.
func (w *walker) openArchive(at location, format Format, content io.ReaderAt, size int64) error {
	switch {
	case format == None:
		return nil
	case !format.supported():
		w.reportFailure(at.path, size, newFailure(Unsupported, string(format)+" archives are not read"))
		return nil
	case at.depth > w.limits.Depth:
		w.reportFailure(at.path, size, newFailure(TooDeep, "an archive nested deeper than is opened"))
		return nil
	case format == Zip:
		return w.walkZip(at, content, size)
	default:
		return w.readStream(at, format, io.NewSectionReader(content, 0, size))
	}
}

// readStream reads a tar or a compressed file.
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

// readNested is a compressed file in a compressed file.
func (w *walker) readNested(at location, format Format, r io.Reader) error {
	if at.depth > w.limits.Depth {
		w.reportFailure(at.path, -1, newFailure(TooDeep, "an archive nested deeper than is opened"))
		return nil
	}
	return w.readStream(at, format, r)
}

// visitMember hands out one member, and opens it if it is an archive. Reading past what r holds is an error
// of r, told and not returned.
func (w *walker) visitMember(at location, size int64, r io.Reader) error {
	if w.membersLeft--; w.membersLeft < 0 {
		w.reportFailure(at.path, size, newFailure(TooMany, "more members than are looked at"))
		return errStop
	}
	if size > w.limits.Member {
		w.reportFailure(at.path, size, newFailure(TooLarge, "a member larger than is looked at"))
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

// callVisit calls visit. An error that came from the content is told, any other ends the walk.
func (w *walker) callVisit(m Member, r io.Reader, in *limitedReader) error {
	err := w.visit(m, r)
	if in != nil && in.err != nil {
		return w.reportError(m.Path, m.Size, in.err)
	}
	return err
}

// reportError tells an error of the content. A limit of the whole walk, or its context, ends it.
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
