package packages

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/analyze"
)

// analyzeProgram returns the analyzer's report on one executable and a hard link to it.
func analyzeProgram(t *testing.T, body []byte, mode uint32) plimsoll.LayerReport {
	t.Helper()
	run := newSet(t, []analyze.Analyzer{New()}).Run(t.Context(), plimsoll.DefaultBudget(), nil)
	visit := func(e plimsoll.Entry, body []byte) {
		if err := run.Visit(e, bytes.NewReader(body)); err != nil {
			t.Fatal(err)
		}
	}
	visit(plimsoll.Entry{Path: "usr/bin/app", Mode: mode, Size: int64(len(body))}, body)
	visit(plimsoll.Entry{Path: "usr/bin/alias", Mode: mode, Type: plimsoll.EntryHardlink, Link: "usr/bin/app"}, nil)
	reports, again := run.Reports()
	if len(again) > 0 {
		t.Errorf("a hard link to a program asks for a second read: %v", again)
	}
	return reports[0]
}

func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, body := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestGoProgram(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"go.mod":                        "module example.org/app\n\ngo 1.21\n\nrequire example.org/dep v1.2.3\n",
		"main.go":                       "package main\n\nimport \"example.org/dep\"\n\nfunc main() { dep.Do() }\n",
		"vendor/modules.txt":            "# example.org/dep v1.2.3\n## explicit; go 1.21\nexample.org/dep\n",
		"vendor/example.org/dep/dep.go": "package dep\n\nfunc Do() {}\n",
	})
	build := exec.CommandContext(t.Context(), "go", "build", "-mod=vendor", "-buildvcs=false", "-o", "app", ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOPROXY=off", "CGO_ENABLED=0", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	body, err := os.ReadFile(filepath.Join(dir, "app"))
	if err != nil {
		t.Fatal(err)
	}
	r := analyzeProgram(t, body, 0o755)
	checkFailure(t, r, "")
	got := packageTexts(r)
	if len(got) != 3 || got[0] != "Go example.org/app (devel) pkg:golang/example.org/app@%28devel%29" ||
		got[1] != "Go example.org/dep 1.2.3 pkg:golang/example.org/dep@1.2.3" || !strings.HasPrefix(got[2], "Go stdlib 1.") {
		t.Errorf("%q", got)
	}
	if r.Packages[0].Format != plimsoll.FormatGo || r.Packages[0].Path != "usr/bin/app" {
		t.Errorf("%+v", r.Packages)
	}
	if r := analyzeProgram(t, body, 0o644); len(r.Packages) > 0 {
		t.Errorf("a file nobody can execute: %+v", r.Packages)
	}
	if r := analyzeProgram(t, body[:len(body)/2], 0o755); len(r.Packages) > 1 {
		t.Errorf("half a program: %+v", r.Packages)
	}
}

// elfWith returns a minimal ELF file with one section.
func elfWith(name string, data []byte) []byte {
	names := "\x00" + name + "\x00.shstrtab\x00"
	out := make([]byte, 64)
	copy(out, "\x7fELF\x02\x01\x01")
	le := binary.LittleEndian
	le.PutUint16(out[16:], 2)    // executable
	le.PutUint16(out[18:], 0x3e) // x86-64
	le.PutUint32(out[20:], 1)
	le.PutUint16(out[52:], 64) // this header
	le.PutUint16(out[58:], 64) // a section header
	le.PutUint16(out[60:], 3)
	le.PutUint16(out[62:], 2) // names
	dataAt := uint64(len(out))
	out = append(out, data...)
	namesAt := uint64(len(out))
	out = append(out, names...)
	le.PutUint64(out[40:], uint64(len(out)))
	header := func(name, kind uint32, at, size uint64) {
		h := make([]byte, 64)
		le.PutUint32(h, name)
		le.PutUint32(h[4:], kind)
		le.PutUint64(h[24:], at)
		le.PutUint64(h[32:], size)
		out = append(out, h...)
	}
	header(0, 0, 0, 0)
	header(1, 1, dataAt, uint64(len(data)))
	header(uint32(2+len(name)), 3, namesAt, uint64(len(names)))
	return out
}

func zlibBytes(s string) []byte {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	w.Write([]byte(s)) //nolint:errcheck // a buffer returns no error
	w.Close()          //nolint:errcheck // the same
	return out.Bytes()
}

func TestRustProgram(t *testing.T) {
	audit := `{"packages":[{"name":"app","version":"0.1.0","source":"local","root":true},{"name":"time","version":"0.1.43","source":"crates.io"},` +
		`{"name":"cc","version":"1.0.0","source":"crates.io","kind":"build"}]}`
	r := analyzeProgram(t, elfWith(rustSection, zlibBytes(audit)), 0o755)
	checkFailure(t, r, "")
	if diff := cmp.Diff([]string{"crates.io time 0.1.43 pkg:cargo/time@0.1.43"}, packageTexts(r)); diff != "" || r.Packages[0].Format != plimsoll.FormatRust {
		t.Error(diff)
	}
	checkFailure(t, analyzeProgram(t, elfWith(rustSection, []byte("not zlib")), 0o755), "decompress section")
	checkFailure(t, analyzeProgram(t, elfWith(rustSection, zlibBytes("{")), 0o755), "read section")
	bomb := analyzeProgram(t, elfWith(rustSection, zlibBytes(strings.Repeat(" ", maxRustSection+1))), 0o755)
	if len(bomb.Failures) != 1 || bomb.Failures[0].Code != plimsoll.FailureOversized {
		t.Errorf("%+v", bomb.Failures)
	}
	for _, body := range [][]byte{elfWith(".text", nil), []byte("\x7fELF"), []byte("MZ"), []byte("#!/bin/sh\n"), nil} {
		if r := analyzeProgram(t, body, 0o755); len(r.Packages) > 0 || len(r.Failures) > 0 {
			t.Errorf("%q: %+v", body[:min(4, len(body))], r)
		}
	}
}
