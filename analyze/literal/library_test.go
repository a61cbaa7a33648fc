package literal

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// scopeAllows reports whether a text is in a scope: the definition of Scope.
func scopeAllows(n Scope, text []byte) bool {
	if n.TextOnly && bytes.IndexByte(text, 0) >= 0 {
		return false
	}
	return n.Magics == nil || len(text) >= 2 && slices.Contains(n.Magics, uint16(text[0])|uint16(text[1])<<8)
}

// TestLibraryFindsWhatIsOfUse checks that a library reports all hits of patterns that are useful in a text, and only real
// hits.
func TestLibraryFindsWhatIsOfUse(t *testing.T) {
	letter := rapid.SampledFrom([]byte("abM\x00"))
	rapid.Check(t, func(t *rapid.T) {
		var patterns []Pattern
		for range rapid.IntRange(0, 30).Draw(t, "patterns") {
			p := Pattern{Bytes: rapid.SliceOfN(letter, 2, 8).Draw(t, "pattern"), Fold: rapid.Bool().Draw(t, "fold")}
			p.Scope.TextOnly = rapid.Bool().Draw(t, "text")
			for range rapid.IntRange(0, 3).Draw(t, "beginnings") {
				b := rapid.SliceOfN(letter, 2, 2).Draw(t, "beginning")
				p.Scope.Magics = append(p.Scope.Magics, uint16(b[0])|uint16(b[1])<<8)
			}
			patterns = append(patterns, p)
		}
		l, err := NewLibrary(patterns)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			text := rapid.SliceOfN(letter, 0, 60).Draw(t, "text")
			head := text[:rapid.IntRange(min(2, len(text)), len(text)).Draw(t, "head")]
			all := findNaively(patterns, text)
			got := scanWindows(l.For(head), new(State), text, nil)
			for _, h := range got {
				if !slices.Contains(all, h) {
					t.Fatalf("no such hit: %v", h)
				}
			}
			for _, h := range all {
				if scopeAllows(patterns[h.Pattern].Scope, text) && !slices.Contains(got, h) {
					t.Fatalf("%v is missing of %v", h, got)
				}
			}
		}
	})
}

// TestLibraryLeavesOut checks that a matcher does not search for patterns out of scope.
func TestLibraryLeavesOut(t *testing.T) {
	l, err := NewLibrary([]Pattern{
		{Bytes: []byte("needle")},
		{Bytes: []byte("needle"), Scope: Scope{Magics: []uint16{'M' | 'Z'<<8}}},
		{Bytes: []byte("needle"), Scope: Scope{TextOnly: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]int{"a needle": {0, 2}, "MZ needle": {0, 1, 2}, "MZ\x00needle": {0, 1}, "M\x00needle": {0}} {
		var got []int
		for _, h := range scanWindows(l.For([]byte(text)), new(State), []byte(text), nil) {
			got = append(got, h.Pattern)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
