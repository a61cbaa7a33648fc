package sqlite

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/store/layers"
)

func TestCacheKeepsScansByProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "layers.db")
	c, err := Cache(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	digest := plimsoll.DigestOf([]byte("index"))
	kept := layers.Scanned{
		Artifact: plimsoll.Artifact{Digest: plimsoll.DigestOf([]byte("manifest")), Layers: []plimsoll.Layer{{CreatedBy: "ENV TOKEN"}},
			Settings: &plimsoll.ImageConfig{Env: []string{"TOKEN=hush-hush"}}},
		Record: plimsoll.ScanRecord{ScannedAt: time.Unix(1700000000, 0).UTC(), Malware: []plimsoll.Malware{{Path: "x"}}, Judgements: []plimsoll.Judgement{{Revision: 7}}},
	}
	if err := c.KeepScan(t.Context(), digest, "build 1", kept); err != nil {
		t.Fatal(err)
	}
	want := kept
	want.Artifact.Settings, want.Record.Judgements = nil, nil
	got, ok, err := c.Scan(t.Context(), digest, "build 1")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, ok, err := c.Scan(t.Context(), digest, "build 2"); ok || err != nil {
		t.Errorf("another build is given the scan: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil || bytes.Contains(raw, []byte("hush-hush")) {
		t.Errorf("a value of a variable was kept: %v", err)
	}
}

func TestCachePrunesTheOldestHalf(t *testing.T) {
	c, err := Cache(t.Context(), filepath.Join(t.TempDir(), "layers.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	now := time.Unix(1700000000, 0)
	c.DB().Now = func() time.Time { now = now.Add(time.Second); return now }
	for i := range 10 {
		name := string(rune('a' + i))
		diffID := plimsoll.DigestOf([]byte(name))
		id := plimsoll.AnalyzerID{Name: "tree", Version: "1"}
		if err := c.SaveLayer(t.Context(), plimsoll.Tenant{}, diffID, diffID, []plimsoll.LayerReport{{DiffID: diffID, Analyzer: id}}); err != nil {
			t.Fatal(err)
		}
	}
	missing := func() int {
		n := 0
		for i := range 10 {
			d := plimsoll.DigestOf([]byte{byte('a' + i)})
			list, err := c.MissingLayers(t.Context(), plimsoll.Tenant{}, false, []plimsoll.Layer{{Descriptor: plimsoll.Descriptor{Digest: d}, DiffID: d}}, []plimsoll.AnalyzerID{{Name: "tree", Version: "1"}})
			if err != nil {
				t.Fatal(err)
			}
			n += len(list)
		}
		return n
	}
	if err := c.Prune(t.Context(), 1<<20); err != nil || missing() != 0 {
		t.Errorf("%d layers forgotten below the bound: %v", missing(), err)
	}
	if err := c.Prune(t.Context(), 10); err != nil || missing() != 6 {
		t.Errorf("%d of 10 layers forgotten: %v", missing(), err)
	}
}
