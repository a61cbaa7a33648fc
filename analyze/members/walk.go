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
	bytes := min(limits.Bytes, max(limits.RatioGrace, times(size, limits.Ratio)))
	w := &walk{ctx: ctx, limits: limits, bytes: bytes, members: limits.Members, spool: limits.Spool, visit: visit, refuse: refuse, over: TooDense}
	if bytes == limits.Bytes {
		w.over = TooLarge
	}
	head := make([]byte, min(size, HeadBytes))
	if n, err := content.ReadAt(head, 0); n < len(head) {
		w.tell(path, size, broken(err))
		return ctx.Err()
	}
	err := w.open(place{path: path, depth: 1}, Recognise(head), content, size)
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

func times(a, b int64) int64 {
	if a > 0 && b > (1<<62)/a {
		return 1 << 62
	}
	return a * b
}

// walk is the state of one Walk.
type walk struct {
	ctx     context.Context
	limits  Limits
	bytes   int64  // left to unpack
	over    Reason // why bytes is what it is
	members int    // left
	spool   int64  // left
	visit   func(Member, io.Reader) error
	refuse  func(Refusal)
}

// place is where the walk is.
type place struct {
	path  string
	depth int
}

// errStop ends the walk after a limit of the whole was met and told.
var errStop = errors.New("a limit was met")

// failure is a reason that a reader or an archive gives.
type failure struct {
	reason Reason
	detail string
	all    bool // the whole walk ends
}

func (f *failure) Error() string { return f.detail }

func fail(reason Reason, detail string) *failure { return &failure{reason: reason, detail: detail} }

// broken turns any error of a decoder into a reason. Its words may hold bytes of the archive, so they
// are not repeated.
func broken(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fail(Broken, "the archive ends too early")
	}
	return fail(Broken, "the archive is not valid")
}

func (w *walk) tell(path string, size int64, f *failure) {
	w.refuse(Refusal{Path: path, Size: size, Reason: f.reason, Detail: f.detail})
}

// open reads an archive that is at hand.
func (w *walk) open(at place, format Format, content io.ReaderAt, size int64) error {
	switch {
	case format == None:
		return nil
	case !format.read():
		w.tell(at.path, size, fail(Unsupported, string(format)+" archives are not read"))
		return nil
	case at.depth > w.limits.Depth:
		w.tell(at.path, size, fail(TooDeep, "an archive nested deeper than is opened"))
		return nil
	case format == Zip:
		return w.zip(at, content, size)
	default:
		return w.stream(at, format, io.NewSectionReader(content, 0, size))
	}
}

// stream reads a tar or a compressed file.
func (w *walk) stream(at place, format Format, r io.Reader) error {
	if format == Tar {
		return w.tar(at, r)
	}
	plain, done, err := w.decompress(at, format, r)
	if err != nil {
		w.tell(at.path, -1, broken(err))
		return nil
	}
	defer done()
	buffered := bufios.Get().(*bufio.Reader)
	defer bufios.Put(buffered)
	buffered.Reset(&meter{w: w, r: plain, left: w.limits.Bytes})
	head, err := buffered.Peek(HeadBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return w.failed(at.path, -1, err)
	}
	inner := Recognise(head)
	switch {
	case inner == Tar:
		return w.tar(at, buffered)
	case inner.compressed():
		return w.nested(place{path: join(at.path, stem(at.path)), depth: at.depth + 1}, inner, buffered)
	default:
		return w.member(place{path: join(at.path, stem(at.path)), depth: at.depth}, -1, buffered)
	}
}

// nested is a compressed file in a compressed file.
func (w *walk) nested(at place, format Format, r io.Reader) error {
	if at.depth > w.limits.Depth {
		w.tell(at.path, -1, fail(TooDeep, "an archive nested deeper than is opened"))
		return nil
	}
	return w.stream(at, format, r)
}

// member hands out one member, and opens it if it is an archive. Reading past what r holds is an error
// of r, told and not returned.
func (w *walk) member(at place, size int64, r io.Reader) error {
	if w.members--; w.members < 0 {
		w.tell(at.path, size, fail(TooMany, "more members than are looked at"))
		return errStop
	}
	if size > w.limits.Member {
		w.tell(at.path, size, fail(TooLarge, "a member larger than is looked at"))
		return nil
	}
	in := &meter{w: w, r: r, left: w.limits.Member, free: true}
	buffered := bufio.NewReaderSize(in, HeadBytes)
	head, err := buffered.Peek(HeadBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return w.failed(at.path, size, err)
	}
	format := Recognise(head)
	if format == None {
		return w.hand(Member{Path: at.path, Size: size}, buffered, in)
	}
	kept, err := w.keep(buffered)
	if err != nil {
		return w.failed(at.path, size, err)
	}
	defer w.drop(kept)
	if err := w.hand(Member{Path: at.path, Size: kept.size}, io.NewSectionReader(kept, 0, kept.size), nil); err != nil {
		return err
	}
	return w.open(place{path: at.path, depth: at.depth + 1}, format, kept, kept.size)
}

// hand calls visit. An error that came from the content is told, any other ends the walk.
func (w *walk) hand(m Member, r io.Reader, in *meter) error {
	err := w.visit(m, r)
	if in != nil && in.err != nil {
		return w.failed(m.Path, m.Size, in.err)
	}
	return err
}

// failed tells an error of the content. A limit of the whole walk, or its context, ends it.
func (w *walk) failed(path string, size int64, err error) error {
	if done := w.ctx.Err(); done != nil {
		return done
	}
	if disk, ok := errors.AsType[*diskError](err); ok {
		return disk
	}
	f := broken(err)
	w.tell(path, size, f)
	if f.all {
		return errStop
	}
	return nil
}
