package store

import (
	"encoding/base64"
	"fmt"

	"plimsoll"
)

// position is where a page of a list ends that is sorted newest first: a time in ms, then an id.
type position struct{ at, id int64 }

const maxPosition = 64 // bytes of a cursor

// cursor writes a position for clients.
func (p position) cursor() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%d", p.at, p.id))
}

// parsePosition reads a cursor; Invalid for a text that cursor did not write.
func parsePosition(cursor string) (position, error) {
	var p position
	raw, err := base64.RawURLEncoding.DecodeString(cursor[:min(len(cursor), maxPosition)])
	if err == nil {
		_, err = fmt.Sscanf(string(raw), "%d.%d", &p.at, &p.id)
	}
	if err != nil || p.cursor() != cursor {
		return p, plimsoll.Errorf(plimsoll.Invalid, "the cursor is none of ours").WithHint("begin again without one")
	}
	return p, nil
}
