package main

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// goTool runs the go command.
func goTool(t *testing.T, env []string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("go")
	if err != nil {
		t.Skip("needs the go command")
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append(os.Environ(), env...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %v: %v %s", args, err, errs.String())
	}
	return strings.TrimSpace(string(out))
}

// TestLibcVersion: modernc.org/sqlite is generated for one version of modernc.org/libc, and
// breaks in odd ways on any other, which another module may well ask for.
func TestLibcVersion(t *testing.T) {
	raw, err := os.ReadFile(goTool(t, nil, "list", "-m", "-f", "{{.GoMod}}", "modernc.org/sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`(?m)^\s*(?:require\s+)?modernc\.org/libc (v\S+)`).FindSubmatch(raw)
	if want == nil {
		t.Fatalf("modernc.org/sqlite names no libc:\n%s", raw)
	}
	if got := goTool(t, nil, "list", "-m", "-f", "{{.Version}}", "modernc.org/libc"); got != string(want[1]) {
		t.Errorf("modernc.org/libc is %s, and modernc.org/sqlite needs %s", got, want[1])
	}
}

// TestNoCgo: nothing but the standard library has C in it, and releases are built without any.
func TestNoCgo(t *testing.T) {
	if found := goTool(t, []string{"CGO_ENABLED=1"}, "list", "-deps", "-f", "{{if and .CgoFiles (not .Standard)}}{{.ImportPath}}{{end}}", "."); found != "" {
		t.Errorf("packages with cgo: %s", found)
	}
	path, err := exec.LookPath("make")
	if err != nil {
		t.Skip("needs make")
	}
	cmd := exec.CommandContext(t.Context(), path, "--no-print-directory", "-C", "../..", "-n", "build")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "CGO_ENABLED=0 ") {
		t.Errorf("make build: %v %s", err, out)
	}
}
