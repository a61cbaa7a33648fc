package scan_test

import (
	"archive/tar"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/analyze/all"
	"plimsoll/analyze/baseline"
	"plimsoll/analyze/packages"
)

// foldedLayers is what all kinds found in some layers.
type foldedLayers struct {
	record   plimsoll.ScanRecord
	packages packages.Folded
	facts    analyze.Image
	failures []plimsoll.FileFailure
}

// fold folds layers given as archives.
func fold(t testing.TB, layers ...[]byte) foldedLayers {
	t.Helper()
	var reports [][]plimsoll.LayerReport
	for _, l := range layers {
		reports = append(reports, pass(t, l, plimsoll.DefaultBudget()).Reports)
	}
	view, err := analyze.Fold(reports, plimsoll.DefaultBudget(), all.Kinds())
	if err != nil {
		t.Fatal(err)
	}
	in := analyze.FoldInput{View: view}
	var out foldedLayers
	for _, k := range all.Kinds() {
		out.failures = append(out.failures, k.Fold(in, &out.record)...)
	}
	for _, f := range slices.Concat(view.LayerFailures(), view.FileFailures()) {
		out.failures = append(out.failures, f.FileFailure)
	}
	out.packages, _ = packages.FoldPackages(view)
	out.facts, _ = baseline.FoldFacts(in)
	return out
}

func TestHardLinks(t *testing.T) {
	eicar := `X5O!P%@AP[4\PZX54(P^)7CC)7}$` + `EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`
	blob := archive(t,
		entry{name: "var/lib/dpkg/status-old", body: statusStanza},
		entry{name: "var/lib/dpkg/status", kind: tar.TypeLink, link: "var/lib/dpkg/status-old"},
		entry{name: "opt/bad", body: eicar, mode: 0o4755},
		entry{name: "opt/second", kind: tar.TypeLink, link: "./opt/bad"},
		entry{name: "opt/third", kind: tar.TypeLink, link: "opt/second"},
		entry{name: "etc/shadow", kind: tar.TypeLink, link: "etc/later"}, // forward
		entry{name: "etc/later", body: "root:*:1:0:99999:7:::\n"},
		entry{name: "etc/passwd", kind: tar.TypeLink, link: "etc/passwd"}, // itself
	)
	folded := fold(t, blob)
	if len(folded.packages.System) != 1 || folded.packages.System[0].Name != "curl" {
		t.Errorf("packages %+v", folded.packages.System)
	}
	var bad, setuid []string
	for _, m := range folded.record.Malware {
		bad = append(bad, m.Path)
	}
	for _, m := range folded.facts.Modes {
		if m.Mode&0o4000 != 0 {
			setuid = append(setuid, m.Path)
		}
	}
	want := []string{"opt/bad", "opt/second", "opt/third"}
	if diff := cmp.Diff(want, bad); diff != "" {
		t.Errorf("malware: %s", diff)
	}
	if diff := cmp.Diff(want, setuid); diff != "" {
		t.Errorf("modes: %s", diff)
	}
	var failed []string
	for _, f := range folded.failures {
		failed = append(failed, string(f.Code)+" "+f.Path)
	}
	slices.Sort(failed)
	if diff := cmp.Diff([]string{"settings etc/passwd", "settings etc/shadow"}, failed); diff != "" {
		t.Errorf("failures: %s", diff)
	}
}

// roots returns the folder of real package databases.
func roots(t testing.TB) string {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "data", "roots")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("test material is missing: %v", err)
		}
		t.Skipf("test material is missing: %v", err)
	}
	return dir
}

// rootLayer makes one layer of a root. Links of the image are kept there as files that contain their target.
func rootLayer(t testing.TB, root string) []byte {
	t.Helper()
	var entries []entry
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		e := entry{name: filepath.ToSlash(name)}
		if target, err := os.Readlink(path); err == nil {
			e.kind, e.link = tar.TypeSymlink, target
			entries = append(entries, e)
			return nil
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if target := string(body); e.name == "etc/os-release" && strings.HasPrefix(target, "../") {
			e.kind, e.link = tar.TypeSymlink, target
		} else {
			e.body = target
		}
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return archive(t, entries...)
}

func TestRealRoots(t *testing.T) {
	dir := roots(t)
	tests := []struct{ root, database, mark, ecosystem string }{
		{"alpine-3.8.5", "lib/apk/db/installed", "P:", "Alpine:v3.8"},
		{"alpine-3.10.3", "lib/apk/db/installed", "P:", "Alpine:v3.10"},
		{"alpine-3.18.9", "lib/apk/db/installed", "P:", "Alpine:v3.18"},
		{"alpine-3.20.3", "lib/apk/db/installed", "P:", "Alpine:v3.20"},
		{"debian-11.11", "var/lib/dpkg/status", "Status: install ok installed", "Debian:11"},
		{"debian-13", "var/lib/dpkg/status", "Status: install ok installed", "Debian:13"},
		{"ubuntu-18.04", "var/lib/dpkg/status", "Status: install ok installed", "Ubuntu:18.04"},
		{"ubuntu-22.04-web", "var/lib/dpkg/status", "Status: install ok installed", "Ubuntu:22.04"},
	}
	for _, test := range tests {
		t.Run(test.root, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join(dir, test.root, test.database))
			if err != nil {
				t.Fatal(err)
			}
			want := 0
			for line := range strings.Lines(string(raw)) {
				if strings.HasPrefix(line, test.mark) {
					want++
				}
			}
			folded := fold(t, rootLayer(t, filepath.Join(dir, test.root)))
			if len(folded.packages.System) != want || want == 0 {
				t.Errorf("%d packages, the database has %d", len(folded.packages.System), want)
			}
			if folded.packages.Release == nil || packages.Ecosystem(*folded.packages.Release) != test.ecosystem {
				t.Errorf("release %+v, want %s", folded.packages.Release, test.ecosystem)
			}
			if len(folded.facts.Accounts) == 0 || len(folded.failures) != 0 {
				t.Errorf("accounts %d, failures %v", len(folded.facts.Accounts), folded.failures)
			}
		})
	}
}
