package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"plimsoll"
	"plimsoll/app/apptest"
	"plimsoll/app/imagescan"
)

// scanJSON is what scan prints as JSON, without the age of the advisories.
func scanJSON(t *testing.T, args ...string) imagescan.Result {
	t.Helper()
	var out imagescan.Result
	if err := json.Unmarshal([]byte(cli(t, "", append([]string{"scan", "--allow-not-judged", "--output", "json"}, args...)...)), &out); err != nil {
		t.Fatal(err)
	}
	out.Advisories.Age = 0
	return out
}

// TestSecondScanFetchesNothing scans an image by reference twice, then one that shares its layers.
func TestSecondScanFetchesNothing(t *testing.T) {
	e := apptest.NewRegistry(t)
	base := apptest.Tar(t, apptest.File("etc/os-release", apptest.DebianRelease), apptest.File("var/lib/dpkg/status", apptest.Dpkg("openssl", "3.0.11-1~deb12u2")))
	app, other := apptest.Tar(t, apptest.File("srv/eicar.com", apptest.EICAR)), apptest.Tar(t, apptest.File("srv/other", "x"))
	zip := func(layers ...[]byte) (packed [][]byte, diffIDs []plimsoll.Digest) {
		for _, l := range layers {
			packed, diffIDs = append(packed, apptest.Gzip(t, l)), append(diffIDs, plimsoll.DigestOf(l))
		}
		return packed, diffIDs
	}
	packed, diffIDs := zip(base, app)
	e.Push(t, "team/app", packed, diffIDs, nil)
	data := t.TempDir()
	ref := e.Host() + "/team/app:1"
	first := scanJSON(t, "--data", data, ref)
	e.Since()
	second := scanJSON(t, "--data", data, ref)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"GET /v2/", "HEAD /v2/team/app/manifests/1"}, e.Since()); diff != "" {
		t.Errorf("a second scan asked for more than what the tag points to: %s", diff)
	}
	blobs := func() (n int) {
		for _, request := range e.Since() {
			if strings.Contains(request, "/blobs/") {
				n++
			}
		}
		return n
	}
	if again := scanJSON(t, "--data", data, "--no-cache", ref); blobs() != 3 || !cmp.Equal(first, again) {
		t.Errorf("--no-cache fetched other than the layers and the config, each once: %s", cmp.Diff(first, again))
	}
	packed, diffIDs = zip(base, other)
	e.Push(t, "team/app", packed, diffIDs, nil)
	moved := scanJSON(t, "--data", data, ref)
	if n := blobs(); n != 2 {
		t.Errorf("%d blobs fetched for a new config and layer on a known base", n)
	}
	if len(moved.Malware) != 0 || !cmp.Equal(first.Packages[0].PURL, moved.Packages[0].PURL) {
		t.Errorf("%+v", moved)
	}
}

// TestAnArchiveIsProvenEachTime changes bytes of a layer that an earlier scan knows.
func TestAnArchiveIsProvenEachTime(t *testing.T) {
	img := packedImage(t, types.OCILayer, apptest.Gzip, apptest.Tar(t, apptest.File("etc/os-release", apptest.DebianRelease), apptest.File("var/lib/dpkg/status", apptest.Dpkg("bash", "5.2.15-2")), apptest.File("srv/eicar.com", apptest.EICAR)))
	dir, _ := writeLayout(t, "team/app:1", img)
	data := t.TempDir()
	first := scanJSON(t, "--data", data, "--layout", dir)
	if again := scanJSON(t, "--data", data, "--layout", dir); !cmp.Equal(first, again) || len(again.Malware) != 1 {
		t.Error(cmp.Diff(first, again))
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := layers[0].Digest()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "blobs", digest.Algorithm, digest.Hex)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw = slices.Clone(raw)
	raw[len(raw)/2] ^= 1
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	if status := runProgram(t.Context(), []string{"scan", "--data", data, "--layout", dir}, strings.NewReader(""), &out, &errs); status != 2 || !strings.Contains(errs.String(), "other bytes") {
		t.Errorf("status %d: %s", status, errs.String())
	}
}
