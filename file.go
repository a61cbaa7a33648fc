package plimsoll

// LargestFiles is the number of an image's largest files that are listed.
const LargestFiles = 50

// FileFact describes one regular file.
type FileFact struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`             // bytes
	Kind   string `json:"kind"`             // see pathlist.Kind
	SHA256 string `json:"sha256,omitempty"` // hex; "" if the file is not one of the largest of its layer
	Layer  Digest `json:"layer,omitempty"`  // diff ID; set when the layers of an image are folded
}

// FileFacts sums up the regular files that are visible in an image. A file with several hard
// links is counted once.
type FileFacts struct {
	Count   int        `json:"count"`
	Bytes   int64      `json:"bytes"`
	Kinds   []KindSum  `json:"kinds"`   // by bytes, descending
	Largest []FileFact `json:"largest"` // by size, descending, then by path; at most LargestFiles
}

// KindSum sums up the files of one kind.
type KindSum struct {
	Kind  string `json:"kind"`
	Count int    `json:"count"`
	Bytes int64  `json:"bytes"`
}

// ImageFacts is what a scan reports about an image beside its findings.
type ImageFacts struct {
	Release *OSRelease `json:"release,omitempty"` // nil = none in the image
	Files   FileFacts  `json:"files"`
}

// BaseImage is a known image whose layers are the first layers of another one.
type BaseImage struct {
	Repository string     `json:"repository"`
	Tag        string     `json:"tag"` // the one that was updated last
	Digest     Digest     `json:"digest"`
	Layers     int        `json:"layers"`            // number of shared layers
	TopLayer   Digest     `json:"top_layer"`         // blob digest of the last shared layer
	Release    *OSRelease `json:"release,omitempty"` // nil = not scanned, or none
}

// EntryType is the type of an archive entry.
type EntryType byte

// The entry types.
const (
	EntryFile EntryType = iota
	EntryDir
	EntrySymlink
	EntryHardlink
	EntryOther // devices, FIFOs: listed, never read
)

// Entry is one entry of a layer's archive with a cleaned path: relative to the
// image's root, slash-separated, no leading or trailing slash, no dot segments.
type Entry struct {
	Path string
	Type EntryType
	Mode uint32 // permission bits with 04000 set-uid, 02000 set-gid, 01000 sticky
	UID  int
	GID  int
	Size int64  // bytes of a file
	Link string // target: unchanged for a symbolic link, cleaned like Path for a hard link
}
