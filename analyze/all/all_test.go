package all

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/analyze/baseline"
)

var update = flag.Bool("update", false, "write golden files of versions that have none yet")

func analyzers(t *testing.T) []analyze.Analyzer {
	t.Helper()
	list, err := Analyzers(Config{})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// unlisted are folders without an analyzer, and why.
var unlisted = map[string]string{
	"literal": "a filter that analyzers use, and none itself: it has no report",
	"window":  "parts of a file as slices, for engines",
	"members": "opens archives for the walk",
}

func TestEveryFolderIsListed(t *testing.T) {
	names := map[string]bool{}
	for _, a := range analyzers(t) {
		id := a.ID()
		if names[id.Name] || id.Name == "" || id.Version == "" {
			t.Errorf("analyzer %+v", id)
		}
		names[id.Name] = true
	}
	folders, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		if unlisted[f.Name()] != "" {
			continue
		}
		if f.IsDir() && f.Name() != "all" && f.Name() != "testdata" && !names[f.Name()] {
			t.Errorf("analyze/%s is not in the list", f.Name())
		}
	}
	for _, k := range Kinds() {
		if !names[k.Name()] {
			t.Errorf("kind %s has no analyzer", k.Name())
		}
		delete(names, k.Name())
	}
	if len(names) != 1 || !names[analyze.TreeName] {
		t.Errorf("analyzers without a kind, or kinds that are listed twice: %v", names)
	}
	rules := map[string]bool{}
	for _, c := range baseline.Checks() {
		if rules[c.ID()] || c.ID() == "" {
			t.Errorf("rule %q comes twice", c.ID())
		}
		rules[c.ID()] = true
	}
}

func TestWithout(t *testing.T) {
	whole := analyzers(t)
	less, err := Analyzers(Config{Without: Optional()})
	if err != nil || len(less) != len(whole)-len(Optional()) {
		t.Errorf("%d of %d analyzers: %v", len(less), len(whole), err)
	}
	for _, name := range []string{"packages", "tree", "nothing"} {
		if _, err := Analyzers(Config{Without: []string{name}}); plimsoll.ErrorCode(err) != plimsoll.Invalid {
			t.Errorf("%s was left out: %v", name, err)
		}
	}
}

// sampleLayer is a layer with something for every analyzer. Changing it makes every golden file wrong.
func sampleLayer() []struct {
	plimsoll.Entry
	body string
} {
	type entries = []struct {
		plimsoll.Entry
		body string
	}
	eicar := `X5O!P%@AP[4\PZX54(P^)7CC)7}$` + `EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`
	return entries{
		{plimsoll.Entry{Path: "etc", Type: plimsoll.EntryDir, Mode: 0o755}, ""},
		{plimsoll.Entry{Path: "etc/os-release", Type: plimsoll.EntrySymlink, Mode: 0o777, Link: "../usr/lib/os-release"}, ""},
		{plimsoll.Entry{Path: "usr/lib/os-release", Mode: 0o644}, "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n"},
		{plimsoll.Entry{Path: "etc/passwd", Mode: 0o644}, "root:x:0:0:root:/root:/bin/bash\ntoor::0:0::/:\n"},
		{plimsoll.Entry{Path: "etc/shadow", Mode: 0o640}, "root:*:19000:0:99999:7:::\ntoor::19000:0:99999:7:::\nbroken\n"},
		{plimsoll.Entry{Path: "var/lib/dpkg/status", Mode: 0o644}, "Package: libssl3\nStatus: install ok installed\nSource: openssl (3.0.11-1)\nVersion: 3.0.11-1+b1\nArchitecture: amd64\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n"},
		{plimsoll.Entry{Path: "var/lib/dpkg/status.d/base", Mode: 0o644}, "Package: base-files\nVersion: 12\nArchitecture: all\n"},
		{plimsoll.Entry{Path: "lib/apk/db/installed", Mode: 0o644}, "P:musl\nV:1.2.5-r0\nA:x86_64\no:musl\n\nP:libcrypto3\nV:3.3.2-r0\nA:x86_64\no:openssl\n\n"},
		{plimsoll.Entry{Path: "srv/node_modules/left-pad/package.json", Mode: 0o644}, `{"name":"left-pad","version":"1.3.0"}`},
		{plimsoll.Entry{Path: "srv/yarn.lock", Mode: 0o644}, "# yarn lockfile v1\n\n\nms@^2.0.0:\n  version \"2.1.3\"\n"},
		{plimsoll.Entry{Path: "usr/lib/python3/dist-packages/six.egg-info", Mode: 0o644}, "Name: six\nVersion: 1.16.0\n"},
		{plimsoll.Entry{Path: "var/lib/rpm/Packages", Mode: 0o644}, "not a database"},
		{plimsoll.Entry{Path: "usr/bin/su", Mode: 0o4755}, "su"},
		{plimsoll.Entry{Path: "usr/bin/su-too", Type: plimsoll.EntryHardlink, Mode: 0o755, Link: "usr/bin/su"}, ""},
		{plimsoll.Entry{Path: "srv/open", Mode: 0o666}, "x"},
		{plimsoll.Entry{Path: "srv/eicar", Mode: 0o644}, eicar},
		{plimsoll.Entry{Path: "srv/.wh.old", Mode: 0o644}, ""},
		{plimsoll.Entry{Path: "opt/.wh..wh..opq", Mode: 0o644}, ""},
	}
}

// A stored report is reused for as long as its analyzer's version stays the same, so output
// that changes needs a new version. A golden file is never written over.
func TestOutputChangesOnlyWithTheVersion(t *testing.T) {
	run := ready(t, analyzers(t)).Run(t.Context(), plimsoll.DefaultBudget(), nil)
	for _, e := range sampleLayer() {
		e.Size = int64(len(e.body))
		if err := run.Visit(e.Entry, strings.NewReader(e.body)); err != nil {
			t.Fatal(err)
		}
	}
	reports, _ := run.Reports()
	for _, r := range reports {
		got, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, '\n')
		name := filepath.Join("testdata", r.Analyzer.Name+"@"+r.Analyzer.Version+".json")
		want, err := os.ReadFile(name)
		if os.IsNotExist(err) && *update {
			if err := os.WriteFile(name, got, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err != nil {
			t.Errorf("version %s of %s has no golden file; delete that of the old version and run with -update: %v", r.Analyzer.Version, r.Analyzer.Name, err)
			continue
		}
		if !bytes.Equal(want, got) {
			t.Errorf("output of %s changed and its version did not:\n%s", r.Analyzer.Name, cmp.Diff(string(want), string(got)))
		}
	}
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) != len(reports) {
		t.Errorf("%d golden files for %d analyzers: %v", len(files), len(reports), err)
	}
}

func ready(t *testing.T, analyzers []analyze.Analyzer) *analyze.Set {
	t.Helper()
	set, err := analyze.NewSet(analyzers)
	if err != nil {
		t.Fatal(err)
	}
	return set
}
