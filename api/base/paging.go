package base

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"plimsoll"
)

// List is one page of a list, as our own operations answer it.
type List[T any] struct {
	Total *int   `json:"total,omitempty" doc:"Matches before paging, exact"`
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"Cursor of the next page, for the parameter after; absent on the last page"`
}

// ListOf makes a list from a page of the store, which has its cursor.
func ListOf[T any](page plimsoll.Page[T]) List[T] {
	return List[T]{Total: &page.Total, Items: append([]T{}, page.Items...), Next: page.Next}
}

// PageAfter cuts a page out of a whole list that is in memory. The cursor holds the key of the last row of the
// page before, and its position for the case that the row is gone. Invalid if the cursor is malformed.
func PageAfter[T any](rows []T, after string, limit int, key func(T) string) (List[T], error) {
	begin, err := positionAfter(rows, after, key)
	if err != nil {
		return List[T]{}, err
	}
	end := min(begin+limit, len(rows))
	list := List[T]{Total: new(len(rows)), Items: append([]T{}, rows[begin:end]...)}
	if end < len(rows) {
		list.Next = EncodeCursor(rowCursor{Key: key(rows[end-1]), Position: end})
	}
	return list, nil
}

type rowCursor struct {
	Key      string `json:"k"`
	Position int    `json:"p"` // of the row that follows
}

func positionAfter[T any](rows []T, after string, key func(T) string) (int, error) {
	if after == "" {
		return 0, nil
	}
	var c rowCursor
	if err := DecodeCursor(after, &c); err != nil {
		return 0, err
	}
	if c.Position < 1 {
		return 0, ErrCursor()
	}
	if c.Position <= len(rows) && key(rows[c.Position-1]) == c.Key {
		return c.Position, nil
	}
	for i, row := range rows {
		if key(row) == c.Key {
			return i + 1, nil
		}
	}
	return min(c.Position, len(rows)), nil
}

// PageAt cuts a page out of a whole list by offset; more reports whether something follows it.
func PageAt[T any](list []T, offset, limit int) (page []T, more bool) {
	offset = min(offset, len(list))
	end := min(offset+limit, len(list))
	return list[offset:end], end < len(list)
}

// MaxCursor is the longest cursor in bytes; names of packages are the longest part.
const MaxCursor = 8192

// EncodeCursor makes an opaque cursor of a value that JSON can hold.
func EncodeCursor(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // the types of cursors are ours
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// DecodeCursor reads a cursor that EncodeCursor made. Invalid for any other text.
func DecodeCursor(text string, into any) error {
	if len(text) > MaxCursor {
		return ErrCursor()
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return ErrCursor()
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields() // those of another list's cursor
	if decoder.Decode(into) != nil || decoder.More() {
		return ErrCursor()
	}
	return nil
}

// ErrCursor is the answer to a cursor that no list has made.
func ErrCursor() error {
	return plimsoll.Errorf(plimsoll.Invalid, "the cursor is not from an answer of this server").WithHint("start without one")
}
