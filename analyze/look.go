package analyze

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"plimsoll"
	"plimsoll/analyze/literal"
	"plimsoll/analyze/members"
	"plimsoll/pathlist"
	"plimsoll/scratch"
)

// lookInside looks at a file, and at its members if it is an archive.
func (r *Run) lookInside(e plimsoll.Entry, kind pathlist.Kind, head []byte, c *content) {
	if r.set.search == nil || c.size == 0 {
		return
	}
	r.look(true, Content{Path: e.Path, File: e.Path, Kind: kind, Mode: e.Mode, UID: e.UID, ReaderAt: c, Size: c.size, Bytes: c.bytes})
	if members.Recognise(head) != members.None {
		r.members(e, c)
	}
}

// members looks at the members of an archive.
func (r *Run) members(e plimsoll.Entry, c *content) {
	err := recoverError(func() error {
		return members.Walk(r.ctx, e.Path, c, c.size, members.DefaultLimits(), func(m members.Member, in io.Reader) error {
			return r.member(e, m, in)
		}, func(f members.Refusal) {
			f.File = e.Path
			r.refused(f)
		})
	})
	if err != nil {
		r.refused(members.Refusal{File: e.Path, Path: e.Path, Size: c.size, Reason: members.Broken, Detail: err.Error()})
	}
}

