package feed

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"
	"time"

	"plimsoll"
)

// maxChanges is how many changed records are fetched one by one. Beyond it the dump is
// cheaper.
const maxChanges = 1000

// indexChanges are the records that an index lists as changed since a time.
type indexChanges struct {
	ids       []string
	newest    time.Time
	truncated bool // more than maxChanges: ids are not all of them
	skipped   int  // lines whose id cannot be a file's name
}

// recordID matches ids that are valid file names.
var recordID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$`)

// readIndex reads modified_id.csv of an ecosystem: one "RFC3339,ID" per line, newest first.
// It stops at the first line before since. Lines of the same millisecond as since are read
// again, because more of them may have been added.
func readIndex(r io.Reader, since time.Time) (c indexChanges, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 4<<10), 4<<10)
	seen := map[string]bool{}
	for lines.Scan() {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		stamp, id, ok := bytes.Cut(line, []byte(","))
		var at time.Time
		if !ok || at.UnmarshalText(stamp) != nil {
			return c, plimsoll.Errorf(plimsoll.Invalid, "feed: index line %.80q is not a time and an id", line)
		}
		at = at.Truncate(time.Millisecond)
		if at.After(c.newest) {
			c.newest = at
		}
		if at.Before(since) {
			return c, nil
		}
		switch name := string(id); {
		case !recordID.MatchString(name):
			c.skipped++
		case seen[name]:
		case len(c.ids) == maxChanges:
			c.truncated = true
			return c, nil
		default:
			seen[name] = true
			c.ids = append(c.ids, name)
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return c, plimsoll.Errorf(plimsoll.Invalid, "feed: an index line is longer than 4 KiB")
	} else if err != nil {
		return c, err
	}
	return c, nil
}
