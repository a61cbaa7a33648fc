package members

import "plimsoll"

// Limits bound what one file of a layer may cost, with everything nested in it.
type Limits struct {
	Depth      int   // archives inside of archives; the file itself is the first. A compressed tar counts once
	Members    int   // in all
	Bytes      int64 // unpacked in all; what is nested counts on every level
	Ratio      int64 // unpacked to packed, beyond RatioGrace
	RatioGrace int64 // bytes unpacked before the ratio counts
	Member     int64 // bytes of one member
	Directory  int64 // bytes of a zip's directory, which takes up to eight times as much memory
	Spool      int64 // bytes of nested archives that are kept at one time, in temporary files
	Window     int64 // bytes of memory that the outermost decompressor may ask for; each nested one half of it
}

// DefaultLimits fit a process of 256 MiB and meet no ordinary archive.
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

// minWindow is what every decompressor gets, however deep: RFC 8878 asks for 8 MiB, and so does xz by default.
const minWindow = 8 << 20

// Reason is why something was not looked at.
type Reason string

// The reasons.
const (
	Encrypted   Reason = "encrypted"
	Broken      Reason = "broken"      // not what its format says
	Unsupported Reason = "unsupported" // an archive, or a way to compress, that is not read
	TooDeep     Reason = "too_deep"
	TooMany     Reason = "too_many_members"
	TooLarge    Reason = "too_large"
	TooDense    Reason = "ratio"
	Overlapping Reason = "overlapping_members" // several members of a zip share bytes: such archives are made to attack
)

// Refusal is something that was not looked at, or not to its end.
type Refusal struct {
	File   string // of the layer, set by who walks it
	Path   string // of the member, or of the archive itself
	Size   int64  // bytes, as far as known, else -1
	Reason Reason
	Detail string // for people; no bytes of the archive
}

// Finding is the refusal as it is shown: a file that was not looked at.
func (r Refusal) Finding() plimsoll.Malware {
	return plimsoll.Malware{Path: r.Path, Kind: plimsoll.MalwareNotLooked, Rule: string(r.Reason), Engine: "archive", Size: max(0, r.Size)}
}

// Member is a file in an archive.
type Member struct {
	Path string // "outer!/inner"
	Size int64  // bytes as the archive says, -1 = it does not. The content may be shorter or longer
}
