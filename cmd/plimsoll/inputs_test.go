package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"plimsoll"
	"plimsoll/app/apptest"
	"plimsoll/app/imagescan"
	"plimsoll/demo"
)

// claimed is a layer whose diff ID is that of plain bytes, however it is packed.
type claimed struct {
	v1.Layer
	diffID v1.Hash
}

func (c claimed) DiffID() (v1.Hash, error) { return c.diffID, nil }

// packedImage is one image whose layers are packed by pack.
func packedImage(t *testing.T, mediaType types.MediaType, pack func(*testing.T, []byte) []byte, layers ...[]byte) v1.Image {
	t.Helper()
	img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	for _, plain := range layers {
		diffID, err := v1.NewHash(string(plimsoll.DigestOf(plain)))
		if err != nil {
			t.Fatal(err)
		}
		if img, err = mutate.AppendLayers(img, claimed{static.NewLayer(pack(t, plain), mediaType), diffID}); err != nil {
			t.Fatal(err)
		}
	}
	return withLinuxConfig(t, img)
}

// withLinuxConfig sets the platform linux/amd64 in the config of an image.
func withLinuxConfig(t *testing.T, img v1.Image) v1.Image {
	t.Helper()
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", "amd64"
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	return img
}

func unpacked(_ *testing.T, plain []byte) []byte { return plain }

// writeLayout writes an image layout under a name, as a directory and as a tar beside it.
func writeLayout(t *testing.T, ref string, img v1.Image) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	path, err := layout.Write(dir, empty.Index)
	if err == nil {
		err = path.AppendImage(img, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": ref}))
	}
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	if err := errors.Join(w.AddFS(os.DirFS(dir)), w.Close()); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(file, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, file
}

// TestEveryWayFindsTheSame scans one image by every way that leads to one: what is found
// depends on what is in the layers and on nothing else.
func TestEveryWayFindsTheSame(t *testing.T) {
	const ref = "registry.example.org/team/app:1"
	layers := [][]byte{
		apptest.Tar(t, apptest.File("etc/os-release", apptest.DebianRelease), apptest.File("var/lib/dpkg/status", apptest.Dpkg("openssl", "3.0.11-1~deb12u2")+apptest.Dpkg("bash", "5.2.15-2"))),
		apptest.Tar(t, apptest.File("srv/eicar.com", apptest.EICAR), tar.Header{Typeflag: tar.TypeReg, Name: "usr/bin/rootly", Mode: 0o4777, Uname: "x"}),
	}
	gz := packedImage(t, types.OCILayer, apptest.Gzip, layers...)
	zst := packedImage(t, types.OCILayerZStd, apptest.Zstd, layers...)
	plain := packedImage(t, types.OCIUncompressedLayer, unpacked, layers...)
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	saved := filepath.Join(t.TempDir(), "saved.tar")
	if err := tarball.WriteToFile(saved, tag, gz); err != nil {
		t.Fatal(err)
	}
	dir, archived := writeLayout(t, ref, gz)
	_, archivedZstd := writeLayout(t, ref, zst)
	_, archivedPlain := writeLayout(t, ref, plain)
	e := apptest.NewRegistry(t)
	e.Push(t, "team/app", [][]byte{apptest.Gzip(t, layers[0]), apptest.Gzip(t, layers[1])}, []plimsoll.Digest{plimsoll.DigestOf(layers[0]), plimsoll.DigestOf(layers[1])}, func(m *apptest.Manifest) {
		raw, err := gz.RawConfigFile() // the same settings
		if err != nil {
			t.Fatal(err)
		}
		c := apptest.Describe(e.Put(apptest.OCIConfig, raw))
		m.Config = &c
	})
	stream, err := os.ReadFile(archived)
	if err != nil {
		t.Fatal(err)
	}

	data, records := t.TempDir(), filepath.Join(t.TempDir(), demo.FeedName)
	if err := demo.WriteAdvisories(records); err != nil {
		t.Fatal(err)
	}
	cli(t, "", "--data", data, "advisories", "import", records)
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	var want *imagescan.Result
	for _, way := range []struct {
		name, stdin string
		args        []string
	}{
		{"docker-save", "", []string{"--archive", saved}},
		{"OCI archive, gzip", "", []string{"--archive", archived}},
		{"OCI archive, zstd", "", []string{"--archive", archivedZstd}},
		{"OCI archive, plain", "", []string{"--archive", archivedPlain}},
		{"layout", "", []string{"--layout", dir}},
		{"standard input", string(stream), []string{"--archive", "-"}},
		{"compressed standard input", string(apptest.Zstd(t, stream)), []string{"--archive", "-", "--image", ref}},
		{"registry", "", []string{e.Host() + "/team/app:1"}},
	} {
		got := &imagescan.Result{}
		if err := json.Unmarshal([]byte(cli(t, way.stdin, append([]string{"--data", data, "scan", "--output", "json"}, way.args...)...)), got); err != nil {
			t.Fatal(err)
		}
		got.Image, got.Artifact, got.Advisories = "", "", imagescan.AdvisoryState{} // not what is in it
		if want == nil {
			want = got
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-docker-save +got):\n%s", way.name, d)
		}
	}
	if len(want.Packages) != 2 || len(want.Vulnerabilities) == 0 || len(want.Malware) != 1 || len(want.Settings) == 0 {
		t.Errorf("the image holds too little to compare: %+v", want)
	}
	if left := apptest.Leftovers(t, temporary); len(left) > 0 {
		t.Errorf("temporary files: %v", left)
	}
}

// TestImageOfAnArchive chooses among several by name and by digest, and reports which images there are.
func TestImageOfAnArchive(t *testing.T) {
	images, path := map[name.Reference]v1.Image{}, filepath.Join(t.TempDir(), "two.tar")
	for repository, version := range map[string]string{"one": "1.0-1", "two": "2.0-1"} {
		tag, err := name.NewTag("registry.example.org/" + repository + ":1")
		if err != nil {
			t.Fatal(err)
		}
		images[tag] = packedImage(t, types.OCILayer, apptest.Gzip, apptest.Tar(t, apptest.File("etc/os-release", apptest.DebianRelease), apptest.File("var/lib/dpkg/status", apptest.Dpkg("bash", version))))
	}
	if err := tarball.MultiRefWriteToFile(path, images); err != nil {
		t.Fatal(err)
	}
	scanOne := func(image string) imagescan.Result {
		t.Helper()
		var got imagescan.Result
		raw := cli(t, "", "--data", t.TempDir(), "scan", "--archive", path, "--image", image, "--allow-not-judged", "--output", "json")
		if err := json.Unmarshal([]byte(raw), &got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	two := scanOne("registry.example.org/two:1")
	if len(two.Packages) != 1 || two.Packages[0].Version != "2.0-1" {
		t.Errorf("%+v", two.Packages)
	}
	if d := cmp.Diff(two.Packages, scanOne(string(two.Artifact)).Packages); d != "" {
		t.Errorf("by digest: %s", d)
	}
	for _, c := range []struct{ want, args string }{
		{"choose one with --image", "scan --archive " + path},
		{"it holds: ", "scan --archive " + path + " --image other:1"},
		{"--image is for an archive", "scan registry.example.org/one:1 --image other:1"},
		{"name one image", "scan --layout . --archive " + path},
	} {
		var errs bytes.Buffer
		if code := runProgram(t.Context(), append([]string{"--data", t.TempDir()}, strings.Fields(c.args)...), strings.NewReader(""), io.Discard, &errs); code != exitError || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%s: exit %d, %s", c.args, code, errs.String())
		}
	}
}
