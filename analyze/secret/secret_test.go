package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plimsoll"
)

// No part of a secret may appear in a result or an error: neither the whole secret nor eight bytes of it in a row.
func TestNothingOfTheSecretComesOut(t *testing.T) {
	e := newTestEngine(t)
	for i, r := range e.Rules() {
		c := ruleCases[r.ID]
		s := newSynth(uint64(i) + 5000)
		text := s.text(t, c.hit)
		for _, content := range []io.ReaderAt{strings.NewReader(text), leaking{text}} {
			f := e.Open(c.file(), content, int64(len(text)))
			e.searchText([]byte(text), f.Hit)
			found, err := f.Close()
			checkNoLeak(t, r.ID, text, ownWords(r, c), found, err)
		}
		config := plimsoll.ImageConfig{
			Env: []string{"SETTING=" + text}, Cmd: []string{text}, Entrypoint: []string{"sh", text}, Labels: map[string]string{"note": text},
			History: []plimsoll.HistoryLine{{CreatedBy: "RUN |1 A=" + text + " /bin/sh -c x", Comment: text}},
		}
		found, err := e.Config(config)
		checkNoLeak(t, r.ID, text, ownWords(r, c), found, err)
	}
}

// ownWords are the texts that may appear: the text of the rule, and the parts of a case that are not secret.
func ownWords(r Rule, c ruleCase) string {
	return strings.ToLower(strings.Join(r.literals, " ")+" "+r.ID+" "+c.path) + fieldRE.ReplaceAllString(strings.ToLower(c.hit), "\n")
}

func checkNoLeak(t *testing.T, id, text, allowed string, found []plimsoll.Secret, err error) {
	t.Helper()
	out, jsonErr := json.Marshal(found)
	if jsonErr != nil {
		t.Fatal(jsonErr)
	}
	shown := strings.ToLower(fmt.Sprintf("%s %v %+v %#v", out, err, err, err))
	text = strings.ToLower(text)
	const run = 8
	for i := 0; i+run <= len(text); i++ {
		if part := text[i : i+run]; strings.Contains(shown, part) && !strings.Contains(allowed, part) {
			t.Errorf("%s: %d bytes of the secret are shown in %s", id, run, shown)
			return
		}
	}
}

// leaking is a reader whose error contains what it read.
type leaking struct{ text string }

func (l leaking) ReadAt(p []byte, at int64) (int, error) {
	if at == 0 && len(l.text) <= len(p) {
		return copy(p, l.text), errors.New("after " + l.text)
	}
	return 0, errors.New("before " + l.text)
}

func TestReaderThatFails(t *testing.T) {
	e := newTestEngine(t)
	f := e.Open("root/.netrc", leaking{"password abc"}, 4<<20)
	f.Hit(0, 5)
	if _, err := f.Close(); plimsoll.FailureOf(err) != plimsoll.FailureSecrets {
		t.Errorf("error %v", err)
	}
}

func TestBoundsAreTold(t *testing.T) {
	e := newTestEngine(t)
	s := newSynth(7)
	var text bytes.Buffer
	for range 3 * MaxPerFile {
		text.WriteString(s.text(t, "GITHUB_TOKEN=ghp_{36:n}\n"))
	}
	f := e.OpenBytes("app/.env", text.Bytes())
	e.searchText(text.Bytes(), f.Hit)
	found, err := f.Close()
	if len(found) != MaxPerFile || plimsoll.FailureOf(err) != plimsoll.FailureOversized {
		t.Errorf("%d findings, error %v", len(found), err)
	}
	layer := make([]plimsoll.Secret, MaxPerLayer-1)
	if layer, err = AppendBounded(layer, found[:1]); err != nil || len(layer) != MaxPerLayer {
		t.Errorf("%d findings, error %v", len(layer), err)
	}
	if layer, err = AppendBounded(layer, found[:1]); plimsoll.FailureOf(err) != plimsoll.FailureOversized || len(layer) != MaxPerLayer {
		t.Errorf("%d findings, error %v", len(layer), err)
	}
	many := bytes.Repeat([]byte("curl "), 100)
	f = e.OpenBytes("srv/a.sh", many)
	f.effort = maxEffort - 500
	e.searchText(many, f.Hit)
	if _, err = f.Close(); plimsoll.FailureOf(err) != plimsoll.FailureOversized {
		t.Errorf("many places: error %v", err)
	}
	long := []byte("machine a login b password " + s.text(t, "{12:n}") + strings.Repeat(" ", maxLine))
	f = e.OpenBytes("root/.netrc", long)
	if _, err = f.Close(); plimsoll.FailureOf(err) != plimsoll.FailureOversized {
		t.Errorf("a long line: error %v", err)
	}
}

