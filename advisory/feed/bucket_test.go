package feed

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"plimsoll/outbound"
	"plimsoll/store/advisories"
	"plimsoll/store/sqlite"
)

// bucket is an upstream whose files tests change.
type bucket struct {
	*httptest.Server

	mu    sync.Mutex
	files map[string][]byte
	times map[string]string // Last-Modified
	asked []string          // paths, with " 304" where nothing was sent
	serve http.HandlerFunc
}

func newBucket(t *testing.T) *bucket {
	t.Helper()
	b := &bucket{files: map[string][]byte{}}
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	serve := b.serve
	b.mu.Unlock()
	if serve != nil {
		serve(w, r)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	content, ok := b.files[r.URL.Path]
	if !ok {
		b.asked = append(b.asked, r.URL.Path+" 404")
		http.NotFound(w, r)
		return
	}
	etag := fmt.Sprintf(`"%x"`, sha256.Sum256(content))
	w.Header().Set("ETag", etag)
	if at := b.times[r.URL.Path]; at != "" {
		w.Header().Set("Last-Modified", at)
	}
	if r.Header.Get("If-None-Match") == etag {
		b.asked = append(b.asked, r.URL.Path+" 304")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	b.asked = append(b.asked, r.URL.Path)
	w.Write(content) //nolint:errcheck // the client reports it
}

func (b *bucket) put(path string, content []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.files[path] = content
}

// requests returns what was asked since the last call, sorted.
func (b *bucket) requests() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := slices.Sorted(slices.Values(b.asked))
	b.asked = nil
	return out
}

// clock is a time that tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

type rig struct {
	*Updater
	db    *advisories.Store
	clock *clock
}

// newRig is an updater over a real store that may reach the given servers only.
func newRig(t *testing.T, servers ...*bucket) *rig {
	t.Helper()
	db, err := sqlite.Advisories(t.Context(), filepath.Join(t.TempDir(), "advisories.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	var policy outbound.Policy
	for _, s := range servers {
		policy.Allow = append(policy.Allow, s.Listener.Addr().String())
	}
	c := &clock{at: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)}
	client := policy.Client()
	t.Cleanup(client.CloseIdleConnections)
	return &rig{db: db, clock: c, Updater: &Updater{
		Store: db, Remote: &Remote{Client: client, Stall: 10 * time.Second}, Dir: t.TempDir(), Now: c.now,
		Logger: slog.New(slog.DiscardHandler),
	}}
}

func (r *rig) revision(t *testing.T) int {
	t.Helper()
	n, err := r.db.Revision(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

func record(id, fixed string) []byte {
	return fmt.Appendf(nil, `{"id":%q,"modified":"2026-01-02T03:04:05Z","affected":[{"package":{"ecosystem":"Debian:12","name":"openssl"},
		"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":%q}]}]}]}`, id, fixed)
}

func zipOf(t testing.TB, records map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, id := range slices.Sorted(maps.Keys(records)) {
		f, err := w.Create(id + ".json")
		if err == nil {
			_, err = io.Copy(f, bytes.NewReader(records[id]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
