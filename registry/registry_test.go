package registry

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"plimsoll"
)

// fakeTime is a clock that only sleeping moves.
type fakeTime struct {
	mu    sync.Mutex
	at    time.Time
	slept []time.Duration
}

func newFakeTime() *fakeTime {
	return &fakeTime{at: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
}

func (f *fakeTime) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at
}

func (f *fakeTime) sleep(ctx context.Context, d time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = f.at.Add(d)
	f.slept = append(f.slept, d)
	return ctx.Err()
}

func (f *fakeTime) clock() *clock { return &clock{now: f.now, sleep: f.sleep} }

// testClient makes a client of server with a fake clock.
func testClient(t *testing.T, url string, change ...func(*Options)) (*Client, *fakeTime) {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	o := Options{URL: url, Transport: transport, Budget: plimsoll.DefaultBudget()}
	for _, f := range change {
		f(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	f := newFakeTime()
	*c.clock = *f.clock()
	return c, f
}

// serve answers with h until the test ends.
func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// realRegistry is an in-process registry with its blobs on disk.
func realRegistry(t *testing.T) http.Handler {
	t.Helper()
	return ggcr.New(
		ggcr.WithBlobHandler(ggcr.NewDiskBlobHandler(t.TempDir())),
		ggcr.WithReferrersSupport(true),
		ggcr.Logger(log.New(io.Discard, "", 0)),
	)
}

// pushImage puts a random image of one layer under repository:tag.
func pushImage(t *testing.T, server *httptest.Server, reference string, size int64) v1.Image {
	t.Helper()
	img, err := random.Image(size, 1)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(strings.TrimPrefix(server.URL, "http://") + "/" + reference)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
	return img
}

// layerOf returns the descriptor and bytes of the first layer of img.
func layerOf(t *testing.T, img v1.Image) (plimsoll.Descriptor, []byte) {
	t.Helper()
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	r, err := layers[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plimsoll.Descriptor{Digest: plimsoll.DigestOf(raw), Size: int64(len(raw))}, raw
}

// wantError checks code, failure and what the text must and must not hold.
func wantError(t *testing.T, err error, code plimsoll.Code, failure plimsoll.FailureCode, text string, never ...string) {
	t.Helper()
	if err == nil || plimsoll.ErrorCode(err) != code || plimsoll.FailureOf(err) != failure {
		t.Errorf("error %v with code %q and failure %q, want %q and %q", err, plimsoll.ErrorCode(err), plimsoll.FailureOf(err), code, failure)
		return
	}
	whole := err.Error() + " " + plimsoll.ErrorHint(err)
	if !strings.Contains(whole, text) {
		t.Errorf("error %q lacks %q", whole, text)
	}
	for _, s := range never {
		if strings.Contains(whole, s) {
			t.Errorf("error %q contains %q", whole, s)
		}
	}
}
