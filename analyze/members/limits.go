package members

import "plimsoll"

// Limits bound the cost of one file of a layer, with everything nested in it.
type Limits struct {
	Depth      int   // nested archives, the file itself included. A compressed tar archive counts once
	Members    int   // in all
	Bytes      int64 // unpacked in total; the content of nested archives counts on every level
	Ratio      int64 // of unpacked to packed bytes
	RatioGrace int64 // bytes that may be unpacked regardless of Ratio
	Member     int64 // bytes of one member
	Directory  int64 // bytes of the directory of a zip file, which takes up to eight times as much memory
	Spool      int64 // bytes of nested archives that are kept at one time, most of them in temporary files
	Window     int64 // bytes of memory for the outermost decompressor; each nested one gets half as much
}

// DefaultLimits returns limits that fit a process of 256 MiB and that no ordinary archive exceeds.
func DefaultLimits() Limits {
	return Limits{
		Depth:      5,
		Members:    200_000,
		Bytes:      4 << 30,
		Ratio:      200,
		RatioGrace: 256 << 20,
		Member:     256 << 20,
		Directory:  8 << 20,
		Spool:      512 << 20,
		Window:     64 << 20,
	}
}

// minWindow is the memory that every decompressor may use at any depth: RFC 8878 recommends 8 MiB, and xz uses it by default.
const minWindow = 8 << 20

// Reason is why something was not read.
type Reason string

// The reasons.
const (
	Encrypted   Reason = "encrypted"
	Broken      Reason = "broken"      // damaged, or not valid for its format
	Unsupported Reason = "unsupported" // an archive format or compression method that is not supported
	TooDeep     Reason = "too_deep"
	TooMany     Reason = "too_many_members"
	TooLarge    Reason = "too_large"
	TooDense    Reason = "ratio"
	Overlapping Reason = "overlapping_members" // members of a zip file share bytes: such archives are attacks
)

// Refusal describes something that was not read, or not to its end.
type Refusal struct {
	File   string // path of the file in the layer; the caller of Walk sets it
	Path   string // of the member, or of the archive itself
	Size   int64  // bytes, -1 if not known
	Reason Reason
	Detail string // for people; contains no bytes of the archive
}

// Finding returns the finding for a refusal: a file that was not scanned.
func (r Refusal) Finding() plimsoll.Malware {
	return plimsoll.Malware{Path: r.Path, Kind: plimsoll.MalwareNotLooked, Rule: string(r.Reason), Engine: "archive", Size: max(0, r.Size)}
}

// Member is a file in an archive.
type Member struct {
	Path string // "outer!/inner"
	Size int64  // bytes as the archive states it, -1 if it does not. The content may be shorter or longer
}
