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

// looks at a file, and at what is in it if it is an archive.
func (r *Run) looks(e plimsoll.Entry, kind pathlist.Kind, head []byte, c *content) {
	if r.set.search == nil || c.size == 0 {
		return
	}
	r.look(true, Content{Path: e.Path, File: e.Path, Kind: kind, Mode: e.Mode, UID: e.UID, ReaderAt: c, Size: c.size, Bytes: c.bytes})
	if members.Recognise(head) != members.None {
		r.members(e, c)
	}
}

// members looks at what an archive holds.
func (r *Run) members(e plimsoll.Entry, c *content) {
	err := recovered(func() error {
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

// member looks at one member of an archive. Where the archive breaks, its walk tells.
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

// look has those who look at some content told where their literals stand.
func (r *Run) look(searched bool, c Content) {
	var err error
	if !searched {
		err = r.find(c)
	}
	any := false
	for i, o := range r.set.owners {
		p := &r.parts[o.analyzer]
		c.Hits = err != nil || r.hits.over || r.hits.has(o.first, r.set.past(i)) // an error is told to all
		p.guard(c.Path, func() error { p.look = p.content.Look(c); return nil })
		any = any || p.look != nil
	}
	if !any {
		return
	}
	err = errors.Join(err, r.tell(c))
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

// hits are what the search through the content that is being read found so far.
type hits struct {
	matcher *literal.Matcher // nil = nothing is searched for
	state   literal.State
	list    []literal.Hit
	over    bool // there are more
}

// maxHits bounds the hits that are kept until the content was read, 16 MiB of memory. Content
// with more is searched again when it is at hand.
const maxHits = 1 << 20

func (h *hits) begin(m *literal.Matcher) {
	h.state.Reset()
	h.list, h.matcher, h.over = h.list[:0], m, false
}

// matcher is what content with such a head is searched with; nil unless it is to be searched.
func (r *Run) matcher(search bool, head []byte) *literal.Matcher {
	if !search {
		return nil
	}
	return r.set.search.For(head)
}

// search takes the next piece of the content.
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

// has says whether a hit is of a literal in a range of numbers.
func (h *hits) has(first, past int) bool {
	return slices.ContainsFunc(h.list, func(hit literal.Hit) bool { return hit.Pattern >= first && hit.Pattern < past })
}

// find searches a member of an archive.
func (r *Run) find(c Content) error {
	r.hits.begin(nil)
	return r.scan(c, func(m *literal.Matcher, piece []byte) {
		r.hits.matcher = m
		r.hits.search(piece)
	})
}

// tell hands the hits to their owners. Where there are more than are kept, content is searched once more.
func (r *Run) tell(c Content) error {
	if !r.hits.over {
		for _, h := range r.hits.list {
			r.hit(h)
		}
		return nil
	}
	var state literal.State
	return r.scan(c, func(m *literal.Matcher, piece []byte) { m.Scan(piece, &state, r.hit) })
}

// scan hands all content on, with what it is to be searched with.
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

// hit hands a hit to the analyzer whose literal it is.
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
		if v := recover(); v != nil { // its look is over; what the others look for goes on
			p.look = nil
			AddFailure(&p.out, "", p.Failure(), fmt.Sprintf("panic: %v", v))
		}
	}()
	p.look.Hit(h.Pattern-o.first, h.Offset)
	return true
}

// keepMember reads a member of an archive to its end: into memory as far as it fits, else
// into a temporary file.
func (r *Run) keepMember(in io.Reader) (*content, [sha256.Size]byte, error) {
	if r.buffers.member == nil {
		r.buffers.member = make([]byte, inMemory)
	}
	h := sha256.New()
	n, err := io.ReadFull(in, r.buffers.member)
	h.Write(r.buffers.member[:n])
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return inBytes(r.buffers.member[:n]), [sha256.Size]byte(h.Sum(nil)), nil
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