func TestLinesOfLargeFiles(t *testing.T) {
	e := newTestEngine(t)
	s := newSynth(8)
	var text bytes.Buffer
	want := map[int]bool{}
	for n := 1; text.Len() < 300<<10; n++ {
		if n%997 == 0 {
			want[n] = true
			text.WriteString(s.text(t, "a: glpat-{20:w}\n"))
			continue
		}
		text.WriteString("ordinary: line of a file that is larger than its window\n")
	}
	f := e.Open("srv/large.yml", bytes.NewReader(text.Bytes()), int64(text.Len()))
	e.searchText(text.Bytes(), f.Hit)
	found, err := f.Close()
	if err != nil || len(found) != len(want) {
		t.Fatalf("%d of %d findings, error %v", len(found), len(want), err)
	}
	for _, x := range found {
		if !want[x.Line] {
			t.Errorf("a finding in line %d", x.Line)
		}
	}
}

// A program may contain a key, but rules with little structure do not search programs.
func TestBinaryFiles(t *testing.T) {
	e := newTestEngine(t)
	s := newSynth(9)
	key := "\x7fELF\x00\x00 " + s.text(t, "AKIA{16:2}") + "\x00\x00"
	if found := scanText(t, e, "app/server", []byte(key)); len(found) != 1 || found[0].Rule != "aws-access-key-id" || found[0].Line != 0 {
		t.Errorf("found %+v", found)
	}
	setting := "\x7fELF\x00\x00\nDB_PASSWORD=" + s.text(t, "{pw}") + "\n\x00"
	if found := scanText(t, e, "app/server", []byte(setting)); len(found) != 0 {
		t.Errorf("found %+v", found)
	}
}

func TestConfig(t *testing.T) {
	e := newTestEngine(t)
	s := newSynth(10)
	config := plimsoll.ImageConfig{
		Env:        []string{"PATH=/usr/bin", s.text(t, "DB_PASSWORD={12:n}7")},
		Cmd:        []string{"server", s.text(t, "--password={12:n}7")},
		Entrypoint: []string{"/entry"},
		Labels:     map[string]string{"org.opencontainers.image.title": "a", "ci.token": s.text(t, "glpat-{20:w}")},
		History: []plimsoll.HistoryLine{
			{CreatedBy: "/bin/sh -c #(nop) ADD file:0f2a in / "},
			{CreatedBy: s.text(t, "RUN |2 NPM_TOKEN=npm_{36:n} MODE=prod /bin/sh -c npm ci # buildkit")},
			{CreatedBy: s.text(t, "|1 REPO_PASSWORD={12:n}7 /bin/sh -c make")},
			{CreatedBy: s.text(t, "RUN /bin/sh -c curl -u ci:{14:n} https://nexus.corp.internal/a # buildkit")},
		},
	}
	found, err := e.Config(config)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, x := range found {
		got[x.Path] = x.Rule
		if x.Line != 0 {
			t.Errorf("%s has line %d", x.Path, x.Line)
		}
	}
	want := map[string]string{
		"image-config://env/DB_PASSWORD": "generic-password", "image-config://cmd": "command-password", "image-config://label/ci.token": "gitlab-token",
		"image-config://history/1": "npm-token", "image-config://history/2": "generic-password", "image-config://history/3": "curl-user",
	}
	if len(got) != len(want) || len(found) != len(want) {
		t.Errorf("found %v", got)
	}
	for path, rule := range want {
		if got[path] != rule {
			t.Errorf("%s: %q, not %q", path, got[path], rule)
		}
	}
}

