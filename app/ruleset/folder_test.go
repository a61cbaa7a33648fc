package ruleset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plimsoll"
	"plimsoll/analyze/all"
)

func TestRuleFilesAreBounded(t *testing.T) {
	s := boundedFiles{bytes: maxBytes - 3}
	if err := s.add("a.yar", strings.NewReader("abc")); err != nil {
		t.Error(err)
	}
	if err := s.add("b.yar", strings.NewReader("a")); plimsoll.ErrorCode(err) != plimsoll.TooLarge || !strings.Contains(err.Error(), "b.yar") {
		t.Error(err)
	}
	s = boundedFiles{files: make([]all.RuleFile, maxFiles)}
	if err := s.add("a.yar", strings.NewReader("")); plimsoll.ErrorCode(err) != plimsoll.TooLarge {
		t.Error(err)
	}
	for _, name := range []string{"", ".", "..", "../a.yar", "a/../../b", "/a.yar", "a\\b.yar", "a:b.yar", "a\x1b.yar", "a\u202e.yar", strings.Repeat("a", maxPath+1)} {
		if err := new(boundedFiles).add(name, strings.NewReader("")); plimsoll.ErrorCode(err) != plimsoll.Invalid {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestReplaceRulesKeepsTheLast(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "deep", "rules")
	for _, text := range []string{"one", "two", "three"} {
		if err := ReplaceFolder(folder, text, []all.RuleFile{{Name: "x/a.yar", Data: []byte(text)}}); err != nil {
			t.Fatal(err)
		}
	}
	for at, want := range map[string]string{folder: "three", folder + ".last": "two"} {
		files, err := ReadFolder(at)
		if err != nil || len(files) != 1 || files[0].Name != "x/a.yar" || string(files[0].Data) != want || !strings.HasSuffix(SourceOf(at), ", from "+want) {
			t.Errorf("%s: %v %q %q", at, err, files, SourceOf(at))
		}
	}
	entries, err := os.ReadDir(filepath.Dir(folder))
	if err != nil || len(entries) != 2 {
		t.Errorf("%v %v", entries, err)
	}
	if err := ReplaceFolder(folder, "bad", []all.RuleFile{{Name: "a", Data: nil}, {Name: "a/b", Data: nil}}); err == nil {
		t.Error("a file was a folder too")
	}
	if files, err := ReadFolder(folder); err != nil || string(files[0].Data) != "three" {
		t.Errorf("%v %q", err, files)
	}
	if entries, _ := os.ReadDir(filepath.Dir(folder)); len(entries) != 2 {
		t.Errorf("left %v", entries)
	}
}
