package pathlist

import (
	"encoding/json"
	"slices"
	"testing"
)

func listOf(records ...Entry) *List {
	l := &List{}
	for _, r := range records {
		l.Add(r)
	}
	return l
}

func TestListReturnsWhatItTook(t *testing.T) {
	records := []Entry{
		{Path: "bin/", Kind: KindNone},
		{Path: "bin/bash", Size: 1 << 40, Kind: KindELF},
		{Path: "bin/bas\"h\n", Kind: KindEmpty},
		{Path: "bin/ä", Size: 3, Kind: KindText}, // ä and ö share their first byte
		{Path: "bin/ö", Size: 4, Kind: KindText},
		{Path: "a b 12 34", Size: 5, Kind: KindData},
	}
	l := listOf(records...)
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	var back List
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if got := slices.Collect(back.All()); !slices.Equal(got, records) || back.Len() != len(records) {
		t.Errorf("%d records, %+v of %s", back.Len(), got, text)
	}
}

func TestListRefuses(t *testing.T) {
	for _, text := range []string{
		`"1 1 0 ta"`, `"0 5 0 ta"`, `"0 1 0 t"`, `"0 1 t"`, `"x"`, `"0 0 0 t"`, `"-1 1 0 ta"`, `"0 1 9999999999999999999 ta"`, `"0 1 0 ta 1"`, `7`,
	} {
		if err := json.Unmarshal([]byte(text), new(List)); err == nil {
			t.Errorf("%s is taken for a list", text)
		}
	}
}

func FuzzList(f *testing.F) {
	f.Add("0 4 0 -bin/4 2 9 esh")
	f.Add("0 1 1 ta1 1 1 tb")
	f.Fuzz(func(t *testing.T, text string) {
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Skip()
		}
		var l List
		if json.Unmarshal(quoted, &l) != nil {
			return
		}
		records := slices.Collect(l.All())
		if len(records) != l.Len() {
			t.Fatalf("%d records, said to be %d", len(records), l.Len())
		}
		if again := slices.Collect(listOf(records...).All()); !slices.Equal(again, records) {
			t.Fatalf("%+v became %+v", records, again)
		}
	})
}
