package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/klauspost/compress/gzip"

	"plimsoll"
	"plimsoll/app/apptest"
	"plimsoll/app/imagescan"
)

// rpmArchive writes an archive of one image with an rpm database of the corpus.
func rpmArchive(t *testing.T, path, database string) string {
	t.Helper()
	packed, err := os.Open(filepath.Join(sharedData, "rpmdb", database))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	layer := apptest.Tar(t, apptest.File("etc/os-release", "ID=centos\nVERSION_ID=\"7\"\n"), apptest.File(path, string(content)))
	img := empty.Image
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer)), nil })
	if err != nil {
		t.Fatal(err)
	}
	if img, err = mutate.AppendLayers(img, l); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "image.tar")
	if err := tarball.WriteToFile(file, name.MustParseReference("example.org/a/b:1"), img); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestRPMDatabases scans real databases in all three formats, while one that naive
// readers never finish ends as a failure that names it.
func TestRPMDatabases(t *testing.T) {
	requireCorpus(t)
	hostile := rpmArchive(t, "var/lib/rpm/Packages", "hostile-never-ends.Packages.gz")
	var others sync.WaitGroup
	others.Go(func() {
		var errs bytes.Buffer
		code := runProgram(t.Context(), []string{"--data", t.TempDir(), "scan", "--archive", hostile}, strings.NewReader(""), io.Discard, &errs)
		if code != exitError || !strings.Contains(errs.String(), "var/lib/rpm/Packages") {
			t.Errorf("hostile: exit %d, %s", code, errs.String())
		}
	})
	for _, tt := range []struct {
		path, database string
		packages       int
	}{
		{"var/lib/rpm/Packages", "centos7-bdb/Packages.gz", 144},
		{"var/lib/rpm/Packages.db", "sle15-ndb/Packages.db.gz", 35},
		{"var/lib/rpm/rpmdb.sqlite", "fedora35-sqlite/rpmdb.sqlite.gz", 138},
	} {
		raw := cli(t, "", "--data", t.TempDir(), "scan", "--allow-not-judged", "--output", "json", "--archive", rpmArchive(t, tt.path, tt.database))
		var got imagescan.Result
		if err := json.Unmarshal([]byte(raw), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Packages) != tt.packages || got.Failure != plimsoll.FailureCode("") {
			t.Errorf("%s: %d packages, failure %q", tt.database, len(got.Packages), got.Failure)
		}
	}
	others.Wait()
}
