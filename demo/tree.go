package demo

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// buildTime is the build time of every sample, so that digests never change.
var buildTime = time.Date(2026, time.March, 14, 9, 26, 53, 0, time.UTC)

// layerFile is one entry of a sample layer.
type layerFile struct {
	path string
	body string
	mode int64  // 0 = 0644
	link string // symbolic link if set
}

// newLayer returns a gzip layer of files and their parent directories.
func newLayer(files ...layerFile) (v1.Layer, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	made := map[string]bool{}
	for _, f := range files {
		if err := writeParents(w, f.path, made); err != nil {
			return nil, err
		}
		if err := writeEntry(w, f); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(buf.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer))
}

func writeParents(w *tar.Writer, path string, made map[string]bool) error {
	parts := strings.Split(path, "/")
	for i := 1; i < len(parts); i++ {
		dir := strings.Join(parts[:i], "/") + "/"
		if made[dir] {
			continue
		}
		made[dir] = true
		mode := int64(0o755)
		if dir == "tmp/" {
			mode = 0o1777
		}
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: mode, ModTime: buildTime}); err != nil {
			return err
		}
	}
	return nil
}

func writeEntry(w *tar.Writer, f layerFile) error {
	if f.mode == 0 {
		f.mode = 0o644
	}
	h := &tar.Header{Typeflag: tar.TypeReg, Name: f.path, Mode: f.mode, Size: int64(len(f.body)), ModTime: buildTime}
	if f.link != "" {
		h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, f.link, 0
	}
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	if f.link != "" {
		return nil
	}
	_, err := io.WriteString(w, f.body)
	return err
}

// installedPackage is an installed package of a sample.
type installedPackage struct {
	name, version, source string
}

// dpkgStatus returns a Debian package database (deb822, dpkg status fields).
func dpkgStatus(packages ...installedPackage) string {
	var b strings.Builder
	for _, p := range packages {
		fmt.Fprintf(&b, "Package: %s\nStatus: install ok installed\nArchitecture: amd64\nVersion: %s\n", p.name, p.version)
		if p.source != "" {
			fmt.Fprintf(&b, "Source: %s\n", p.source)
		}
		fmt.Fprintf(&b, "Maintainer: Sample Maintainers <samples@example.org>\nDescription: sample of %s\n\n", p.name)
	}
	return b.String()
}

// apkInstalled returns an Alpine package database (apk v2 installed format).
func apkInstalled(packages ...installedPackage) string {
	var b strings.Builder
	for _, p := range packages {
		origin := p.source
		if origin == "" {
			origin = p.name
		}
		fmt.Fprintf(&b, "P:%s\nV:%s\nA:x86_64\nS:1000\nI:4000\nT:sample of %s\nL:MIT\no:%s\n\n", p.name, p.version, p.name, origin)
	}
	return b.String()
}

func osReleaseFiles(id, versionID, pretty string) []layerFile {
	return []layerFile{
		{path: "usr/lib/os-release", body: fmt.Sprintf("ID=%s\nVERSION_ID=\"%s\"\nPRETTY_NAME=\"%s\"\n", id, versionID, pretty)},
		{path: "etc/os-release", link: "../usr/lib/os-release"},
	}
}

func debian12Files(packages ...installedPackage) []layerFile {
	return slices.Concat(osReleaseFiles("debian", "12", "Debian GNU/Linux 12"), accountFiles(), []layerFile{
		{path: "var/lib/dpkg/status", body: dpkgStatus(packages...)},
		{path: "usr/bin/passwd", body: "\x7fELF sample of passwd", mode: 0o4755},
	})
}

func ubuntuFiles(version string, packages ...installedPackage) []layerFile {
	return slices.Concat(osReleaseFiles("ubuntu", version, "Ubuntu "+version+" LTS"), accountFiles(), []layerFile{
		{path: "var/lib/dpkg/status", body: dpkgStatus(packages...)},
		{path: "usr/bin/su", body: "\x7fELF sample of su", mode: 0o4755},
	})
}

func alpineFiles(version string, packages ...installedPackage) []layerFile {
	return slices.Concat(accountFiles(), []layerFile{
		{path: "etc/os-release", body: fmt.Sprintf("NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=%s\nPRETTY_NAME=\"Alpine Linux v%s\"\n", version, version[:strings.LastIndex(version, ".")])},
		{path: "lib/apk/db/installed", body: apkInstalled(packages...)},
	})
}

func accountFiles() []layerFile {
	return []layerFile{
		{path: "etc/passwd", body: "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n"},
		{path: "etc/shadow", body: "root:*:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\n", mode: 0o640},
	}
}