func TestVersionFollowsTheRules(t *testing.T) {
	a, b := newTestEngine(t), newTestEngine(t)
	if a.ID() != b.ID() || a.ID().Name != Name || !strings.HasPrefix(a.ID().Version, version+"-") {
		t.Errorf("ids %v and %v", a.ID(), b.ID())
	}
}

// The files of Debian, Python and Node contain no real secrets. A quick test reads a part of this machine's files;
// docs/decisions has the figures for whole trees.
func TestInstalledTreesAreQuiet(t *testing.T) {
	if testing.Short() {
		t.Skip("reads some 40 MB of the machine's own files")
	}
	e := newTestEngine(t)
	profile := plimsoll.DefaultSecretProfile()
	files, total := 0, 0
	var loud []string
	for _, root := range []string{"/usr/lib/python3", "/usr/lib/python3.11", "/usr/lib/python3.13", "/usr/lib/node_modules", "/usr/share/nodejs", "/usr/share/perl5", "/usr/lib/ssl", "/usr/local/go/src/crypto", "/usr/local/go/src/net"} {
		bytesOfRoot := 0
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || bytesOfRoot > 8<<20 {
				return nil //nolint:nilerr // what cannot be read here says nothing about the rules
			}
			text, err := os.ReadFile(path)
			if err != nil || len(text) > 256<<10 || profile.Excludes(plimsoll.Secret{Path: path}) {
				return nil //nolint:nilerr // as above
			}
			files, total, bytesOfRoot = files+1, total+len(text), bytesOfRoot+len(text)
			for _, x := range scanText(t, e, strings.TrimPrefix(path, "/"), text) {
				loud = append(loud, fmt.Sprintf("%s:%d %s", path, x.Line, x.Rule))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 500 {
		t.Skipf("only %d files of Debian, Python and Node are installed here", files)
	}
	t.Logf("%d findings in %d files, %d MB: %q", len(loud), files, total>>20, loud)
	if len(loud) > 3 {
		t.Errorf("%d findings where there are no secrets", len(loud))
	}
}

func FuzzFile(f *testing.F) {
	e := newTestEngine(f)
	s := newSynth(11)
	for _, c := range ruleCases {
		f.Add(c.file(), []byte(s.text(f, c.hit)))
	}
	f.Fuzz(func(t *testing.T, path string, text []byte) {
		file := e.Open(path, bytes.NewReader(text), int64(len(text)))
		e.searchText(text, file.Hit)
		file.Hit(0, int64(len(text))+5)
		file.Hit(-1, 0)
		found, _ := file.Close()
		memory := e.OpenBytes(path, text)
		e.searchText(text, memory.Hit)
		again, _ := memory.Close()
		if fmt.Sprint(found) != fmt.Sprint(again) {
			t.Errorf("%v from a reader, %v from memory", found, again)
		}
		for _, x := range found {
			if x.Line < 0 || x.Line > bytes.Count(text, []byte("\n"))+1 {
				t.Errorf("line %d of %d bytes", x.Line, len(text))
			}
		}
	})
}

func FuzzConfig(f *testing.F) {
	e := newTestEngine(f)
	f.Add("A=b", "RUN |1 A=b /bin/sh -c x", "label")
	f.Fuzz(func(t *testing.T, env, step, label string) {
		found, err := e.Config(plimsoll.ImageConfig{Env: []string{env}, Labels: map[string]string{label: env}, History: []plimsoll.HistoryLine{{CreatedBy: step}}})
		if err != nil && plimsoll.FailureOf(err) == plimsoll.FailureUnknown {
			t.Errorf("error without a code: %v", err)
		}
		for _, x := range found {
			if !strings.HasPrefix(x.Path, plimsoll.ConfigScheme) {
				t.Errorf("path %q", x.Path)
			}
		}
	})
}
