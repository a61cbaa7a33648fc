package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"plimsoll"
	"plimsoll/manifest"
)

// entry is one member of a hand-written archive.
type entry struct {
	name, body string
	link       string // symbolic
	hard       string
}

func tarOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: tar.TypeReg, Size: int64(len(e.body)), Mode: 0o644}
		switch {
		case e.link != "":
			h.Typeflag, h.Linkname = tar.TypeSymlink, e.link
		case e.hard != "":
			h.Typeflag, h.Linkname = tar.TypeLink, e.hard
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func writeTemp(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func openArchive(t testing.TB, path string) *Archive {
	t.Helper()
	a, err := Open(path, plimsoll.DefaultBudget())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// readAll reads an image and everything it points to, and returns the layers' bytes.
func readAll(t testing.TB, a *Archive, d plimsoll.Digest) (plimsoll.Artifact, []string) {
	t.Helper()
	mediaType, raw, err := a.Manifest(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	artifact, err := manifest.Parse(mediaType, raw, plimsoll.DefaultBudget())
	if err != nil {
		t.Fatal(err)
	}
	if artifact.Digest != d {
		t.Fatalf("manifest has digest %s, asked for %s", artifact.Digest, d)
	}
	var layers []string
	for _, l := range artifact.Layers {
		layers = append(layers, readBlob(t, a, l.Descriptor))
	}
	if artifact.Kind == plimsoll.KindImage {
		config, err := manifest.ParseConfig([]byte(readBlob(t, a, artifact.Config)), plimsoll.DefaultBudget())
		if err != nil {
			t.Fatal(err)
		}
		if artifact, err = manifest.WithConfig(artifact, config); err != nil {
			t.Fatal(err)
		}
	}
	return artifact, layers
}

func readBlob(t testing.TB, a *Archive, d plimsoll.Descriptor) string {
	t.Helper()
	r, err := a.Blob(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

// layoutTar packs an OCI image layout with img under an annotation and an index without one.
func layoutTar(t *testing.T) (data []byte, image, index plimsoll.Digest) {
	t.Helper()
	img, err := random.Image(1<<12, 3)
	if err != nil {
		t.Fatal(err)
	}
	list, err := random.Index(1<<10, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	root, err := layout.Write(dir, list)
	if err != nil {
		t.Fatal(err)
	}
	// layout.Write listed the members of the index; the image and the index itself follow.
	if err := root.AppendImage(img, layout.WithAnnotations(map[string]string{annotationRef: "1.0", annotationName: "docker.io/library/app:1.0"})); err != nil {
		t.Fatal(err)
	}
	if err := root.AppendIndex(list); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	d, _ := img.Digest()
	i, _ := list.Digest()
	return b.Bytes(), plimsoll.Digest(d.String()), plimsoll.Digest(i.String())
}

func TestLayout(t *testing.T) {
	data, image, index := layoutTar(t)
	packed := map[string][]byte{"plain": data, "gzip": gzipData(t, data), "zstd": zstdData(t, data)}
	for how, data := range packed {
		a := openArchive(t, writeTemp(t, data))
		images := a.Images()
		if n := len(images); n != 4 { // the two members of the index, the image, the index
			t.Fatalf("%s: %d images: %v", how, n, images)
		}
		if diff := cmp.Diff([]Image{{"docker.io/library/app:1.0", image}, {"", index}}, images[2:]); diff != "" {
			t.Errorf("%s: images (-want +got)\n%s", how, diff)
		}
		artifact, layers := readAll(t, a, image)
		if artifact.Kind != plimsoll.KindImage || len(layers) != 3 {
			t.Errorf("%s: %s with %d layers", how, artifact.Kind, len(layers))
		}
		list, _ := readAll(t, a, index)
		if list.Kind != plimsoll.KindIndex || len(list.Children) != 2 {
			t.Errorf("%s: %s with %d children", how, list.Kind, len(list.Children))
		}
		for _, child := range list.Children {
			readAll(t, a, child.Digest)
		}
	}
}

func gzipData(t *testing.T, data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstdData(t *testing.T, data []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}

// Another writer's docker-save archive: compressed layers, named by their digest.
func TestSavedByAnotherWriter(t *testing.T) {
	one, _ := random.Image(1<<12, 2)
	two, _ := random.Image(1<<12, 1)
	path := filepath.Join(t.TempDir(), "image.tar")
	tag := func(s string) name.Reference {
		ref, err := name.NewTag(s)
		if err != nil {
			t.Fatal(err)
		}
		return ref
	}
	err := tarball.MultiRefWriteToFile(path, map[name.Reference]v1.Image{
		tag("example.test/one:1"): one, tag("example.test/one:2"): one, tag("two:1"): two,
	})
	if err != nil {
		t.Fatal(err)
	}
	a := openArchive(t, path)
	var refs []string
	byRef := map[string]plimsoll.Digest{}
	for _, image := range a.Images() {
		refs = append(refs, image.Ref)
		byRef[image.Ref] = image.Digest
	}
	slices.Sort(refs)
	if diff := cmp.Diff([]string{"example.test/one:1", "example.test/one:2", "two:1"}, refs); diff != "" {
		t.Errorf("names (-want +got)\n%s", diff)
	}
	if byRef[refs[0]] != byRef[refs[1]] {
		t.Error("one image has two digests")
	}
	artifact, _ := readAll(t, a, byRef[refs[0]])
	layers, _ := one.Layers()
	for i, l := range layers {
		d, _ := l.Digest()
		diff, _ := l.DiffID()
		got := artifact.Layers[i]
		if string(got.Digest) != d.String() || string(got.DiffID) != diff.String() || got.MediaType != mediaDockerLayer+".gzip" {
			t.Errorf("layer %d is %+v", i, got)
		}
	}
}

const emptyConfig = `{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[%s]}}`

func configOf(layers ...string) string {
	var ids []string
	for _, l := range layers {
		ids = append(ids, fmt.Sprintf("%q", plimsoll.DigestOf([]byte(l))))
	}
	return fmt.Sprintf(emptyConfig, strings.Join(ids, ","))
}

func manifestJSON(images ...savedImage) string {
	raw, _ := json.Marshal(images)
	return string(raw)
}

// Old archives keep a layer once and link to it from the others.
func TestOldSaved(t *testing.T) {
	a := openArchive(t, writeTemp(t, tarOf(t,
		entry{name: "c2/layer.tar", link: "../c1/layer.tar"},
		entry{name: "c1/layer.tar", body: "base"},
		entry{name: "c3/layer.tar", body: "top"},
		entry{name: "c4/layer.tar", hard: "./c3/layer.tar"},
		entry{name: "config.json", body: configOf("base", "base", "top", "top")},
		entry{name: "manifest.json", body: manifestJSON(savedImage{
			Config: "config.json", RepoTags: []string{"app:1", "app:\x1b[31m"},
			Layers: []string{"c1/layer.tar", "c2/layer.tar", "./c3/layer.tar", "c4/layer.tar"}})},
		entry{name: "repositories", body: "{}"},
	)))
	images := a.Images()
	if len(images) != 2 || images[0].Ref != "app:1" || images[1].Ref != "" || images[0].Digest != images[1].Digest {
		t.Fatalf("images %v", images)
	}
	artifact, layers := readAll(t, a, images[0].Digest)
	if diff := cmp.Diff([]string{"base", "base", "top", "top"}, layers); diff != "" {
		t.Errorf("layers (-want +got)\n%s", diff)
	}
	for _, l := range artifact.Layers {
		if l.Digest != l.DiffID || l.MediaType != mediaDockerLayer {
			t.Errorf("layer %+v", l)
		}
	}
}

// Newer Docker writes both indexes. index.json takes precedence; manifest.json names the images that it leaves without a
// name.
func TestNewSaved(t *testing.T) {
	const layer = "layer"
	config := configOf(layer)
	manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"digest":%q,"size":%d},"layers":[{"digest":%q,"size":%d}]}`,
		mediaManifest, plimsoll.DigestOf([]byte(config)), len(config), plimsoll.DigestOf([]byte(layer)), len(layer))
	blob := func(body string) entry {
		return entry{name: blobPath(plimsoll.DigestOf([]byte(body))), body: body}
	}
	saved := manifestJSON(savedImage{Config: blob(config).name, RepoTags: []string{"app:1", "app:2"}, Layers: []string{blob(layer).name}})
	other := `{"mediaType":"application/vnd.example+json","digest":"` + string(plimsoll.DigestOf(nil)) + `"}`
	for annotations, want := range map[string][]string{
		`null`: {"app:1", "app:2"},
		`{"org.opencontainers.image.ref.name":"1"}`:                                       {"1"},
		`{"org.opencontainers.image.ref.name":"1","io.containerd.image.name":"x/app:1"}`:  {"x/app:1"},
		`{"org.opencontainers.image.ref.name":"1","io.containerd.image.name":"x app\n1"}`: {"1"},
	} {
		index := fmt.Sprintf(`{"manifests":[%s,{"mediaType":%q,"digest":%q,"annotations":%s}]}`, other, mediaManifest, plimsoll.DigestOf([]byte(manifest)), annotations)
		a := openArchive(t, writeTemp(t, tarOf(t, blob(layer), blob(config), blob(manifest),
			entry{name: "index.json", body: index}, entry{name: "manifest.json", body: saved})))
		var got []string
		for _, image := range a.Images() {
			got = append(got, image.Ref)
			readAll(t, a, image.Digest)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: names (-want +got)\n%s", annotations, diff)
		}
	}
}
