package archive

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

// layoutDir unpacks an image layout.
func layoutDir(t *testing.T) (dir string, image, index plimsoll.Digest) {
	t.Helper()
	data, image, index := layoutTar(t)
	from := openArchive(t, writeTemp(t, data))
	dir = t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "blobs/sha256"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name := range from.members {
		m, err := from.findMember(name)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(io.NewSectionReader(from.data, m.offset, m.size))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, image, index
}

func TestOpenLayout(t *testing.T) {
	dir, image, index := layoutDir(t)
	a, err := OpenLayout(dir, plimsoll.DefaultBudget())
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if diff := cmp.Diff([]Image{{"docker.io/library/app:1.0", image}, {"", index}}, a.Images()[2:]); diff != "" {
		t.Errorf("images (-want +got)\n%s", diff)
	}
	if artifact, layers := readAll(t, a, image); artifact.Kind != plimsoll.KindImage || len(layers) != 3 {
		t.Errorf("%s with %d layers", artifact.Kind, len(layers))
	}
	if list, _ := readAll(t, a, index); len(list.Children) != 2 {
		t.Errorf("index with %d children", len(list.Children))
	}
}

// Links, other files and changed files of a layout's directory are refused.
func TestHostileLayout(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	secret := plimsoll.Descriptor{Digest: plimsoll.DigestOf([]byte("secret")), Size: 6}
	dir, image, _ := layoutDir(t)
	blobs := filepath.Join(dir, "blobs/sha256")
	if err := os.Symlink(outside, filepath.Join(blobs, secret.Digest.Hex())); err != nil {
		t.Fatal(err)
	}
	a, err := OpenLayout(dir, plimsoll.DefaultBudget())
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := a.Blob(t.Context(), secret); plimsoll.FailureOf(err) != plimsoll.FailureDownload || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a link to the outside: %v", err)
	}
	for _, name := range []string{"oci-layout", "../secret", "/etc/passwd", "blobs/sha256/../../index.json", "blobs/sha512/" + secret.Digest.Hex()} {
		if _, err := a.findMember(name); plimsoll.ErrorCode(err) != plimsoll.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	artifact, _ := readAll(t, a, image)
	path := filepath.Join(blobs, artifact.Layers[0].Digest.Hex())
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw[0] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := a.Blob(t.Context(), artifact.Layers[0].Descriptor)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadAll(r); plimsoll.FailureOf(err) != plimsoll.FailureDownload {
		t.Errorf("a changed blob: %v", err)
	}

	for name, dir := range map[string]string{"empty": t.TempDir(), "none": filepath.Join(dir, "none"), "a file": outside} {
		if a, err := OpenLayout(dir, plimsoll.DefaultBudget()); err == nil {
			a.Close()
			t.Errorf("%s was opened", name)
		}
	}
}

func TestReadFromAStream(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	data, image, _ := layoutTar(t)
	for how, data := range map[string][]byte{"plain": data, "gzip": gzipData(t, data), "zstd": zstdData(t, data)} {
		a, err := Read(bytes.NewReader(data), plimsoll.DefaultBudget())
		if err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		readAll(t, a, image)
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	small := plimsoll.DefaultBudget()
	small.ImageUnpacked = int64(len(data) - 1)
	if _, err := Read(bytes.NewReader(data), small); plimsoll.FailureOf(err) != plimsoll.FailureOversized {
		t.Errorf("over the budget: %v", err)
	}
	if _, err := Read(strings.NewReader(""), small); plimsoll.FailureOf(err) != plimsoll.FailureDownload {
		t.Errorf("nothing: %v", err)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}
