package sandbox

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"plimsoll"
	"plimsoll/manifest"
	"plimsoll/queue"
	"plimsoll/scan"
	"plimsoll/store"
	"plimsoll/store/sqlite"
)

// shelf is an image source in memory.
type shelf map[plimsoll.Digest][]byte

const (
	ociManifest = "application/vnd.oci.image.manifest.v1+json"
	ociConfig   = "application/vnd.oci.image.config.v1+json"
	ociLayer    = "application/vnd.oci.image.layer.v1.tar"
)

// Manifest implements scan.Source.
func (s shelf) Manifest(_ context.Context, d plimsoll.Digest) (string, []byte, error) {
	return ociManifest, s[d], nil
}

// Blob implements scan.Source.
func (s shelf) Blob(_ context.Context, d plimsoll.Descriptor) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(s[d.Digest])), nil
}

func (s shelf) add(t *testing.T, v any) plimsoll.Descriptor {
	t.Helper()
	raw, ok := v.([]byte)
	if !ok {
		var err error
		if raw, err = json.Marshal(v); err != nil {
			t.Fatal(err)
		}
	}
	d := plimsoll.Descriptor{Digest: plimsoll.DigestOf(raw), Size: int64(len(raw))}
	s[d.Digest] = raw
	return d
}

// image adds an image of one layer with one file.
func (s shelf) image(t *testing.T, path string) plimsoll.Artifact {
	t.Helper()
	blob := s.add(t, archive(t, []tar.Header{{Name: path, Typeflag: tar.TypeReg}}, []string{"x"}))
	config := s.add(t, map[string]any{"os": "linux", "architecture": "amd64",
		"rootfs": map[string]any{"type": "layers", "diff_ids": []plimsoll.Digest{blob.Digest}}})
	pushed := s.add(t, map[string]any{"schemaVersion": 2, "mediaType": ociManifest,
		"config": map[string]any{"mediaType": ociConfig, "digest": config.Digest, "size": config.Size},
		"layers": []any{map[string]any{"mediaType": ociLayer, "digest": blob.Digest, "size": blob.Size}}})
	a, err := manifest.Parse(ociManifest, s[pushed.Digest], plimsoll.DefaultBudget())
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := manifest.ParseConfig(s[config.Digest], plimsoll.DefaultBudget())
	if err == nil {
		a, err = manifest.WithConfig(a, parsed)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// yard is a store and a queue that scans in children.
type yard struct {
	store *store.Store
	queue *queue.Queue
	tries atomic.Int64 // scans of the image that kills
}

// impatient is a store that has units tried again at once.
type impatient struct{ *store.Store }

// Died implements queue.Store.
func (s impatient) Died(ctx context.Context, id, generation int64, _ time.Time) error {
	return s.Store.Died(ctx, id, generation, time.Time{})
}

func newYard(t *testing.T, src shelf, killer plimsoll.Digest) *yard {
	t.Helper()
	dir := t.TempDir()
	s, err := sqlite.Inventory(t.Context(), filepath.Join(dir, "plimsoll.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	advisories, err := sqlite.Advisories(t.Context(), filepath.Join(dir, "advisories.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { advisories.Close() })
	y := &yard{store: s}
	worker := &scan.Worker{
		Store: s,
		Inspector: &scan.Inspector{Reports: s, Advisories: advisories, Analyzers: boomAnalyzers(),
			Budget: plimsoll.DefaultBudget(), Now: time.Now, Pass: scan.ConfinedPass(newTestPool(t, "boom", nil).Run)},
		Open: func(context.Context, plimsoll.Work) (scan.Source, bool, error) { return src, false, nil },
	}
	y.queue = queue.New(queue.Options{Store: impatient{s}, Concurrency: 2,
		Handlers: map[plimsoll.WorkKind]queue.Handler{plimsoll.WorkScan: func(ctx context.Context, w plimsoll.Work) error {
			err := worker.Work(ctx, w)
			if w.Key == string(killer) {
				y.tries.Add(1)
			}
			return err
		}}})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- y.queue.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return y
}

// scan asks for scans of images and waits for them.
func (y *yard) scan(t *testing.T, images ...plimsoll.Artifact) plimsoll.Task {
	t.Helper()
	task := plimsoll.Task{Tenant: plimsoll.Tenant{ProjectID: "p", EnterpriseProject: "0"}, Kind: plimsoll.WorkScan, By: "ann"}
	var work []plimsoll.Work
	for _, a := range images {
		work = append(work, plimsoll.Work{Kind: plimsoll.WorkScan, Key: string(a.Digest)})
	}
	if err := y.store.CreateTask(t.Context(), &task, work); err != nil {
		t.Fatal(err)
	}
	y.queue.Wake()
	task, err := y.queue.WaitTask(t.Context(), "p", task.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	return task
}

// TestTwoDeathsQuarantine has an image that kills every child among images that do not: it
// is tried twice and then failed with the reason, the others are scanned, a sync that sees
// it again asks for nothing, and a person who asks has it tried again.
func TestTwoDeathsQuarantine(t *testing.T) {
	src := shelf{}
	killer := src.image(t, "boom")
	images := []plimsoll.Artifact{killer, src.image(t, "a"), src.image(t, "b"), src.image(t, "c")}
	y := newYard(t, src, killer.Digest)
	reg := plimsoll.Registry{Tenant: plimsoll.Tenant{ProjectID: "p", EnterpriseProject: "0"}, Name: "hub", URL: "https://hub.example.org",
		Kind: plimsoll.RegistryOther, ScanOnSync: true}
	if err := y.store.AddRegistry(t.Context(), &reg); err != nil {
		t.Fatal(err)
	}
	change := plimsoll.RepositoryChange{Repository: "team/app", Artifacts: images}
	for i, a := range images {
		change.Tags = append(change.Tags, plimsoll.TagSeen{Tag: string(rune('0' + i)), Digest: a.Digest})
	}
	if err := y.store.ApplySync(t.Context(), reg, change, nil); err != nil {
		t.Fatal(err)
	}
	if task := y.scan(t, images...); task.Done != 3 || task.Failed != 1 {
		t.Errorf("%d done, %d failed", task.Done, task.Failed)
	}
	if n := y.tries.Load(); n != plimsoll.MaxDeaths {
		t.Errorf("%d tries", n)
	}
	page, err := y.store.Images(t.Context(), plimsoll.ImageFilter{ProjectID: "p"})
	if err != nil {
		t.Fatal(err)
	}
	for _, img := range page.Items {
		switch {
		case img.Tag != "0" && img.State != plimsoll.ScanDone:
			t.Errorf("image %s is %s", img.Tag, img.State)
		case img.Tag == "0" && (img.State != plimsoll.ScanFailed || !strings.HasPrefix(img.Detail, "quarantined, analysis died twice: layer ") ||
			!strings.Contains(img.Detail, "signal: killed")):
			t.Errorf("image %s is %s: %s", img.Tag, img.State, img.Detail)
		}
	}
	task := plimsoll.Task{Tenant: plimsoll.Tenant{ProjectID: "p", EnterpriseProject: "0"}, Kind: plimsoll.WorkSync, By: "schedule"}
	again := plimsoll.RepositoryChange{Repository: "team/app", Tags: []plimsoll.TagSeen{{Tag: "again", Digest: killer.Digest}}}
	if err := y.store.ApplySync(t.Context(), reg, again, &task); err != nil || task.Total != 0 {
		t.Errorf("a sync asks for %d scans, %v", task.Total, err)
	}
	if y.scan(t, killer); y.tries.Load() != 2*plimsoll.MaxDeaths {
		t.Errorf("asked for, it was tried %d times in all", y.tries.Load())
	}
}