// member looks at one member of an archive.
func (r *Run) member(e plimsoll.Entry, m members.Member, in io.Reader) error {
	c, sum, err := r.keepMember(in)
	if err != nil {
		return err
	}
	defer c.close()
	var head [HeadBytes]byte
	n, err := c.ReadAt(head[:min(HeadBytes, c.size)], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	f := Summed{Path: m.Path, File: e.Path, Size: c.size, Sum: sum, Kind: FileKindOf(head[:n]), Member: true}
	r.summed(f)
	if c.size > 0 {
		r.look(false, Content{Path: m.Path, File: e.Path, Kind: f.Kind, Mode: e.Mode, UID: e.UID, ReaderAt: c, Size: c.size, Bytes: c.bytes})
	}
	return nil
}

func (r *Run) refused(f members.Refusal) {
	for i := range r.parts {
		if p := &r.parts[i]; p.content != nil {
			p.guard(f.Path, func() error { p.content.Refused(f, &p.out); return nil })
		}
	}
}

// look passes some content to the content analyzers, with the places of their literals. searched reports that
// r.hits has these places already.
func (r *Run) look(searched bool, c Content) {
	var err error
	if !searched {
		err = r.find(c)
	}
	looking := false
	for i, o := range r.set.owners {
		p := &r.parts[o.analyzer]
		c.Hits = err != nil || r.hits.over || r.hits.has(o.first, r.set.literalsEnd(i)) // after an error, every analyzer looks
		p.guard(c.Path, func() error { p.look = p.content.Look(c); return nil })
		looking = looking || p.look != nil
	}
	if !looking {
		return
	}
	err = errors.Join(err, r.reportHits(c))
	for _, o := range r.set.owners {
		p := &r.parts[o.analyzer]
		if p.look == nil {
			continue
		}
		p.guard(c.Path, func() error {
			found, failed := p.look.Close(&p.out)
			if found {
				r.looked[c.File] = true
			}
			return errors.Join(err, failed)
		})
		p.look = nil
	}
}

// hits are the occurrences of literals in the current content so far.
type hits struct {
	matcher *literal.Matcher // nil = the content is not searched
	state   literal.State
	list    []literal.Hit
	over    bool // there are more than maxHits
}

// maxHits bounds the hits that are kept until the content is read, 16 MiB of memory. Content with
// more is searched a second time after it was read.
const maxHits = 1 << 20

func (h *hits) begin(m *literal.Matcher) {
	h.state.Reset()
	h.list, h.matcher, h.over = h.list[:0], m, false
}

// matcher returns the matcher for content with this head, or nil if search is false.
func (r *Run) matcher(search bool, head []byte) *literal.Matcher {
	if !search {
		return nil
	}
	return r.set.search.For(head)
}

// search searches the next piece of the content.
func (h *hits) search(piece []byte) {
	if h.matcher != nil {
		h.matcher.Scan(piece, &h.state, h.add)
	}
}

func (h *hits) add(hit literal.Hit) bool {
	if h.over = len(h.list) == maxHits; !h.over {
		h.list = append(h.list, hit)
	}
	return !h.over
}

// has reports whether a literal from first up to, but not including, end has a hit.
func (h *hits) has(first, end int) bool {
	return slices.ContainsFunc(h.list, func(hit literal.Hit) bool { return hit.Pattern >= first && hit.Pattern < end })
}

// find searches a member of an archive.
func (r *Run) find(c Content) error {
	r.hits.begin(nil)
	return r.scan(c, func(m *literal.Matcher, piece []byte) {
		r.hits.matcher = m
		r.hits.search(piece)
	})
}

// reportHits passes the hits to their analyzers. If there are more than are kept, it searches the content again.
func (r *Run) reportHits(c Content) error {
	if !r.hits.over {
		for _, h := range r.hits.list {
			r.hit(h)
		}
		return nil
	}
	var state literal.State
	return r.scan(c, func(m *literal.Matcher, piece []byte) { m.Scan(piece, &state, r.hit) })
}

// scan calls next with each piece of the content and its matcher.
func (r *Run) scan(c Content, next func(m *literal.Matcher, piece []byte)) error {
	if c.Bytes != nil {
		next(r.set.search.For(c.Bytes[:min(len(c.Bytes), HeadBytes)]), c.Bytes)
		return nil
	}
	var m *literal.Matcher
	for at := int64(0); at < c.Size; {
		n, err := c.ReadAt(r.buffers.chunk[:min(int64(len(r.buffers.chunk)), c.Size-at)], at)
		if err != nil && (err != io.EOF || n == 0) {
			return fmt.Errorf("read again: %w", err)
		}
		if m == nil {
			m = r.set.search.For(r.buffers.chunk[:min(n, HeadBytes)])
		}
		next(m, r.buffers.chunk[:n])
		at += int64(n)
	}
	return nil
}

// hit passes a hit to the analyzer of its literal.
func (r *Run) hit(h literal.Hit) bool {
	o := r.set.owners[0]
	for _, next := range r.set.owners[1:] {
		if next.first > h.Pattern {
			break
		}
		o = next
	}
	p := &r.parts[o.analyzer]
	if p.look == nil {
		return true
	}
	defer func() {
		if v := recover(); v != nil { // ends this analyzer's look; the others continue
			p.look = nil
			AddFailure(&p.out, "", p.Failure(), fmt.Sprintf("panic: %v", v))
		}
	}()
	p.look.Hit(h.Pattern-o.first, h.Offset)
	return true
}

// keepMember reads a member of an archive to its end, into memory or, if it is larger than inMemory,
// into a temporary file.
func (r *Run) keepMember(in io.Reader) (*content, [sha256.Size]byte, error) {
	if r.buffers.member == nil {
		r.buffers.member = make([]byte, inMemory)
	}
	h := sha256.New()
	n, err := io.ReadFull(in, r.buffers.member)
	h.Write(r.buffers.member[:n])
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return contentOf(r.buffers.member[:n]), [sha256.Size]byte(h.Sum(nil)), nil
	}
	if err != nil {
		return nil, [sha256.Size]byte{}, err
	}
	f, err := scratch.File()
	if err != nil {
		return nil, [sha256.Size]byte{}, err
	}
	c := &content{ReaderAt: f, file: f, size: int64(n)}
	if _, err = f.Write(r.buffers.member[:n]); err == nil {
		var more int64
		more, err = io.CopyBuffer(io.MultiWriter(f, h), onlyReader{in}, r.buffers.chunk[:])
		c.size += more
	}
	if err != nil {
		c.close()
		return nil, [sha256.Size]byte{}, err
	}
	return c, [sha256.Size]byte(h.Sum(nil)), nil
}

// onlyReader hides other methods, so that CopyBuffer uses its buffer.
type onlyReader struct{ io.Reader }
