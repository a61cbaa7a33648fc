package members

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/maphash"
	"path"
	"strings"
	"unicode/utf8"
)

const (
	pathSeparator = "!/"
	maxName       = 1024 // bytes of one member's name
	maxPath       = 4096 // bytes of a whole path, as a layer's paths have
)

// cleanName makes a name from an archive safe to show and to compare: it escapes control characters, invalid UTF-8, the
// segments "." and ".." and the "!" that separates archive and member. Different names stay different.
func cleanName(name string) string {
	var out strings.Builder
	for i, segment := range strings.Split(name, "/") {
		if i > 0 {
			out.WriteByte('/')
		}
		if segment == "." || segment == ".." {
			out.WriteString(strings.Repeat("%2E", len(segment)))
			continue
		}
		for j := 0; j < len(segment); {
			r, size := utf8.DecodeRuneInString(segment[j:])
			if r == utf8.RuneError || r < ' ' || r == 0x7f || r == '%' || r == '!' || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e {
				for _, b := range []byte(segment[j : j+size]) {
					fmt.Fprintf(&out, "%%%02X", b)
				}
			} else {
				out.WriteString(segment[j : j+size])
			}
			j += size
		}
	}
	return shortenName(out.String(), maxName)
}

// shortenName cuts a long name and appends a digest of the whole name.
func shortenName(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	end := "%~" + hex.EncodeToString(sum[:8])
	s = s[:max(0, limit-len(end))]
	for s != "" && !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + end
}

// memberPath returns the path of a member with a clean name.
func memberPath(outer, name string) string {
	return outer + pathSeparator + shortenName(name, max(32, maxPath-len(outer)-len(pathSeparator)))
}

// decompressedName returns the name for the content of a compressed file: the name of the file without its extension.
func decompressedName(outer string) string {
	if i := strings.LastIndex(outer, pathSeparator); i >= 0 {
		outer = outer[i+len(pathSeparator):]
	}
	base := path.Base(outer)
	if ext := path.Ext(base); ext != "" && ext != base {
		return strings.TrimSuffix(base, ext)
	}
	return base
}

// uniqueNames makes the names of the members of one archive distinct.
type uniqueNames struct {
	seed maphash.Seed
	seen map[uint64]int
}

func newUniqueNames() *uniqueNames {
	return &uniqueNames{seed: maphash.MakeSeed(), seen: map[uint64]int{}}
}

// label returns the clean form of a name, with a number if the name occurred before.
func (n *uniqueNames) label(name string) string {
	s := cleanName(name)
	if s == "" {
		s = "%"
	}
	key := maphash.String(n.seed, s)
	n.seen[key]++
	if count := n.seen[key]; count > 1 {
		return fmt.Sprintf("%s!#%d", s, count)
	}
	return s
}
