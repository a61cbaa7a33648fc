package scan_test

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"plimsoll"
	"plimsoll/scan"
)

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
	a := src.image(t, nil, []item{regular("etc/os-release", release), regular("var/lib/dpkg/status", stanza("bash"))})
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
