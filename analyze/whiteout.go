package analyze

import (
	"strings"

	"plimsoll"
)

const (
	whiteoutPrefix = ".wh."
	metaPrefix     = ".wh..wh."
	opaqueName     = ".wh..wh..opq"
)

// Whiteout returns what an entry removes from lower layers (OCI image layer specification,
// "Whiteouts"): a path, or with a slash at its end the content of a directory ("/" = the
// root). ok is true for every entry that is a marker and not a file; removed is "" for
// markers that remove nothing (AUFS bookkeeping, invalid names).
func Whiteout(e plimsoll.Entry) (removed string, ok bool) {
	dir, base := "", e.Path
	if i := strings.LastIndexByte(e.Path, '/'); i >= 0 {
		dir, base = e.Path[:i+1], e.Path[i+1:]
	}
	name, marked := strings.CutPrefix(base, whiteoutPrefix)
	switch {
	case !marked:
		return "", false
	case base == opaqueName && dir == "":
		return "/", true
	case base == opaqueName:
		return dir, true
	case strings.HasPrefix(base, metaPrefix), name == "", name == ".", name == "..":
		return "", true
	default:
		return dir + name, true
	}
}
