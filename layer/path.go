package layer

import (
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"plimsoll"
)

// cleanPath converts an archive's path to the form of plimsoll.Entry. The root itself is "".
func cleanPath(name string, b plimsoll.Budget) (string, error) {
	if len(name) > b.PathBytes {
		return "", budgetErrorf(ErrPath, "path of %d bytes, budget %d", len(name), b.PathBytes)
	}
	if strings.IndexByte(name, 0) >= 0 {
		return "", invalidErrorf(ErrNUL, "path %.80q", name)
	}
	name = strings.Trim(name, "/")
	depth, clean := 1, name != ""
	for rest := name; rest != ""; {
		segment, tail, more := strings.Cut(rest, "/")
		switch segment {
		case "", ".":
			clean = false
		case "..":
			return "", invalidErrorf(ErrDotDot, "path %.80q", name)
		}
		if more {
			depth++
		}
		rest = tail
	}
	if !clean {
		name, depth = dropEmptySegments(name)
	}
	if depth > b.PathDepth {
		return "", budgetErrorf(ErrDepth, "path of %d segments, budget %d", depth, b.PathDepth)
	}
	return escapePath(name), nil
}

// dropEmptySegments removes empty and "." segments, and counts the rest.
func dropEmptySegments(name string) (string, int) {
	segments := strings.Split(name, "/")
	kept := segments[:0]
	for _, s := range segments {
		if s != "" && s != "." {
			kept = append(kept, s)
		}
	}
	return strings.Join(kept, "/"), len(kept)
}

// escapePath makes a path valid UTF-8 without making two paths equal. Reports are sent as JSON, which
// turns every invalid byte into the same replacement character, so one file could seem to
// replace another.
func escapePath(name string) string {
	if utf8.ValidString(name) && !strings.ContainsRune(name, utf8.RuneError) {
		return name
	}
	var out strings.Builder
	for i := 0; i < len(name); {
		r, size := utf8.DecodeRuneInString(name[i:])
		out.WriteRune(r)
		switch {
		case r != utf8.RuneError:
		case size == 1:
			out.WriteString(hex.EncodeToString([]byte{name[i]}))
		default:
			out.WriteString("--")
		}
		i += size
	}
	return out.String()
}
