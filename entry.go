package plimsoll

// EntryType is the kind of an archive entry that scans tell apart.
type EntryType byte

// The entry types.
const (
	EntryFile EntryType = iota
	EntryDir
	EntrySymlink
	EntryHardlink
	EntryOther // devices, FIFOs: recorded, never read
)

// Entry is one entry of a layer's archive with a cleaned path: relative to the
// image's root, slash-separated, no leading or trailing slash, no dot segments.
type Entry struct {
	Path string
	Type EntryType
	Mode uint32 // permission bits with 04000 set-uid, 02000 set-gid, 01000 sticky
	UID  int
	GID  int
	Size int64  // of a file, bytes
	Link string // target: as written for a symbolic link, cleaned like Path for a hard link
}
