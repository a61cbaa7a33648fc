package scan_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"

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
		Inspector: &scan.Inspector{Reports: s, Advisories: advisories, Analyzers: analyzers, Checks: all.Checks(),
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

const release = "ID=debian\nVERSION_ID=\"12\"\n"

func stanza(name string) string {
	return "Package: " + name + "\nStatus: install ok installed\nVersion: 1.0-1\nArchitecture: amd64\nMaintainer: A <a@example.org>\nDescription: d\n\n"
}

func TestRescanReadsNoBlob(t *testing.T) {
	src := newMemory()
	y := newYard(t, src)
	a := src.image(t, nil, []item{regular("etc/os-release", release), regular("var/lib/dpkg/status", stanza("bash"))}, []item{regular("srv/app", "x")})
	y.push(t, "1", a)
	for range 2 {
		if err := y.scan(t, a); err != nil {
			t.Fatal(err)
		}
	}
	if n := src.readsOf(a.Layers); n != len(a.Layers) {
		t.Errorf("two scans read %d blobs of %d layers", n, len(a.Layers))
	}
	if img := y.image(t, "1"); img.State != plimsoll.ScanDone || img.Counts == nil || img.ScannedAt.IsZero() {
		t.Errorf("%+v", img)
	}
}

// TestScansAtOnceShareLayers has twenty images of one base scanned at the same time.
func TestScansAtOnceShareLayers(t *testing.T) {
	src := newMemory()
	y := newYard(t, src)
	var images []plimsoll.Artifact
	distinct := map[plimsoll.Digest]bool{}
	for i := range 20 {
		a := src.image(t, nil,
			[]item{regular("etc/os-release", release), regular("var/lib/dpkg/status", stanza("bash")+stanza("openssl"))},
			[]item{regular("usr/lib/shared", strings.Repeat("shared", 1000))},
			[]item{regular("srv/app", fmt.Sprint("app ", i/2))}) // every other one is of two images
		y.push(t, fmt.Sprint(i), a)
		images = append(images, a)
		for _, l := range a.Layers {
			distinct[l.Digest] = true
		}
	}
	var group errgroup.Group
	for _, a := range images {
		group.Go(func() error { return y.scan(t, a) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for d := range distinct {
		if n := src.reads[d]; n != 1 {
			t.Errorf("blob %s was read %d times", d.Short(), n)
		}
	}
	if len(distinct) != 12 {
		t.Errorf("%d distinct blobs", len(distinct))
	}
}

// TestAFailureIsNotShared has the scan that reads a layer given up while another waits for it.
func TestAFailureIsNotShared(t *testing.T) {
	src := newMemory()
	y := newYard(t, src)
	a := src.image(t, nil, []item{regular("etc/os-release", release)})
	y.push(t, "1", a)
	gone, cancel := context.WithCancel(t.Context())
	begun := make(chan struct{})
	pass := y.worker.Inspector.Pass
	var first sync.Once
	y.worker.Inspector.Pass = func(ctx context.Context, r io.Reader, req scan.PassRequest) (scan.PassResult, error) {
		given := false
		first.Do(func() { given = true })
		if given {
			close(begun)
			<-ctx.Done()
			return scan.PassResult{}, ctx.Err()
		}
		if pass != nil {
			return pass(ctx, r, req)
		}
		return scan.Pass(ctx, r, req)
	}
	var group errgroup.Group
	group.Go(func() error {
		_, err := y.worker.Inspector.Inspect(gone, scan.Target{Artifact: a}, src)
		if !errors.Is(err, context.Canceled) {
			return fmt.Errorf("given up, but %w", err)
		}
		return nil
	})
	<-begun
	group.Go(func() error {
		_, err := y.worker.Inspector.Inspect(t.Context(), scan.Target{Artifact: a}, src)
		return err
	})
	cancel()
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

func TestClaimedDiffIDFails(t *testing.T) {
	src := newMemory()
	y := newYard(t, src)
	a := src.image(t, func(d []plimsoll.Digest) { d[0] = plimsoll.DigestOf([]byte("somebody else's layer")) }, []item{regular("a", "b")})
	y.push(t, "1", a)
	if err := y.scan(t, a); plimsoll.FailureOf(err) != plimsoll.FailureDownload || !strings.Contains(err.Error(), "diff ID") {
		t.Errorf("%v", err)
	}
	if img := y.image(t, "1"); img.State != plimsoll.ScanUnreachable || img.Counts != nil {
		t.Errorf("%+v", img)
	}
}

// A blob that was changed on the way is a failed download, even where the change keeps it
// from being unpacked and so is noticed before the digest.
func TestChangedBlobIsAFailedDownload(t *testing.T) {
	src := newMemory()
	y := newYard(t, src)
	a := src.image(t, nil, []item{regular("a", "b")})
	y.push(t, "1", a)
	blob := src.blobs[a.Layers[0].Digest]
	blob[len(blob)-1] ^= 1
	if err := y.scan(t, a); plimsoll.FailureOf(err) != plimsoll.FailureDownload || !strings.Contains(err.Error(), "holds other bytes") {
		t.Errorf("%v", err)
	}
}

func TestWhatCouldNotBeReadIsNotCalledClean(t *testing.T) {
	src := newMemory()
	y := newYard(t, src)
	broken := strings.Repeat("\x00 not a package database\n", 3)
	a := src.image(t, nil, []item{regular("etc/os-release", release), regular("var/lib/dpkg/status", broken)})
	y.push(t, "1", a)
	if err := y.scan(t, a); plimsoll.FailureOf(err) != plimsoll.FailurePackages {
		t.Errorf("%v", err)
	}
	img := y.image(t, "1")
	if img.State != plimsoll.ScanFailed || img.Failure != plimsoll.FailurePackages {
		t.Errorf("state %s, failure %s", img.State, img.Failure)
	}
	if no := false; len(mustImages(t, y, plimsoll.ImageFilter{ProjectID: "p", HasVulnerability: &no})) != 0 {
		t.Error("an image whose packages could not be read counts as judged and clean")
	}
}

func mustImages(t *testing.T, y *yard, f plimsoll.ImageFilter) []plimsoll.Image {
	t.Helper()
	page, err := y.store.Images(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return page.Items
}

func TestOnePlatformFailsTheOthersAreScanned(t *testing.T) {
	src := newMemory()
	y := newYard(t, src)
	good := src.image(t, nil, []item{regular("etc/os-release", release), regular("var/lib/dpkg/status", stanza("bash"))})
	bad := src.image(t, func(d []plimsoll.Digest) { d[0] = plimsoll.DigestOf(nil) }, []item{regular("a", "b")})
	index := plimsoll.Artifact{Digest: plimsoll.DigestOf([]byte("index")), Kind: plimsoll.KindIndex, MediaType: "application/vnd.oci.image.index.v1+json"}
	for _, a := range []plimsoll.Artifact{bad, good} {
		index.Children = append(index.Children, plimsoll.Child{Platform: a.Platform,
			Descriptor: plimsoll.Descriptor{MediaType: ociManifest, Digest: a.Digest, Size: 1}})
	}
	y.push(t, "1", index, bad, good)
	if err := y.scan(t, index); plimsoll.FailureOf(err) != plimsoll.FailureDownload {
		t.Errorf("%v", err)
	}
	img := y.image(t, "1")
	var states []plimsoll.ScanState
	for _, p := range img.Platforms {
		states = append(states, p.State)
	}
	if len(states) != 2 || states[0] != plimsoll.ScanUnreachable || states[1] != plimsoll.ScanDone || img.State != plimsoll.ScanUnreachable {
		t.Errorf("members %v, index %s", states, img.State)
	}
}

func TestHardLinkToAnEarlierFileIsReadOnceMore(t *testing.T) {
	src := newMemory()
	y := newYard(t, src)
	link := item{header{Name: "var/lib/dpkg/status", Typeflag: tar.TypeLink, Linkname: "stash/packages", Mode: 0o644}, ""}
	a := src.image(t, nil, []item{regular("etc/os-release", release), regular("stash/packages", stanza("bash")), link})
	y.push(t, "1", a)
	if err := y.scan(t, a); err != nil {
		t.Fatal(err)
	}
	if n := src.readsOf(a.Layers); n != 2 {
		t.Errorf("%d reads", n)
	}
	sets, err := y.store.ArtifactSets(t.Context(), plimsoll.Tenant{ProjectID: "p", EnterpriseProject: "0"}, a.Digest)
	if err != nil || len(sets) != 1 || len(sets[0].Packages) != 1 || sets[0].Packages[0].Ecosystem != "Debian:12" {
		t.Errorf("%+v, %v", sets, err)
	}
}

func TestScanOfAnArtifactThatIsGoneEndsQuietly(t *testing.T) {
	src := newMemory()
	y := newYard(t, src)
	if err := y.scan(t, plimsoll.Artifact{Digest: plimsoll.DigestOf([]byte("gone"))}); err != nil {
		t.Error(err)
	}
}
