package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plimsoll"
	"plimsoll/manifest"
)

func TestOpenRefuses(t *testing.T) {
	saved := func(config string, layers ...string) entry {
		return entry{name: "manifest.json", body: manifestJSON(savedImage{Config: config, Layers: layers})}
	}
	small := plimsoll.DefaultBudget()
	small.ManifestBytes, small.Layers, small.PathBytes, small.RatioGrace, small.Ratio = 500, 2, 100, 1000, 2
	zeros := tarOf(t, entry{name: "index.json", body: strings.Repeat(" ", 100_000)})
	tests := []struct {
		name    string
		data    []byte
		code    plimsoll.Code
		failure plimsoll.FailureCode
		text    string
	}{
		{"empty", nil, plimsoll.Invalid, plimsoll.FailureDownload, "neither"},
		{"not a tar", []byte(strings.Repeat("x", 4096)), plimsoll.Invalid, plimsoll.FailureDownload, "not a valid tar"},
		{"another tar", tarOf(t, entry{name: "etc/passwd"}), plimsoll.Invalid, plimsoll.FailureDownload, "neither"},
		{"very old", tarOf(t, entry{name: "repositories", body: "{}"}), plimsoll.Invalid, plimsoll.FailureDownload, "before 1.10"},
		{"cut", tarOf(t, entry{name: "index.json", body: strings.Repeat(" ", 4096)})[:1024], plimsoll.Invalid, plimsoll.FailureDownload, "not a valid tar"},
		{"bad gzip", []byte("\x1f\x8b\x08garbage"), plimsoll.Invalid, plimsoll.FailureDownload, "gzip"},
		{"cut gzip", gzipData(t, zeros)[:60], plimsoll.Invalid, plimsoll.FailureDownload, "decompressed"},
		{"bad zstd", []byte("\x28\xb5\x2f\xfdgarbage"), plimsoll.Invalid, plimsoll.FailureDownload, "decompressed"},
		{"gzip bomb", gzipData(t, zeros), plimsoll.TooLarge, plimsoll.FailureOversized, "unpacks to more than"},
		{"zstd bomb", zstdData(t, zeros), plimsoll.TooLarge, plimsoll.FailureOversized, "unpacks to more than"},
		{"bad index", tarOf(t, entry{name: "index.json", body: "[]"}), plimsoll.Invalid, plimsoll.FailureDownload, "index.json"},
		{"bad digest", tarOf(t, entry{name: "index.json", body: `{"manifests":[{"digest":"sha256:../../etc/passwd"}]}`}), plimsoll.Invalid, plimsoll.FailureDownload, "64 hex digits"},
		{"huge index", tarOf(t, entry{name: "index.json", body: strings.Repeat(" ", 501)}), plimsoll.TooLarge, plimsoll.FailureOversized, "budget of 500"},
		{"index by link", tarOf(t, entry{name: "index.json", link: "/etc/passwd"}), plimsoll.Invalid, plimsoll.FailureDownload, "neither"},
		{"bad manifest", tarOf(t, entry{name: "manifest.json", body: "{}"}), plimsoll.Invalid, plimsoll.FailureDownload, "manifest.json"},
		{"no config", tarOf(t, saved("gone.json")), plimsoll.NotFound, plimsoll.FailureNotFound, "gone.json"},
		{"layer outside", tarOf(t, entry{name: "c", body: "{}"}, saved("c", "../../etc/passwd")), plimsoll.Invalid, plimsoll.FailureDownload, "outside"},
		{"absolute layer", tarOf(t, entry{name: "c", body: "{}"}, saved("c", "/etc/passwd")), plimsoll.Invalid, plimsoll.FailureDownload, "outside"},
		{"link outside", tarOf(t, entry{name: "c", body: "{}"}, entry{name: "l", link: "../../etc/passwd"}, saved("c", "l")), plimsoll.NotFound, plimsoll.FailureNotFound, `member "l"`},
		{"member outside", tarOf(t, entry{name: "../c", body: "{}"}, saved("c")), plimsoll.NotFound, plimsoll.FailureNotFound, `member "c"`},
		{"link loop", tarOf(t, entry{name: "c", link: "d"}, entry{name: "d", link: "c"}, saved("c")), plimsoll.Invalid, plimsoll.FailureDownload, "40 links"},
		{"too many layers", tarOf(t, entry{name: "c", body: "{}"}, saved("c", "c", "c", "c")), plimsoll.TooLarge, plimsoll.FailureLayers, "3 layers"},
		{"long path", tarOf(t, entry{name: strings.Repeat("a/", 60) + "f"}), plimsoll.TooLarge, plimsoll.FailureOversized, "path"},
	}
	for _, tt := range tests {
		a, err := Open(writeTemp(t, tt.data), small)
		if err == nil {
			a.Close()
		}
		if plimsoll.ErrorCode(err) != tt.code || plimsoll.FailureOf(err) != tt.failure || !strings.Contains(fmt.Sprint(err), tt.text) {
			t.Errorf("%s: %v (%s, %s), want %s, %s, %q", tt.name, err, plimsoll.ErrorCode(err), plimsoll.FailureOf(err), tt.code, tt.failure, tt.text)
		}
	}
}

