package match

import (
	"testing"

	"plimsoll"
)

func events(pairs ...string) plimsoll.Range {
	r := plimsoll.Range{Type: "ECOSYSTEM"}
	for i := 0; i < len(pairs); i += 2 {
		var e plimsoll.Event
		switch pairs[i] {
		case "i":
			e.Introduced = pairs[i+1]
		case "f":
			e.Fixed = pairs[i+1]
		case "l":
			e.LastAffected = pairs[i+1]
		case "limit":
			e.Limit = pairs[i+1]
		}
		r.Events = append(r.Events, e)
	}
	return r
}

func debian() *rangeEvaluator {
	s, _ := schemeOf("Debian")
	return &rangeEvaluator{scheme: s, parsed: map[string]parsedBound{}}
}

// TestHold covers the evaluation of the OSV schema.
func TestHold(t *testing.T) {
	for _, c := range []struct {
		name      string
		installed string
		affected  plimsoll.Affected
		want      entryVerdict
	}{
		{"before the fix", "1.0-1", plimsoll.Affected{Ranges: []plimsoll.Range{events("i", "0", "f", "1.0-2")}}, entryVerdict{affected: true, fixed: "1.0-2"}},
		{"the fix", "1.0-2", plimsoll.Affected{Ranges: []plimsoll.Range{events("i", "0", "f", "1.0-2")}}, entryVerdict{}},
		{"an epoch", "1:0.1", plimsoll.Affected{Ranges: []plimsoll.Range{events("i", "0", "f", "9")}}, entryVerdict{}},
		{"a tilde before 0", "0~rc1", plimsoll.Affected{Ranges: []plimsoll.Range{events("i", "0", "f", "1")}}, entryVerdict{affected: true, fixed: "1"}},
		{"not yet introduced", "1", plimsoll.Affected{Ranges: []plimsoll.Range{events("i", "2", "f", "3")}}, entryVerdict{}},
		{"introduced", "2", plimsoll.Affected{Ranges: []plimsoll.Range{events("i", "2", "f", "3")}}, entryVerdict{affected: true, fixed: "3"}},
		{"no fix", "2", plimsoll.Affected{Ranges: []plimsoll.Range{events("i", "0")}}, entryVerdict{affected: true}},
		{"last affected", "2", plimsoll.Affected{Ranges: []plimsoll.Range{events("i", "0", "l", "2")}}, entryVerdict{affected: true}},
		{"after the last affected", "2.1", plimsoll.Affected{Ranges: []plimsoll.Range{events("i", "0", "l", "2")}}, entryVerdict{}},
		{"events in any order", "5", plimsoll.Affected{Ranges: []plimsoll.Range{events("f", "6", "i", "4", "f", "2", "i", "0")}}, entryVerdict{affected: true, fixed: "6"}},
		{"between two ranges of one list", "3", plimsoll.Affected{Ranges: []plimsoll.Range{events("i", "0", "f", "2", "i", "4", "f", "6")}}, entryVerdict{}},
		{"fixed and introduced at one version", "2.5", plimsoll.Affected{Ranges: []plimsoll.Range{events("i", "1", "f", "2", "i", "2", "f", "3")}}, entryVerdict{affected: true, fixed: "3"}},
		{"never affected", "1", plimsoll.Affected{Ranges: []plimsoll.Range{events("i", "0", "f", "0")}}, entryVerdict{}},
		{"below a limit", "1", plimsoll.Affected{Ranges: []plimsoll.Range{events("i", "0", "limit", "2")}}, entryVerdict{affected: true}},
		{"at the limit", "2", plimsoll.Affected{Ranges: []plimsoll.Range{events("i", "0", "limit", "2")}}, entryVerdict{}},
		{"below one of two limits", "2", plimsoll.Affected{Ranges: []plimsoll.Range{events("i", "0", "limit", "1", "limit", "3")}}, entryVerdict{affected: true}},
		{"no limit", "9", plimsoll.Affected{Ranges: []plimsoll.Range{events("i", "0", "limit", "2", "limit", "*")}}, entryVerdict{affected: true}},
		{"listed", "7", plimsoll.Affected{Versions: []string{"6", "7"}}, entryVerdict{affected: true}},
		{"listed, a range tells the fix", "7", plimsoll.Affected{Versions: []string{"7"}, Ranges: []plimsoll.Range{events("i", "8", "f", "9")}}, entryVerdict{affected: true, fixed: "9"}},
		{"two ranges hold it", "1", plimsoll.Affected{Ranges: []plimsoll.Range{events("i", "0", "f", "2"), events("i", "0", "f", "1.5")}}, entryVerdict{affected: true, fixed: "2"}},
		{"the other range tells nothing", "1", plimsoll.Affected{Ranges: []plimsoll.Range{events("i", "0", "f", "2"), events("i", "5", "f", "6")}}, entryVerdict{affected: true, fixed: "2"}},
		{"a bound without order", "1", plimsoll.Affected{Ranges: []plimsoll.Range{events("i", "0", "f", "see note"), events("i", "0", "f", "2")}}, entryVerdict{affected: true, fixed: "2", unjudged: true}},
		{"an installed version without order", "see note", plimsoll.Affected{Ranges: []plimsoll.Range{events("i", "0")}}, entryVerdict{unjudged: true}},
		{"the same, listed", "see note", plimsoll.Affected{Versions: []string{"see note"}}, entryVerdict{affected: true, unjudged: true}},
		{"a range of another type", "1", plimsoll.Affected{Ranges: []plimsoll.Range{{Type: "GIT", Events: []plimsoll.Event{{Introduced: "0"}}}}}, entryVerdict{}},
		{"an event without a bound", "1", plimsoll.Affected{Ranges: []plimsoll.Range{{Type: "ECOSYSTEM", Events: []plimsoll.Event{{}, {Introduced: "0"}}}}}, entryVerdict{unjudged: true}},
		{"nothing said", "1", plimsoll.Affected{}, entryVerdict{}},
	} {
		if got := debian().evaluate(c.installed, c.affected); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func FuzzHold(f *testing.F) {
	f.Add("1.0-1", "0", "1.0-2", "", "")
	f.Add("1.2.3-r1", "0", "1.2.4-r0", "1.2_alpha", "*")
	f.Add("1:2~3", "x", "", "é", "\x00")
	f.Fuzz(func(t *testing.T, installed, introduced, fixed, last, limit string) {
		a := plimsoll.Affected{Ranges: []plimsoll.Range{
			events("i", introduced, "f", fixed), events("l", last, "limit", limit, "i", introduced), events("f", fixed, "i", introduced, "f", last),
		}}
		for _, base := range []string{"Alpine", "Debian"} {
			s, _ := schemeOf(base)
			h := &rangeEvaluator{scheme: s, parsed: map[string]parsedBound{}}
			v := h.evaluate(installed, a)
			if v != h.evaluate(installed, a) {
				t.Error("the same question has two answers")
			}
			if v.fixed != "" && v.fixed != fixed && v.fixed != last {
				t.Errorf("fixed in %q, which nobody said", v.fixed)
			}
			if b := h.parseBound(installed); b.err != nil && !v.unjudged {
				t.Error("a version without order was judged")
			}
		}
	})
}
