//go:build unix

package baseline

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/analyze"
)

// debianVariable is the environment variable with the path of a Debian root made with debootstrap,
// variant minbase. TestDebianRoot also judges its modes and owners.
const debianVariable = "PLIMSOLL_DEBIAN_ROOT"

// TestRoots compares the rules that fail on real base images with testdata/roots.golden, where every
// line was checked by hand. The image config is the usual one of a base image: a shell as command.
func TestRoots(t *testing.T) {
	base := filepath.Join("..", "..", "..", "shared", "data", "roots")
	roots, err := os.ReadDir(base)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the shared test material is absent: %v", err)
		}
		t.Skipf("the shared test material is absent: %v", err)
	}
	var got strings.Builder
	for _, root := range roots {
		got.WriteString(failedRules(t, root.Name(), filepath.Join(base, root.Name()), false))
	}
	compareGolden(t, "testdata/roots.golden", got.String())
}

func TestDebianRoot(t *testing.T) {
	root := os.Getenv(debianVariable)
	if root == "" {
		t.Skipf("set %s to a root made with debootstrap --variant=minbase trixie", debianVariable)
	}
	compareGolden(t, "testdata/debootstrap.golden", failedRules(t, "debootstrap", root, true))
}

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for line := range strings.Lines(string(raw)) {
		if !strings.HasPrefix(line, "#") && strings.TrimSpace(line) != "" {
			want.WriteString(line)
		}
	}
	if diff := cmp.Diff(want.String(), got); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

// failedRules lists the rules that failed or could not look, with their evidence.
func failedRules(t *testing.T, name, dir string, modes bool) string {
	t.Helper()
	run := startRun(t)
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close() //nolint:errcheck // only read
	err = fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return visitFile(run, root, path, info, modes)
	})
	if err != nil {
		t.Fatal(err)
	}
	reports, _ := run.Reports()
	image := analyze.Image{
		Accounts: reports[0].Accounts, Configs: reports[0].Configs, Modes: reports[0].Modes, Failures: reports[0].Failures,
		Config: &plimsoll.ImageConfig{Cmd: []string{"/bin/sh"}, Env: []string{"PATH"}, History: []plimsoll.HistoryLine{{CreatedBy: "ADD rootfs.tar.xz / # buildkit"}}},
	}
	var out strings.Builder
	for _, r := range allRules() {
		s := r.Run(image)
		if s.Result == plimsoll.SettingFailed || s.Result == plimsoll.SettingNotLooked {
			fmt.Fprintf(&out, "%s %s %s: %s\n", name, s.Rule, s.Result, strings.Join(s.Evidence, "; "))
		}
	}
	return out.String()
}

func visitFile(run *analyze.Run, root *os.Root, path string, info fs.FileInfo, modes bool) error {
	e := plimsoll.Entry{Path: path, Mode: 0o644, Size: info.Size()}
	switch kind := info.Mode().Type(); {
	case kind.IsDir():
		e.Type, e.Mode = plimsoll.EntryDir, 0o755
	case kind == fs.ModeSymlink:
		e.Type = plimsoll.EntrySymlink
	case !kind.IsRegular():
		e.Type = plimsoll.EntryOther
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && modes {
		e.Mode, e.UID, e.GID = stat.Mode&0o7777, int(stat.Uid), int(stat.Gid)
	}
	if e.Type != plimsoll.EntryFile {
		return run.Visit(e, strings.NewReader(""))
	}
	f, err := root.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	return run.Visit(e, f)
}
