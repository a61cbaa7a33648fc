package analyze

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"plimsoll"
	"plimsoll/analyze/members"
	"plimsoll/pathlist"
)

// Run runs all analyzers over one layer: call Visit for every entry, then Reports. It is not safe for
// concurrent use.
type Run struct {
	ctx     context.Context
	budget  plimsoll.Budget
	set     *Set
	parts   []part
	sums    bool // some part is a FileSummer
	hash    hash.Hash
	buffers *buffers
	want    []int               // parts that want the current file, reused
	second  bool                // this is the second read of the blob
	aliases map[string]*content // second read: content of targets of wanted hard links, nil before the entry
	kept    int64               // bytes of aliases
	missing []string            // first read: targets whose content was not kept

	hits   hits              // of the current content
	looked map[string]bool   // files in which a content analyzer found something
	found  map[string]Summed // files that a FileSummer recorded
	modes  map[string]uint32 // sharedBits of files
}

// part is one analyzer with its report.
type part struct {
	Analyzer
	entries EntryAnalyzer
	files   FileAnalyzer
	peek    Peeker
	sums    FileSummer
	content ContentAnalyzer
	look    Look // of the current content; nil = none
	out     plimsoll.LayerReport
}

// maxAliases bounds the targets that a second read keeps.
const maxAliases = 1000

// sharedBits are the mode bits that hard links share with their target: set-uid, set-gid, world-writable.
const sharedBits = 06002

// Visit analyses one entry of the archive. An error is the archive's, never an analyzer's.
func (r *Run) Visit(e plimsoll.Entry, content io.Reader) error {
	_, marker := Whiteout(e)
	if !marker {
		r.shareMode(&e)
	}
	for i := range r.parts {
		if p := &r.parts[i]; p.entries != nil {
			p.guard(e.Path, func() error { p.entries.Entry(e, &p.out); return nil })
		}
	}
	switch {
	case marker:
		return nil
	case e.Type == plimsoll.EntryFile:
		return r.file(e, content)
	case e.Type == plimsoll.EntryHardlink:
		r.hardlink(e)
	default:
		r.forget(e.Path)
	}
	return nil
}

// forget drops what was found at a path of this layer, because a later entry replaces it.
func (r *Run) forget(path string) {
	delete(r.found, path)
	delete(r.looked, path)
}

// shareMode adds the shared bits of its target to a hard link, and keeps those of files.
func (r *Run) shareMode(e *plimsoll.Entry) {
	switch e.Type {
	case plimsoll.EntryHardlink:
		e.Mode |= r.modes[e.Link]
	case plimsoll.EntryFile:
	default:
		delete(r.modes, e.Path)
		return
	}
	if bits := e.Mode & sharedBits; bits != 0 {
		r.modes[e.Path] = bits
	} else {
		delete(r.modes, e.Path)
	}
}

// file reads a regular file once, for its checksum and for all analyzers that want it.
func (r *Run) file(e plimsoll.Entry, in io.Reader) error {
	r.forget(e.Path)
	wanted := r.wanted(e)
	_, alias := r.aliases[e.Path]
	search := r.set.search != nil
	if !r.sums && !search && len(wanted) == 0 && !alias {
		return nil
	}
	if e.Size > r.budget.WantedFile {
		search = false
	}
	r.hash.Reset()
	head, err := r.head(in)
	if err != nil {
		return err
	}
	r.hits.begin(r.matcher(search, head))
	wanted = slices.DeleteFunc(wanted, func(i int) bool { return r.parts[i].refuses(e, head) })
	if e.Size > r.budget.WantedFile {
		r.refuse(wanted, e)
		wanted, alias = nil, false
	}
	f := Summed{Path: e.Path, File: e.Path, Kind: FileKindOf(head)}
	if len(wanted) > 0 || alias || search {
		f.Size, err = r.content(e, f.Kind, head, in, wanted, alias)
	} else {
		f.Size, err = r.pass(in, nil)
		f.Size += int64(len(head))
	}
	if err != nil || !r.sums {
		return err
	}
	r.hash.Sum(f.Sum[:0])
	r.summed(f)
	return nil
}

// head reads the first bytes of a file.
func (r *Run) head(in io.Reader) ([]byte, error) {
	n, err := io.ReadFull(in, r.buffers.head[:])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	head := r.buffers.head[:n]
	r.hash.Write(head)
	return head, nil
}

// pass reads the rest of a file, hashes it, and writes it to w, which may be nil.
func (r *Run) pass(in io.Reader, w io.Writer) (size int64, err error) {
	for {
		n, err := in.Read(r.buffers.chunk[:])
		piece := r.buffers.chunk[:n]
		r.hash.Write(piece)
		r.hits.search(piece)
		size += int64(n)
		if w != nil && n > 0 {
			if _, err := w.Write(piece); err != nil {
				return size, err
			}
		}
		if err == io.EOF {
			return size, nil
		}
		if err != nil {
			return size, err
		}
	}
}

// refuses reports whether the analyzer refuses a wanted file by its head. A panic is recorded as a failure, and
// the file is skipped.
func (p *part) refuses(e plimsoll.Entry, head []byte) bool {
	if p.peek == nil {
		return false
	}
	keep := false
	p.guard(e.Path, func() error { keep = p.peek.Peek(e, head); return nil })
	return !keep
}

