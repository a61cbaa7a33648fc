package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

const sharedData = "../../../shared/data"

// requireCorpus skips where the test material is absent, and fails instead in CI.
func requireCorpus(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(sharedData); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the test material %s is missing", sharedData)
		}
		t.Skipf("needs the test material %s, which is not part of the project", sharedData)
	}
}

// rootImage packs a real root tree of the corpus as an image of two layers: the tree,
// and an application layer above it.
func rootImage(t *testing.T, root string) v1.Image {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	base := filepath.Join(sharedData, "roots", root)
	err := filepath.WalkDir(base, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == base {
			return err
		}
		rel, err := filepath.Rel(base, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		link := ""
		if info.Mode()&fs.ModeSymlink != 0 {
			if link, err = os.Readlink(path); err != nil {
				return err
			}
		}
		h, err := tar.FileInfoHeader(info, link)
		if err != nil {
			return err
		}
		h.Name, h.ModTime = filepath.ToSlash(rel), time.Unix(1700000000, 0)
		h.Mode |= 0o200
		h.Uid, h.Gid, h.Uname, h.Gname = 0, 0, "", "" // files of an image belong to root, also where the corpus does not
		if err := w.WriteHeader(h); err != nil || !info.Mode().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		_, err = w.Write(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	img := empty.Image
	for _, content := range [][]byte{buf.Bytes(), appLayer(t, root)} {
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil })
		if err != nil {
			t.Fatal(err)
		}
		if img, err = mutate.AppendLayers(img, layer); err != nil {
			t.Fatal(err)
		}
	}
	return withLinuxConfig(t, img)
}

func appLayer(t *testing.T, root string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	body := "application on " + root + "\n"
	if err := w.WriteHeader(&tar.Header{Name: "srv/app/README", Mode: 0o644, Size: int64(len(body))}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// finding is a row of the expected lists: a CVE, the package that advisories name, and the version that fixes it.
type finding struct{ CVE, Package, Fixed string }

// byBinary lists roots whose expected findings name binary packages.
func byBinary(root string) bool { return strings.HasPrefix(root, "al") }

// fixedIn leaves out the fixed version of AlmaLinux: the list has a row for each erratum,
// and where two errata fix one CVE the finding has the later version.
func fixedIn(root, version string) string {
	if strings.HasPrefix(root, "almalinux") {
		return ""
	}
	return version
}

// expectedFindings reads the expected findings of a root. Alpine rows are one a binary package
// ("libssl3 (origin openssl)"), the others one a source package.
func expectedFindings(t *testing.T, root string) []finding {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(sharedData, "expected", root+".tsv"))
	if err != nil {
		t.Fatal(err)
	}
	out := []finding{}
	for _, line := range strings.Split(strings.TrimSpace(string(raw)), "\n")[1:] {
		f := strings.Split(line, "\t")
		if byBinary(root) {
			name, _, _ := strings.Cut(f[1], " ")
			for _, cve := range strings.Split(f[4], ",") {
				out = append(out, finding{cve, name, fixedIn(root, f[3])})
			}
			continue
		}
		out = append(out, finding{f[0], f[1], f[3]})
	}
	return sortFindings(out)
}

func sortFindings(f []finding) []finding {
	slices.SortFunc(f, func(a, b finding) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return slices.Compact(f)
}

func corpusRoots() []string {
	return []string{"alpine-3.8.5", "alpine-3.10.3", "alpine-3.18.9", "alpine-3.20.3", "debian-11.11", "debian-13", "ubuntu-18.04", "ubuntu-22.04-web",
		"almalinux-8.8-s390x", "almalinux-9.0-arm64", "almalinux-9.2-arm64"}
}

// sourceOf reads the source package of a binary package from the root's dpkg database.
func sourceOf(t *testing.T, root, binary string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(sharedData, "roots", root, "var/lib/dpkg/status"))
	if err != nil {
		t.Fatal(err)
	}
	for _, stanza := range strings.Split(string(raw), "\n\n") {
		if !strings.HasPrefix(stanza, "Package: "+binary+"\n") {
			continue
		}
		for _, line := range strings.Split(stanza, "\n") {
			if rest, ok := strings.CutPrefix(line, "Source: "); ok {
				return strings.Fields(rest)[0]
			}
		}
		return binary
	}
	t.Fatalf("%s: no package %s", root, binary)
	return ""
}
