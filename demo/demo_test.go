package demo

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"plimsoll"
	"plimsoll/manifest"
)

// sampleDigests reads the digest of every sample's tag.
func sampleDigests(t *testing.T, r *Registry) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, s := range sampleImages {
		ref, err := name.ParseReference(r.Host()+"/"+s.repository+":"+s.tag, name.Insecure)
		if err != nil {
			t.Fatal(err)
		}
		d, err := remote.Head(ref)
		if err != nil {
			t.Fatalf("%s: %v", ref, err)
		}
		out[s.repository+":"+s.tag] = d.Digest.String()
	}
	return out
}

func TestRegistryHoldsTheSameSamplesEveryTime(t *testing.T) {
	dir := t.TempDir()
	var runs []map[string]string
	var hosts []string
	for range 2 {
		r, err := StartRegistry(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		runs, hosts = append(runs, sampleDigests(t, r)), append(hosts, r.Host())
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(runs[0]) < 12 {
		t.Errorf("only %d samples", len(runs[0]))
	}
	if d := cmp.Diff(runs[0], runs[1]); d != "" {
		t.Errorf("digests changed between runs: %s", d)
	}
	if hosts[0] != hosts[1] {
		t.Errorf("port changed: %v", hosts)
	}
}

func TestIndexHasPlatformsAndAttestation(t *testing.T) {
	for _, s := range sampleImages {
		if len(s.platforms) < 2 {
			continue
		}
		index, err := s.index()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := index.RawManifest()
		if err != nil {
			t.Fatal(err)
		}
		a, err := manifest.Parse("", raw, plimsoll.DefaultBudget())
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Children) != 3 || a.Children[2].Unscannable != plimsoll.ReasonAttestation {
			t.Errorf("%s: children %+v", s.repository, a.Children)
		}
		return
	}
	t.Fatal("no sample is an index")
}

func TestWriteAdvisories(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "advisories")
	if err := WriteAdvisories(dir); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != len(sampleAdvisories) {
		t.Errorf("%d files, %v", len(files), err)
	}
}