func TestOpenRefusesOtherFiles(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "none"), plimsoll.DefaultBudget()); plimsoll.FailureOf(err) != plimsoll.FailureNotFound {
		t.Errorf("no file: %v", err)
	}
	if _, err := Open(dir, plimsoll.DefaultBudget()); plimsoll.ErrorCode(err) != plimsoll.Invalid || plimsoll.ErrorHint(err) == "" {
		t.Errorf("directory: %v", err)
	}
	if _, err := Open(os.DevNull, plimsoll.DefaultBudget()); plimsoll.ErrorCode(err) != plimsoll.Invalid {
		t.Errorf("device: %v", err)
	}
}

// A compressed archive leaves nothing behind in the temporary folder, open or closed.
func TestSpillHasNoName(t *testing.T) {
	tmp := t.TempDir()
	data, _, _ := layoutTar(t)
	path := writeTemp(t, gzipData(t, data))
	t.Setenv("TMPDIR", tmp)
	a, err := Open(path, plimsoll.DefaultBudget())
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestContentIsProven(t *testing.T) {
	wrong := plimsoll.DigestOf([]byte("promised"))
	a := openArchive(t, writeTemp(t, tarOf(t,
		entry{name: blobPath(wrong), body: "delivered"},
		entry{name: "index.json", body: `{"manifests":[{"digest":"` + string(wrong) + `"}]}`},
	)))
	if _, _, err := a.Manifest(t.Context(), wrong); plimsoll.FailureOf(err) != plimsoll.FailureDownload {
		t.Errorf("manifest: %v", err)
	}
	r, err := a.Blob(t.Context(), plimsoll.Descriptor{Digest: wrong, Size: 9})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); plimsoll.FailureOf(err) != plimsoll.FailureDownload || !strings.Contains(err.Error(), "other bytes") {
		t.Errorf("blob: %v", err)
	}
	if _, err := a.Blob(t.Context(), plimsoll.Descriptor{Digest: wrong, Size: 8}); plimsoll.FailureOf(err) != plimsoll.FailureDownload {
		t.Errorf("size: %v", err)
	}
	if _, err := a.Blob(t.Context(), plimsoll.Descriptor{Digest: plimsoll.DigestOf(nil)}); plimsoll.FailureOf(err) != plimsoll.FailureNotFound {
		t.Errorf("missing: %v", err)
	}
	if _, err := a.Blob(t.Context(), plimsoll.Descriptor{Digest: "sha256:../../../etc/passwd"}); plimsoll.ErrorCode(err) != plimsoll.Invalid {
		t.Errorf("digest: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := a.Manifest(ctx, wrong); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// The bytes of a sparse file are not in one piece: it is ignored.
func TestSparseIsNoMember(t *testing.T) {
	for name, h := range map[string]*tar.Header{
		"old GNU": {Name: "a", Typeflag: tar.TypeGNUSparse},
		"PAX":     {Name: "a", Typeflag: tar.TypeReg, PAXRecords: map[string]string{"GNU.sparse.major": "1"}},
		"device":  {Name: "a", Typeflag: tar.TypeBlock},
		"folder":  {Name: "a/", Typeflag: tar.TypeDir},
	} {
		if _, m, ok := memberOfHeader(h, 512); ok {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func FuzzOpen(f *testing.F) {
	config := configOf("layer")
	f.Add(tarOf(f, entry{name: "l/layer.tar", body: "layer"}, entry{name: "k/layer.tar", link: "../l/layer.tar"}, entry{name: "c.json", body: config},
		entry{name: "manifest.json", body: manifestJSON(savedImage{Config: "c.json", RepoTags: []string{"a:1"}, Layers: []string{"l/layer.tar", "k/layer.tar"}})}))
	document := `{"schemaVersion":2,"layers":[]}`
	d := plimsoll.DigestOf([]byte(document))
	f.Add(tarOf(f, entry{name: blobPath(d), body: document},
		entry{name: "index.json", body: `{"manifests":[{"digest":"` + string(d) + `","annotations":{"org.opencontainers.image.ref.name":"1"}}]}`}))
	f.Add([]byte("\x1f\x8b\x08"))
	budget := plimsoll.DefaultBudget()
	budget.ManifestBytes, budget.RatioGrace = 1<<16, 1<<20
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := indexTar(bytes.NewReader(data), int64(len(data)), budget)
		if err != nil {
			if plimsoll.FailureOf(err) == plimsoll.FailureUnknown {
				t.Errorf("an error without a failure: %v", err)
			}
			return
		}
		for _, image := range a.Images() {
			mediaType, raw, err := a.Manifest(context.Background(), image.Digest)
			if err != nil {
				continue
			}
			if plimsoll.DigestOf(raw) != image.Digest {
				t.Errorf("manifest of %s has other bytes", image.Digest)
			}
			artifact, err := manifest.Parse(mediaType, raw, budget)
			if err != nil {
				continue
			}
			for _, l := range artifact.Layers {
				if r, err := a.Blob(context.Background(), l.Descriptor); err == nil {
					io.Copy(io.Discard, r) //nolint:errcheck // it may fail, not panic
				}
			}
		}
	})
}
