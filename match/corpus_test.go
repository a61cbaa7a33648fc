package match_test

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/advisory"
	"plimsoll/match"
	"plimsoll/store/advisories"
	"plimsoll/store/sqlite"
)

// shared returns a path in the shared test material.
func shared(t testing.TB, elem ...string) string {
	t.Helper()
	root := filepath.Join("..", "..", "shared", "data")
	if _, err := os.Stat(root); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the shared test material is absent: %v", err)
		}
		t.Skipf("the shared test material is absent: %v", err)
	}
	return filepath.Join(append([]string{root}, elem...)...)
}

func importAdvisories(t testing.TB, zips ...string) *advisories.Store {
	t.Helper()
	db, err := sqlite.Advisories(t.Context(), filepath.Join(t.TempDir(), "advisories.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	for _, name := range zips {
		importZip(t, t.Context(), db, shared(t, "osv", name))
	}
	return db
}

func importZip(t testing.TB, ctx context.Context, db *advisories.Store, path string) plimsoll.ImportOutcome {
	t.Helper()
	src, err := advisory.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	out, err := advisory.Import(ctx, src, advisory.FeedName(path), db, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestRealRoots judges the package databases of real images with real advisories.
func TestRealRoots(t *testing.T) {
	db := importAdvisories(t, "Alpine.zip", "Debian.zip", "Ubuntu.zip")
	for _, root := range []struct {
		name, ecosystem string
		read            func(testing.TB, string, string) []plimsoll.Package
	}{
		{"alpine-3.8.5", "Alpine:v3.8", apk},
		{"alpine-3.10.3", "Alpine:v3.10", apk},
		{"alpine-3.18.9", "Alpine:v3.18", apk},
		{"alpine-3.20.3", "Alpine:v3.20", apk},
		{"debian-11.11", "Debian:11", dpkg},
		{"debian-13", "Debian:13", dpkg},
		{"ubuntu-18.04", "Ubuntu:18.04", dpkg},
		{"ubuntu-22.04-web", "Ubuntu:22.04", dpkg},
	} {
		t.Run(root.name, func(t *testing.T) {
			packages := root.read(t, shared(t, "roots", root.name), root.ecosystem)
			if len(packages) == 0 {
				t.Fatal("no packages were read")
			}
			e, err := db.Evidence(t.Context(), match.Keys(packages))
			if err != nil {
				t.Fatal(err)
			}
			j := match.Judge(packages, e)
			if diff := cmp.Diff(expected(t, root.name), found(j, strings.HasPrefix(root.name, "alpine"))); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			// This corpus has no advisories for these two releases.
			uncovered := root.name == "debian-13"
			if uncovered != (len(j.NotJudged) > 0) {
				t.Errorf("not judged: %v", j.NotJudged)
			}
		})
	}
}

// found lists findings as the corpus does: a row per binary package for Alpine, per
// source package for Debian and Ubuntu.
func found(j plimsoll.Judgement, binary bool) []string {
	rows := []string{}
	for _, v := range j.Vulnerabilities {
		name, version := v.Package.AdvisoryName(), v.Package.AdvisoryVersion()
		if binary {
			name, version = v.Package.Name, v.Package.Version
		}
		rows = append(rows, strings.Join([]string{v.ID, name, version, v.FixedVersion}, "\t"))
	}
	slices.Sort(rows)
	return slices.Compact(rows)
}

func expected(t testing.TB, root string) []string {
	t.Helper()
	rows := []string{}
	for i, line := range lines(t, shared(t, "expected", root+".tsv")) {
		f := strings.Split(line, "\t")
		switch {
		case i == 0:
		case len(f) == 4:
			rows = append(rows, line)
		case len(f) == 5: // advisory, package (origin …), installed, fixed, cves
			name, _, _ := strings.Cut(f[1], " ")
			for cve := range strings.SplitSeq(f[4], ",") {
				rows = append(rows, strings.Join([]string{cve, name, f[2], f[3]}, "\t"))
			}
		default:
			t.Fatalf("%s.tsv line %d: %q", root, i+1, line)
		}
	}
	slices.Sort(rows)
	return rows
}

// apk reads an installed database: stanzas of "K:value".
func apk(t testing.TB, root, ecosystem string) []plimsoll.Package {
	return stanzas(t, filepath.Join(root, "lib/apk/db/installed"), ":", func(f map[string]string) plimsoll.Package {
		return plimsoll.Package{Ecosystem: ecosystem, Name: f["P"], Version: f["V"], Arch: f["A"], Source: f["o"]}
	})
}

// dpkg reads a status file: stanzas of "Key: value".
func dpkg(t testing.TB, root, ecosystem string) []plimsoll.Package {
	return stanzas(t, filepath.Join(root, "var/lib/dpkg/status"), ": ", func(f map[string]string) plimsoll.Package {
		if f["Status"] != "install ok installed" {
			return plimsoll.Package{}
		}
		source, version, _ := strings.Cut(f["Source"], " ")
		return plimsoll.Package{
			Ecosystem: ecosystem, Name: f["Package"], Version: f["Version"], Arch: f["Architecture"],
			Source: source, SourceVersion: strings.Trim(version, "()"),
		}
	})
}

func stanzas(t testing.TB, path, separator string, pack func(map[string]string) plimsoll.Package) []plimsoll.Package {
	t.Helper()
	var out []plimsoll.Package
	fields := map[string]string{}
	for _, line := range append(lines(t, path), "") {
		if line == "" {
			if p := pack(fields); p.Name != "" {
				out = append(out, p)
			}
			clear(fields)
			continue
		}
		if key, value, ok := strings.Cut(line, separator); ok && !strings.HasPrefix(line, " ") && fields[key] == "" {
			fields[key] = value
		}
	}
	return out
}

func lines(t testing.TB, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []string
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		out = append(out, s.Text())
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
