package analyze

import (
	"context"
	"crypto/sha256"
	"io"

	"plimsoll"
	"plimsoll/analyze/literal"
	"plimsoll/analyze/members"
	"plimsoll/pathlist"
)

// Analyzer reads the entries of one layer. It implements at least one of the interfaces below.
//
// Analyzers are shared by passes that run at the same time, so they keep no state between calls;
// an analyzer with state implements Beginner.
type Analyzer interface {
	// ID returns the name of the analyzer and the version of its output. Raise the version when output changes.
	ID() plimsoll.AnalyzerID

	// Failure returns the failure code of errors that have none.
	Failure() plimsoll.FailureCode
}

// EntryAnalyzer receives the header of every entry, whiteouts included. The mode of a hard
// link includes the set-uid, set-gid and world-writable bits of its target.
type EntryAnalyzer interface {
	Analyzer
	Entry(e plimsoll.Entry, out *plimsoll.LayerReport)
}

// FileAnalyzer reads the content of files it wants.
type FileAnalyzer interface {
	Analyzer

	// Wants reports whether the analyzer reads a regular file or a hard link. It is called often and
	// must be fast. The size of a hard link is unknown and 0.
	Wants(e plimsoll.Entry) bool

	// Analyze reads one file. What it added to the report before an error is kept.
	Analyze(ctx context.Context, f File, out *plimsoll.LayerReport) error
}

// Peeker is a FileAnalyzer that wants many files by name or mode, and few of these by content. It
// decides by the first bytes, before the file is kept.
type Peeker interface {
	FileAnalyzer

	// Peek reports whether the analyzer wants the file. head has at most HeadBytes.
	Peek(e plimsoll.Entry, head []byte) bool
}

// FileSummer receives the checksum of every regular file.
type FileSummer interface {
	Analyzer

	// File reports whether the analyzer recorded the file. It is then called for hard links to the
	// file too, with their own path and Linked set.
	File(f Summed, out *plimsoll.LayerReport) bool
}

// Summed is a regular file that was read to its end.
type Summed struct {
	Path   string
	File   string // of the layer: Path, or the archive that contains the member
	Size   int64
	Sum    [sha256.Size]byte // SHA-256
	Kind   pathlist.Kind
	Linked bool // the path is a hard link to a file of the same layer
	Member bool // of an archive in the layer; the path is "outer!/inner"
}

// Searcher has literals that content is searched for. One search serves all Searchers.
type Searcher interface {
	Analyzer

	// Literals returns the literals, the same on every call.
	Literals() []literal.Pattern
}

// ContentAnalyzer looks at the content of regular files and of members of archives, and learns where its
// literals are. A Searcher's Begin may return it.
type ContentAnalyzer interface {
	Searcher

	// Look starts to look at some content; it returns nil if the analyzer does not need the content.
	Look(c Content) Look

	// Refused reports content that is not looked at: too large, encrypted, broken.
	Refused(r members.Refusal, out *plimsoll.LayerReport)

	// Linked reports a hard link to a file of the same layer in which something was found.
	Linked(path, target string, out *plimsoll.LayerReport)
}

// ConfigAnalyzer also reads the config of an image. Its report is about the config's blob, as other
// reports are about a layer's.
type ConfigAnalyzer interface {
	Analyzer
	Config(c plimsoll.ImageConfig, out *plimsoll.LayerReport)
}

// Look looks at one content. It is not used after Close.
type Look interface {
	// Hit reports an occurrence of a literal: its index in Literals, and the offset of its first byte.
	Hit(literal int, offset int64)

	// Close ends the look, and reports whether it found anything. What it found before an error is kept.
	Close(out *plimsoll.LayerReport) (found bool, err error)
}

// Content is a file, or a member of an archive, that can be read at any place.
type Content struct {
	Path string // "outer!/inner" for a member
	File string // of the layer: Path, or the archive that contains the member; a file's own name may contain "!/" too
	Kind pathlist.Kind
	Mode uint32 // as in Entry; of a member, the mode of the outer file
	UID  int
	io.ReaderAt
	Size  int64
	Bytes []byte // the whole content if it is in memory, else nil
	Hits  bool   // the content has a literal of the analyzer that is called
}

// Beginner is an analyzer that keeps state during one layer.
type Beginner interface {
	// Begin returns an analyzer for one layer.
	Begin() Analyzer
}

// Ender is called after the last entry.
type Ender interface {
	End(out *plimsoll.LayerReport)
}

// File is the content of one file, valid during the call only. Each analyzer has its own reader.
type File struct {
	plimsoll.Entry
	*io.SectionReader
}

// Size returns the length of the content in bytes.
func (f File) Size() int64 { return f.SectionReader.Size() }
