package main

import (
	"archive/tar"
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"io"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"plimsoll/app/apptest"
)

// file is an entry of a fixture's layer.
type file struct {
	path, body string
	mode       int64
}

// hostileName tries to drive the terminal: it sets a title, changes colours, turns the
// writing direction around, and breaks the line.
const hostileName = "srv/\x1b]0;owned\x07\x1b[31m\u202etxt.exe\u202c\u0085\r"

// fixtureImages are images that the demo does not have.
func fixtureImages() map[string][]file {
	release := file{"etc/os-release", apptest.DebianRelease, 0}
	packaged := "GITHUB_TOKEN=" + apptest.Canary(2) + "\n"
	sum := md5.Sum([]byte(packaged))
	return map[string][]file{
		// openssl is under the demo's advisory 1001 (high), fixed in 3.0.13-1~deb12u1.
		"fixture/vulnerable": {release, {"var/lib/dpkg/status", apptest.Dpkg("openssl", "3.0.11-1~deb12u2"), 0}},
		"fixture/corrupt":    {release, {"var/lib/dpkg/status", strings.Repeat("\x00 not a package database\n", 3), 0}},
		"fixture/unknown":    {{"etc/os-release", "ID=homemade\nVERSION_ID=1\n", 0}, {"var/lib/dpkg/status", apptest.Dpkg("bash", "5.2-1"), 0}},
		"fixture/hostile":    {release, {"var/lib/dpkg/status", apptest.Dpkg("bash", "5.2.15-2"), 0}, {hostileName, apptest.EICAR, 0o666}},
		"fixture/malware":    {{"srv/eicar.com", apptest.EICAR, 0}},
		"fixture/secret": {
			{"srv/.env", "GITHUB_TOKEN=" + apptest.Canary(0) + "\n", 0},
			{"srv/app/node_modules/a/test/key.env", "GITHUB_TOKEN=" + apptest.Canary(1) + "\n", 0},
			{"usr/lib/demo/key.env", packaged, 0},
			{"var/lib/dpkg/info/demo.md5sums", hex.EncodeToString(sum[:]) + "  usr/lib/demo/key.env\n", 0},
		},
	}
}

func fixtureImage(files []file) (v1.Image, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, f := range files {
		h := &tar.Header{Name: f.path, Mode: 0o644, Size: int64(len(f.body))}
		if f.mode != 0 {
			h.Mode = f.mode
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := io.WriteString(w, f.body); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buf.Bytes())), nil })
	if err != nil {
		return nil, err
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Config.User = "linux", "amd64", "1000"
	return mutate.ConfigFile(img, config)
}

// pushFixtures puts the fixtures into a registry, each with the tag 1.
func pushFixtures(host string) error {
	for repository, files := range fixtureImages() {
		img, err := fixtureImage(files)
		if err != nil {
			return err
		}
		ref, err := name.NewTag(host+"/"+repository+":1", name.Insecure)
		if err != nil {
			return err
		}
		if err := remote.Write(ref, img); err != nil {
			return err
		}
	}
	return nil
}

// writeArchives saves the fixtures as archives: fixture/hostile is hostile.tar. named.tar
// holds one image under two names, two.tar two images.
func writeArchives(dir string) error {
	vulnerable, err := fixtureImage(fixtureImages()["fixture/vulnerable"])
	if err != nil {
		return err
	}
	malware, err := fixtureImage(fixtureImages()["fixture/malware"])
	if err != nil {
		return err
	}
	one, other := name.MustParseReference("registry.example.org/one:1"), name.MustParseReference("registry.example.org/other:1")
	for file, images := range map[string]map[name.Reference]v1.Image{
		"named.tar": {one: malware, other: malware}, "two.tar": {one: malware, other: vulnerable},
	} {
		if err := tarball.MultiRefWriteToFile(filepath.Join(dir, file), images); err != nil {
			return err
		}
	}
	for repository, files := range fixtureImages() {
		img, err := fixtureImage(files)
		if err != nil {
			return err
		}
		ref, err := name.NewTag("registry.example.org/" + repository + ":1")
		if err != nil {
			return err
		}
		if err := tarball.WriteToFile(filepath.Join(dir, filepath.Base(repository)+".tar"), ref, img); err != nil {
			return err
		}
	}
	return nil
}
