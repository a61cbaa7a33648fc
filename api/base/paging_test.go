package base

import (
	"slices"
	"strings"
	"testing"

	"plimsoll"
)

func pageOfWords(t *testing.T, words []string, after string) List[string] {
	t.Helper()
	list, err := PageAfter(words, after, 2, strings.ToLower)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestPageAfterReturnsEveryRowOnce(t *testing.T) {
	words := []string{"A", "b", "c", "d", "e"}
	var got []string
	for after := ""; ; {
		list := pageOfWords(t, words, after)
		if *list.Total != 5 || len(list.Items) > 2 {
			t.Fatalf("%+v", list)
		}
		got = append(got, list.Items...)
		if after = list.Next; after == "" {
			break
		}
	}
	if !slices.Equal(got, words) {
		t.Errorf("%v", got)
	}
	if list := pageOfWords(t, nil, ""); list.Items == nil || len(list.Items) > 0 || list.Next != "" {
		t.Errorf("of nothing: %+v", list)
	}
	if list := pageOfWords(t, words[:4], pageOfWords(t, words, "").Next); list.Next != "" || len(list.Items) != 2 {
		t.Errorf("a full last page: %+v", list)
	}
}

// TestPageAfterFollowsTheRow: rows that come or go before the cursor neither repeat nor hide others.
func TestPageAfterFollowsTheRow(t *testing.T) {
	next := pageOfWords(t, []string{"a", "b", "c", "d"}, "").Next
	for name, words := range map[string][]string{
		"unchanged": {"a", "b", "c", "d"}, "one more before": {"0", "a", "b", "c", "d"}, "one less before": {"b", "c", "d"},
	} {
		if got := pageOfWords(t, words, next).Items; !slices.Equal(got, []string{"c", "d"}) {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := pageOfWords(t, []string{"a", "x", "c", "d"}, next).Items; !slices.Equal(got, []string{"c", "d"}) {
		t.Errorf("the row is gone: %v", got)
	}
	if got := pageOfWords(t, []string{"a"}, next).Items; len(got) > 0 {
		t.Errorf("the list is shorter: %v", got)
	}
}

func TestCursorsOfOthersAreRefused(t *testing.T) {
	for _, bad := range []string{
		"x", "e30", "bnVsbA", EncodeCursor(rowCursor{"a", 0}), EncodeCursor(rowCursor{"a", -1}), EncodeCursor(map[string]int{"decision": 1}),
		EncodeCursor(rowCursor{"a", 1}) + "=", EncodeCursor(strings.Repeat("a", MaxCursor)),
	} {
		if _, err := PageAfter([]string{"a", "b", "c"}, bad, 2, strings.ToLower); plimsoll.ErrorCode(err) != plimsoll.Invalid {
			t.Errorf("%.40s: %v", bad, err)
		}
	}
}

// FuzzCursor: whatever a client sends as a cursor, it is refused by name or begins a page.
func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add("x")
	f.Add(EncodeCursor(rowCursor{"b", 2}))
	f.Add(EncodeCursor(rowCursor{"z", 1 << 40}))
	words := []string{"a", "b", "c"}
	f.Fuzz(func(t *testing.T, after string) {
		list, err := PageAfter(words, after, 2, strings.ToLower)
		if err != nil && plimsoll.ErrorCode(err) != plimsoll.Invalid || err == nil && len(list.Items) > 2 {
			t.Fatalf("%q: %+v %v", after, list, err)
		}
	})
}
