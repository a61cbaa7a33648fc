package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plimsoll"
	"plimsoll/analyze/all"
)

// A server that starts with rules it cannot use says so, once, and goes on.
func TestServeTellsOfRefusedRules(t *testing.T) {
	data := t.TempDir()
	rules := filepath.Join(data, "rules")
	if err := errors.Join(os.Mkdir(rules, 0o700), os.WriteFile(filepath.Join(rules, "a.yar"), []byte("rule a { condition: cuckoo.x }\nrule b { condition: false }\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	s, err := serveInBackground([]string{"--data", data, "serve", "--listen", "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	if code := s.stop(); code != exitOK {
		t.Errorf("ended with %d", code)
	}
	if got := s.errs.String(); strings.Count(got, "some rules cannot be used") != 1 || !strings.Contains(got, "refused=1 ") {
		t.Errorf("said %q", got)
	}
}

func TestRuleFilesAreBounded(t *testing.T) {
	s := ruleFiles{bytes: maxRuleBytes - 3}
	if err := s.add("a.yar", strings.NewReader("abc")); err != nil {
		t.Error(err)
	}
	if err := s.add("b.yar", strings.NewReader("a")); plimsoll.ErrorCode(err) != plimsoll.TooLarge || !strings.Contains(err.Error(), "b.yar") {
		t.Error(err)
	}
	s = ruleFiles{files: make([]all.RuleFile, maxRuleFiles)}
	if err := s.add("a.yar", strings.NewReader("")); plimsoll.ErrorCode(err) != plimsoll.TooLarge {
		t.Error(err)
	}
	for _, name := range []string{"", ".", "..", "../a.yar", "a/../../b", "/a.yar", "a\\b.yar", "a:b.yar", "a\x1b.yar", "a\u202e.yar", strings.Repeat("a", maxRulePath+1)} {
		if err := new(ruleFiles).add(name, strings.NewReader("")); plimsoll.ErrorCode(err) != plimsoll.Invalid {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// A folder of the largest size reaches the children: its frame, and what it is compiled into, are within bounds.
func TestTheLargestFolderCanBeHandedOver(t *testing.T) {
	if testing.Short() {
		t.Skip("sends 48 MiB")
	}
	a := &app{errs: &bytes.Buffer{}, env: func(string) (string, bool) { return "", false }, data: t.TempDir(), logLevel: "error"}
	line := "rule r { condition: false } //" + strings.Repeat(" ", 32<<10) + "\n"
	text := []byte(line + strings.Repeat("/*"+strings.Repeat("-", 60)+"*/\n", 15<<20/65))
	var files []all.RuleFile
	left := maxRuleBytes
	for i := 0; left > 0; i++ {
		n := min(len(text), left)
		files = append(files, all.RuleFile{Name: string(rune('a'+i)) + ".yar", Data: text[:n]})
		left -= n
	}
	sets, err := a.tryRules(t.Context(), files)
	if err != nil || len(sets) != len(files) || sets[0].Loaded != 1 {
		t.Errorf("%v, %d sets of %d files", err, len(sets), len(files))
	}
}

func TestReplaceRulesKeepsTheLast(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "deep", "rules")
	for _, text := range []string{"one", "two", "three"} {
		if err := replaceRules(folder, text, []all.RuleFile{{Name: "x/a.yar", Data: []byte(text)}}); err != nil {
			t.Fatal(err)
		}
	}
	for at, want := range map[string]string{folder: "three", folder + ".last": "two"} {
		files, err := readRules(at)
		if err != nil || len(files) != 1 || files[0].Name != "x/a.yar" || string(files[0].Data) != want || !strings.HasSuffix(ruleSource(at), ", from "+want) {
			t.Errorf("%s: %v %q %q", at, err, files, ruleSource(at))
		}
	}
	entries, err := os.ReadDir(filepath.Dir(folder))
	if err != nil || len(entries) != 2 {
		t.Errorf("%v %v", entries, err)
	}
	if err := replaceRules(folder, "bad", []all.RuleFile{{Name: "a", Data: nil}, {Name: "a/b", Data: nil}}); err == nil {
		t.Error("a file was a folder too")
	}
	if files, err := readRules(folder); err != nil || string(files[0].Data) != "three" {
		t.Errorf("%v %q", err, files)
	}
	if entries, _ := os.ReadDir(filepath.Dir(folder)); len(entries) != 2 {
		t.Errorf("left %v", entries)
	}
}