// content keeps a file while it is analysed, or until the end of the run if it is an alias.
func (r *Run) content(e plimsoll.Entry, kind pathlist.Kind, head []byte, in io.Reader, wanted []int, alias bool) (int64, error) {
	c, err := r.keep(head, in, e.Size, alias)
	if err != nil {
		return 0, err
	}
	r.analyze(e, c, wanted)
	r.lookInside(e, kind, head, c)
	if alias && r.kept+c.size <= r.budget.WantedFile {
		r.kept += c.size
		r.aliases[e.Path].close()
		r.aliases[e.Path] = c
		return c.size, nil
	}
	c.close()
	return c.size, nil
}

func (r *Run) analyze(e plimsoll.Entry, c *content, wanted []int) {
	e.Size = c.size
	for _, i := range wanted {
		p := &r.parts[i]
		f := File{Entry: e, SectionReader: io.NewSectionReader(c, 0, c.size)}
		p.guard(e.Path, func() error { return p.files.Analyze(r.ctx, f, &p.out) })
	}
}

// hardlink analyses a hard link as its target. A wanted link whose target is in a lower layer is a failure.
func (r *Run) hardlink(e plimsoll.Entry) {
	r.forget(e.Path)
	if f, ok := r.found[e.Link]; ok {
		f.Path, f.File, f.Linked = e.Path, e.Path, true
		r.summed(f)
	}
	if r.looked[e.Link] {
		r.looked[e.Path] = true
		for _, o := range r.set.owners {
			p := &r.parts[o.analyzer]
			p.guard(e.Path, func() error { p.content.Linked(e.Path, e.Link, &p.out); return nil })
		}
	}
	wanted := r.wanted(e)
	if len(wanted) == 0 {
		return
	}
	c := r.aliases[e.Link]
	switch {
	case c != nil:
		head := make([]byte, min(HeadBytes, c.size))
		if _, err := c.ReadAt(head, 0); err == nil || errors.Is(err, io.EOF) {
			wanted = slices.DeleteFunc(wanted, func(i int) bool { return r.parts[i].refuses(e, head) })
		}
		r.analyze(e, c, wanted)
	case !r.second && slices.Contains(r.missing, e.Link):
	case !r.second && len(r.missing) < maxAliases:
		r.missing = append(r.missing, e.Link)
	default:
		for _, i := range wanted {
			AddFailure(&r.parts[i].out, e.Path, r.parts[i].Failure(), "hard link to "+e.Link+", whose content is not in this layer")
		}
	}
}

func (r *Run) summed(f Summed) {
	for i := range r.parts {
		p := &r.parts[i]
		if p.sums == nil {
			continue
		}
		p.guard(f.Path, func() error {
			if p.sums.File(f, &p.out) {
				r.found[f.Path] = f
			}
			return nil
		})
	}
}

// wanted returns the parts that want an entry's content. The slice is valid until the next call.
func (r *Run) wanted(e plimsoll.Entry) []int {
	r.want = r.want[:0]
	for i := range r.parts {
		if p := &r.parts[i]; p.files != nil && p.files.Wants(e) {
			r.want = append(r.want, i)
		}
	}
	return r.want
}

func (r *Run) refuse(wanted []int, e plimsoll.Entry) {
	r.refused(members.Refusal{File: e.Path, Path: e.Path, Size: e.Size, Reason: members.TooLarge,
		Detail: fmt.Sprintf("%d bytes, at most %d are looked at", e.Size, r.budget.WantedFile)})
	for _, i := range wanted {
		AddFailure(&r.parts[i].out, e.Path, plimsoll.FailureOversized,
			fmt.Sprintf("file of %d bytes is over the budget of %d", e.Size, r.budget.WantedFile))
	}
}

// guard calls an analyzer; an error or panic becomes a failure of its report.
func (p *part) guard(path string, f func() error) {
	err := recoverError(f)
	if err == nil {
		return
	}
	code := p.Failure()
	if own, ok := errors.AsType[*plimsoll.Failure](err); ok {
		code = own.Code
	}
	AddFailure(&p.out, path, code, err.Error())
}

// recoverError runs f and returns a panic, which may come from a library's parser, as an error.
func recoverError(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return f()
}

// Reports ends the run. It returns one report per analyzer, in the order of the set, without diff
// IDs. needAliases is not empty if a wanted hard link has a target whose content was not kept:
// the caller must drop these reports and read the blob again with needAliases.
func (r *Run) Reports() (reports []plimsoll.LayerReport, needAliases []string) {
	for i := range r.parts {
		p := &r.parts[i]
		if ender, ok := p.Analyzer.(Ender); ok {
			p.guard("", func() error { ender.End(&p.out); return nil })
		}
		reports = append(reports, p.out)
	}
	r.Close()
	return reports, r.missing
}

// Close frees temporary files and buffers. It may be called several times, and after Reports.
func (r *Run) Close() {
	if r.buffers != nil {
		r.buffers.end()
		bufferPool.Put(r.buffers)
		r.buffers = nil
	}
	for path, c := range r.aliases {
		c.close()
		r.aliases[path] = nil
	}
}
