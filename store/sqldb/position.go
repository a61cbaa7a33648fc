package sqldb

import (
	"encoding/base64"
	"fmt"

	"plimsoll"
)

// Position is the end of a page of a list that is sorted newest first.
type Position struct {
	At int64 // ms since 1970
	ID int64
}

const maxPosition = 64 // bytes of a cursor

// Cursor returns the position in the form that clients send back.
func (p Position) Cursor() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%d", p.At, p.ID))
}

// ParsePosition reads a cursor. Any text that Cursor did not write is Invalid.
func ParsePosition(cursor string) (Position, error) {
	var p Position
	raw, err := base64.RawURLEncoding.DecodeString(cursor[:min(len(cursor), maxPosition)])
	if err == nil {
		_, err = fmt.Sscanf(string(raw), "%d.%d", &p.At, &p.ID)
	}
	if err != nil || p.Cursor() != cursor {
		return p, plimsoll.Errorf(plimsoll.Invalid, "the cursor is not from an answer of this server").WithHint("start without one")
	}
	return p, nil
}
