package scan_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"plimsoll"
	"plimsoll/analyze/all"
	"plimsoll/manifest"
	"plimsoll/scan"
	"plimsoll/store"
	"plimsoll/store/sqlite"
	"plimsoll/verify"
)

// memory is an image source in memory that counts what it is asked for.
type memory struct {
	mu        sync.Mutex
	manifests map[plimsoll.Digest][]byte
	blobs     map[plimsoll.Digest][]byte
	reads     map[plimsoll.Digest]int
	env       []string // of images to come
}

func newMemory() *memory {
	return &memory{manifests: map[plimsoll.Digest][]byte{}, blobs: map[plimsoll.Digest][]byte{}, reads: map[plimsoll.Digest]int{}}
}

func (m *memory) Manifest(_ context.Context, d plimsoll.Digest) (string, []byte, error) {
	raw, ok := m.manifests[d]
	if !ok {
		return "", nil, plimsoll.Fail(plimsoll.FailureNotFound, plimsoll.Errorf(plimsoll.NotFound, "no manifest %s", d.Short()))
	}
	return ociManifest, raw, nil
}

func (m *memory) Blob(_ context.Context, d plimsoll.Descriptor) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads[d.Digest]++
	raw, ok := m.blobs[d.Digest]
	if !ok {
		return nil, plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.NotFound, "no blob %s", d.Digest.Short()))
	}
	return io.NopCloser(verify.Reader(bytes.NewReader(raw), d)), nil
}

func (m *memory) readsOf(layers []plimsoll.Layer) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range layers {
		n += m.reads[l.Digest]
	}
	return n
}

const (
	ociManifest = "application/vnd.oci.image.manifest.v1+json"
	ociConfig   = "application/vnd.oci.image.config.v1+json"
	ociLayer    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

type header = tar.Header

type item struct {
	header
	body string
}

func regular(path, body string) item {
	return item{header{Name: path, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(body))}, body}
}

// pack makes a gzip layer and returns it with its diff ID.
func packLayer(t *testing.T, entries ...item) (blob []byte, diffID plimsoll.Digest) {
	t.Helper()
	var plain, packed bytes.Buffer
	w := tar.NewWriter(&plain)
	for _, e := range entries {
		if err := w.WriteHeader(&e.header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(plain.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes(), plimsoll.DigestOf(plain.Bytes())
}

// image adds an image of the layers to the source. claim changes the diff IDs the config names.
func (m *memory) image(t *testing.T, claim func([]plimsoll.Digest), layers ...[]item) plimsoll.Artifact {
	t.Helper()
	var diffIDs []plimsoll.Digest
	var wire []map[string]any
	for _, l := range layers {
		blob, diffID := packLayer(t, l...)
		m.blobs[plimsoll.DigestOf(blob)] = blob
		diffIDs = append(diffIDs, diffID)
		wire = append(wire, map[string]any{"mediaType": ociLayer, "digest": plimsoll.DigestOf(blob), "size": len(blob)})
	}
	if claim != nil {
		claim(diffIDs)
	}
	config := encode(t, map[string]any{"os": "linux", "architecture": "amd64", "config": map[string]any{"User": "1000", "Env": m.env},
		"rootfs": map[string]any{"type": "layers", "diff_ids": diffIDs}})
	m.blobs[plimsoll.DigestOf(config)] = config
	document := encode(t, map[string]any{"schemaVersion": 2, "mediaType": ociManifest, "layers": wire,
		"config": map[string]any{"mediaType": ociConfig, "digest": plimsoll.DigestOf(config), "size": len(config)}})
	m.manifests[plimsoll.DigestOf(document)] = document
	a, err := manifest.Parse(ociManifest, document, plimsoll.DefaultBudget())
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := manifest.ParseConfig(config, plimsoll.DefaultBudget())
	if err != nil {
		t.Fatal(err)
	}
	if a, err = manifest.WithConfig(a, manifest.Redactor(nil).Storable(parsed)); err != nil { // as intake stores it
		t.Fatal(err)
	}
	return a
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// yard is a store with one registry and a worker over a source.
type yard struct {
	store  *store.Store
	worker *scan.Worker
	reg    plimsoll.Registry
}

func newYard(t *testing.T, src *memory) *yard {
	t.Helper()
	s, err := sqlite.Inventory(t.Context(), filepath.Join(t.TempDir(), "plimsoll.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	advisories, err := sqlite.Advisories(t.Context(), filepath.Join(t.TempDir(), "advisories.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { advisories.Close() })
	analyzers, err := all.Analyzers(all.Config{})
	if err != nil {
		t.Fatal(err)
	}
	reg := plimsoll.Registry{Tenant: plimsoll.Tenant{ProjectID: "p", EnterpriseProject: "0"}, Name: "hub", URL: "https://hub.example.org", Kind: plimsoll.RegistryOther}
	if err := s.AddRegistry(t.Context(), &reg); err != nil {
		t.Fatal(err)
	}
	return &yard{store: s, reg: reg, worker: &scan.Worker{
		Store: s,
		Inspector: &scan.Inspector{Reports: s, Advisories: advisories, Analyzers: analyzers, Kinds: all.Kinds(),
			Budget: plimsoll.DefaultBudget(), Parallel: 2, Now: time.Now},
		Open: func(context.Context, plimsoll.Work) (scan.Source, bool, error) { return src, false, nil },
	}}
}

// push makes a tag point to an artifact.
func (y *yard) push(t *testing.T, tag string, artifacts ...plimsoll.Artifact) {
	t.Helper()
	err := y.store.ApplySync(t.Context(), y.reg, plimsoll.RepositoryChange{Repository: "team/app", Artifacts: artifacts,
		Tags: []plimsoll.TagSeen{{Tag: tag, Digest: artifacts[0].Digest}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
}

func (y *yard) scan(t *testing.T, a plimsoll.Artifact) error {
	t.Helper()
	return y.worker.Work(t.Context(), plimsoll.Work{Tenant: plimsoll.Tenant{ProjectID: "p", EnterpriseProject: "0"}, Kind: plimsoll.WorkScan, Key: string(a.Digest)})
}

func (y *yard) image(t *testing.T, tag string) plimsoll.Image {
	t.Helper()
	page, err := y.store.Images(t.Context(), plimsoll.ImageFilter{ProjectID: "p", Tag: tag})
	if err != nil || page.Total != 1 {
		t.Fatalf("%d images, %v", page.Total, err)
	}
	return page.Items[0]
}
