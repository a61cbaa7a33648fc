package history

import (
	"testing"

	"plimsoll"
)

// FuzzCursor: whatever a client sends as a cursor, it is refused by name or begins a page.
func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add("WyJhIiwiYiJd")
	f.Add("bm9uZQ")
	f.Add("W10")
	f.Add("eyJhIjpudWxsfQ==")
	items := []string{"a", "b", "c"}
	f.Fuzz(func(t *testing.T, after string) {
		page, next, err := pageByKey(append([]string{}, items...), plimsoll.HistoryFilter{After: after, Limit: 2}, func(s string) []string { return []string{s} })
		if code := plimsoll.ErrorCode(err); err != nil && code != plimsoll.Invalid {
			t.Fatalf("%q: %v", after, err)
		}
		if len(page) > 2 || (next != "" && len(page) != 2) {
			t.Fatalf("%q: page %v, next %q", after, page, next)
		}
	})
}
