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

// Analyzer looks at the entries of one layer. What it can do beyond having a name is said
// by the interfaces below; it implements at least one of them.
//
// Analyzers are shared by passes that run at the same time, so they keep nothing between
// calls; one that must implements Beginner.
type Analyzer interface {
	// ID names the analyzer and the version of its output. Raise the version when output changes.
	ID() plimsoll.AnalyzerID

	// Failure is the code for "this analyzer could not look", where its error has none.
	Failure() plimsoll.FailureCode
}

// EntryAnalyzer sees the header of every entry, whiteouts included. The mode of a hard
// link holds the special and world-writable bits of its target too.
type EntryAnalyzer interface {
	Analyzer
	Entry(e plimsoll.Entry, out *plimsoll.LayerReport)
}

// FileAnalyzer reads the content of files it wants.
type FileAnalyzer interface {
	Analyzer

	// Wants is cheap and reads nothing. It is asked about regular files and hard links;
	// the size of a hard link is not known and 0.
	Wants(e plimsoll.Entry) bool

	// Analyze reads one file. What it added to the report before an error stays.
	Analyze(ctx context.Context, f File, out *plimsoll.LayerReport) error
}

// Peeker is a FileAnalyzer that wants many files by their names or modes and few by what
// they are: it is shown the first bytes before anything is kept.
type Peeker interface {
	FileAnalyzer

	// Peek reports whether a wanted file is wanted still.
	Peek(e plimsoll.Entry, head []byte) bool
}

// FileSummer sees what every regular file adds up to, once it was read.
type FileSummer interface {
	Analyzer

	// File reports whether the file was of interest; hard links to it are then seen too, as
	// files with their own path that are Linked.
	File(f Summed, out *plimsoll.LayerReport) bool
}

// Summed is a regular file that was read to its end.
type Summed struct {
	Path   string
	File   string // of the layer: Path, or what a member is in
	Size   int64
	Sum    [sha256.Size]byte // SHA-256
	Kind   pathlist.Kind
	Linked bool // the path is a hard link to a file of the same layer
	Member bool // of an archive in the layer; the path is "outer!/inner"
}

// Searcher has content searched for literals. One search serves all such analyzers.
type Searcher interface {
	Analyzer

	// Literals are what content is searched for, the same on every call.
	Literals() []literal.Pattern
}

// ContentAnalyzer looks at the content of regular files, and of members of archives, where
// literals of its own stand. It may be what a Searcher's Begin returns.
type ContentAnalyzer interface {
	Searcher

	// Look begins to look at some content; nil = it is of no interest.
	Look(c Content) Look

	// Refused tells of content that is not looked at: too large, encrypted, broken.
	Refused(r members.Refusal, out *plimsoll.LayerReport)

	// Linked tells of a further name of a file of the same layer in which something was found.
	Linked(path, target string, out *plimsoll.LayerReport)
}

// ConfigAnalyzer looks at the config of an image too. Its report stands for the config's blob
// as others stand for a layer's.
type ConfigAnalyzer interface {
	Analyzer
	Config(c plimsoll.ImageConfig, out *plimsoll.LayerReport)
}

// Look is one look at some content. Nothing of it is used after Close.
type Look interface {
	// Hit tells where a literal stands: its index in Literals, and the offset of its first byte.
	Hit(literal int, offset int64)

	// Close ends the look and tells whether it found anything. What it found before an error stays.
	Close(out *plimsoll.LayerReport) (found bool, err error)
}

// Content is a file, or a member of an archive, that can be read at any place.
type Content struct {
	Path string // "outer!/inner" for a member
	File string // of the layer: Path, or what a member is in; a file's own name may hold "!/" too
	Kind pathlist.Kind
	Mode uint32 // as in Entry; of a member, that of the file it is in
	UID  int
	io.ReaderAt
	Size  int64
	Bytes []byte // the whole content if it is in memory, else nil
	Hits  bool   // some literal of the analyzer that is asked stands in it
}

// Beginner is an analyzer that needs memory while it sees one layer.
type Beginner interface {
	// Begin returns an analyzer for one layer.
	Begin() Analyzer
}

// Ender is told when the last entry was seen.
type Ender interface {
	End(out *plimsoll.LayerReport)
}

// File is the content of one file, valid during the call only. Each analyzer has a reader of its own.
type File struct {
	plimsoll.Entry
	*io.SectionReader
}

// Size is the length of the content in bytes.
func (f File) Size() int64 { return f.SectionReader.Size() }
