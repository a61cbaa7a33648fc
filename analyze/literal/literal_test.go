package literal

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// findNaively finds all hits in a simple way; a matcher must find the same.
func findNaively(patterns []Pattern, text []byte) []Hit {
	var out []Hit
	for i, p := range patterns {
		want := p.Bytes
		have := text
		if p.Fold {
			want, have = asciiLower(want), asciiLower(have)
		}
		for at := 0; at+len(want) <= len(have); at++ {
			if bytes.Equal(have[at:at+len(want)], want) {
				out = append(out, Hit{Pattern: i, Offset: int64(at)})
			}
		}
	}
	sortHits(out)
	return out
}

func asciiLower(b []byte) []byte {
	out := bytes.Clone(b)
	for i, c := range out {
		if 'A' <= c && c <= 'Z' {
			out[i] = c + 'a' - 'A'
		}
	}
	return out
}

func sortHits(hits []Hit) {
	slices.SortFunc(hits, func(a, b Hit) int {
		if a.Offset != b.Offset {
			return int(a.Offset - b.Offset)
		}
		return a.Pattern - b.Pattern
	})
}

// scanWindows scans text in windows that end at the given places.
func scanWindows(m *Matcher, s *State, text []byte, cuts []int) []Hit {
	var out []Hit
	emit := func(h Hit) bool { out = append(out, h); return true }
	from := 0
	for _, cut := range append(slices.Clone(cuts), len(text)) {
		m.Scan(text[from:cut], s, emit)
		from = cut
	}
	sortHits(out)
	return out
}

func TestEqualsNaiveSearch(t *testing.T) {
	alphabets := []string{"ab", "aAbB\x00", "\x00\x20\x40\x60", "abcdefghABCDEFGH@`[{ ", "\x00\xff\x7f\x80\xdf"}
	var state State
	rapid.Check(t, func(t *rapid.T) {
		letter := rapid.SampledFrom([]byte(rapid.SampledFrom(alphabets).Draw(t, "alphabet")))
		if rapid.Bool().Draw(t, "any byte") {
			letter = rapid.Byte()
		}
		var patterns []Pattern
		for range rapid.IntRange(0, 12).Draw(t, "patterns") {
			patterns = append(patterns, Pattern{
				Bytes: rapid.SliceOfN(letter, MinLength, rapid.SampledFrom([]int{2, 3, 4, 5, 6, 9, 40}).Draw(t, "longest")).Draw(t, "pattern"),
				Fold:  rapid.Bool().Draw(t, "fold"),
			})
		}
		text := rapid.SliceOfN(letter, 0, 200).Draw(t, "text")
		for range rapid.IntRange(0, 4).Draw(t, "planted") {
			if len(patterns) > 0 {
				p := rapid.SampledFrom(patterns).Draw(t, "plant").Bytes
				at := rapid.IntRange(0, len(text)).Draw(t, "at")
				text = slices.Insert(text, at, p...)
			}
		}
		var cuts []int
		for range rapid.IntRange(0, 6).Draw(t, "cuts") {
			cuts = append(cuts, rapid.IntRange(0, len(text)).Draw(t, "cut"))
		}
		slices.Sort(cuts)
		m, err := New(patterns)
		if err != nil {
			t.Fatal(err)
		}
		state.Reset()
		if got, want := scanWindows(m, &state, text, cuts), findNaively(patterns, text); !slices.Equal(got, want) {
			t.Fatalf("got %v\nwant %v", got, want)
		}
	})
}

func TestBoundsOfPatterns(t *testing.T) {
	for want, p := range map[error][]byte{
		ErrEmpty: {},
		ErrShort: []byte("a"),
		ErrLong:  make([]byte, MaxLength+1),
	} {
		if _, err := New([]Pattern{{Bytes: []byte("good")}, {Bytes: p}}); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v", len(p), err)
		}
	}
	if _, err := New(make([]Pattern, MaxPatterns+1)); !errors.Is(err, ErrTooMany) {
		t.Errorf("too many: %v", err)
	}
}

func TestStopsWhenTold(t *testing.T) {
	m, err := New([]Pattern{{Bytes: []byte("needle")}})
	if err != nil {
		t.Fatal(err)
	}
	var s State
	calls := 0
	stop := func(Hit) bool { calls++; return false }
	m.Scan([]byte("needle needle"), &s, stop)
	m.Scan([]byte(" needle"), &s, stop)
	if calls != 1 {
		t.Errorf("%d calls after the first returned false", calls)
	}
	s.Reset()
	m.Scan([]byte("needle"), &s, stop)
	if calls != 2 {
		t.Errorf("%d calls after a reset", calls)
	}
}

func FuzzScan(f *testing.F) {
	f.Add([]byte("needle"), []byte("Nee"), true, []byte("a needle, a Needle"), uint8(4))
	f.Add([]byte("\x00\x00"), []byte("  @`"), true, []byte("\x00 \x00\x00  @` @@"), uint8(1))
	f.Add([]byte("abc"), []byte("bcde"), false, []byte("xabcdeabcde"), uint8(3))
	f.Fuzz(func(t *testing.T, a, b []byte, fold bool, text []byte, window uint8) {
		patterns := []Pattern{{Bytes: a}, {Bytes: b, Fold: fold}}
		m, err := New(patterns)
		if err != nil {
			return
		}
		var cuts []int
		for at := int(window); window > 0 && at < len(text); at += int(window) {
			cuts = append(cuts, at)
		}
		if got, want := scanWindows(m, new(State), text, cuts), findNaively(patterns, text); !slices.Equal(got, want) {
			t.Errorf("got %v\nwant %v", got, want)
		}
	})
}
