package sqldb

import (
	"encoding/base64"
	"fmt"

	"plimsoll"
)

// Position is where a page of a list ends that is sorted newest first: a time in ms, then an id.
type Position struct{ At, ID int64 }

const maxPosition = 64 // bytes of a cursor

// Cursor writes a position for clients.
func (p Position) Cursor() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%d", p.At, p.ID))
}

// ParsePosition reads a cursor; Invalid for a text that Cursor did not write.
func ParsePosition(cursor string) (Position, error) {
	var p Position
	raw, err := base64.RawURLEncoding.DecodeString(cursor[:min(len(cursor), maxPosition)])
	if err == nil {
		_, err = fmt.Sscanf(string(raw), "%d.%d", &p.At, &p.ID)
	}
	if err != nil || p.Cursor() != cursor {
		return p, plimsoll.Errorf(plimsoll.Invalid, "the cursor is none of ours").WithHint("begin again without one")
	}
	return p, nil
}
