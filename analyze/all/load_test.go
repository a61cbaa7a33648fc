package all

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"plimsoll"
)

var someRules = []RuleFile{
	{"b/own.yar", []byte("rule a { condition: filesize == 7 }\nrule b { condition: cuckoo.x }\nrule c { strings: $a = \"abcdef\" condition: $a }\n")},
	{"own.sha256", []byte("# x\n" + strings.Repeat("ab", 32) + " 3 name\n")},
	{"own.ndb", []byte("Own.One:0:*:" + strings.Repeat("61", 12) + "\nOwn.Two:0\n")},
	{"own.ldb", []byte("Own.Logical;Engine:51-255,Target:0;0;6162636465\n")},
	{"own.yra", []byte("rule x { condition: true }\n")},
	{"README.md", []byte("# Rules\n\nof ours\n")},
}

func TestEveryFileIsAccountedFor(t *testing.T) {
	_, sets, err := Signatures(Config{Rules: someRules})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sets {
		if s.Digest == "" || len(s.Refusals) != s.Refused {
			t.Errorf("%+v", s)
		}
		for _, r := range s.Refusals {
			if r.Reason == "" {
				t.Errorf("%s: refused for no reason", s.Name)
			}
		}
	}
	want := []RuleSet{
		{Name: "embedded", Kind: KindSums, Loaded: 4}, {Name: "embedded", Kind: KindYARA, Loaded: sets[1].Loaded},
		{Name: "README.md", Kind: KindText},
		{Name: "b/own.yar", Kind: KindYARA, Loaded: 2, Refused: 1},
		{Name: "own.ldb", Kind: KindClamAV, Refused: 1},
		{Name: "own.ndb", Kind: KindClamAV, Loaded: 1, Refused: 1},
		{Name: "own.sha256", Kind: KindSums, Loaded: 1},
		{Name: "own.yra", Kind: KindUnknown, Refused: 1},
	}
	if diff := cmp.Diff(want, sets, cmpopts.IgnoreFields(RuleSet{}, "Digest", "Refusals")); diff != "" {
		t.Error(diff)
	}
	if sets[1].Loaded < 10 || sets[3].Refusals[0].Line != 2 || sets[3].Refusals[0].Rule != "b" {
		t.Errorf("%+v", sets)
	}
}

func TestFilesThatCannotBeReadAreNamed(t *testing.T) {
	for _, f := range []RuleFile{{"x.sha256", []byte("nothing\n")}, {"x.cvd", []byte("short")}, {"x.ndb", []byte(strings.Repeat("a", 70<<10))}, {"x.yar", make([]byte, 17<<20)}} {
		_, _, err := Signatures(Config{Rules: []RuleFile{f}})
		if plimsoll.ErrorCode(err) != plimsoll.Invalid || !strings.Contains(err.Error(), f.Name) {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

// A process that sends layers to another one must have analyzers with the same ids.
func TestNamesAreThoseOfAnalyzers(t *testing.T) {
	seen := map[string]bool{}
	for _, rules := range [][]RuleFile{nil, someRules, someRules[:1], {{"b/own.yar", []byte("rule z { condition: false }")}}, {{"c/own.yar", someRules[0].Data}}} {
		full, err := Analyzers(Config{Rules: rules})
		if err != nil {
			t.Fatal(err)
		}
		names, err := Names(Config{Rules: rules})
		if err != nil {
			t.Fatal(err)
		}
		for i := range full {
			if full[i].ID() != names[i].ID() {
				t.Errorf("%v has the name %v", full[i].ID(), names[i].ID())
			}
		}
		seen[full[2].ID().Version] = true
	}
	if len(seen) != 5 {
		t.Errorf("versions %v", seen)
	}
	if rulesDigest(Config{Second: true}) == rulesDigest(Config{}) {
		t.Error("a second engine makes no difference")
	}
	turned := []RuleFile{someRules[5], someRules[4], someRules[3], someRules[2], someRules[1], someRules[0]}
	if rulesDigest(Config{Rules: turned}) != rulesDigest(Config{Rules: someRules}) {
		t.Error("the order of files counts")
	}
}
