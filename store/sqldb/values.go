package sqldb

import (
	"encoding/json"
	"time"
)

// Millis returns the stored form of a time, in ms since 1970; the zero time is 0.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// FromMillis reads the stored form of a time.
func FromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// BoolInt returns the stored form of a truth value.
func BoolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// EncodeJSON is for values that always encode.
func EncodeJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// EncodeList is EncodeJSON with an empty list for nil.
func EncodeList(l []string) string {
	if l == nil {
		l = []string{}
	}
	return EncodeJSON(l)
}
