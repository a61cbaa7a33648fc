package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"plimsoll"
)

// cutting answers for one blob and ends each body after so many bytes.
type cutting struct {
	data  []byte
	cuts  []int // bytes of the n-th answer, -1 all; after the last one, all
	mode  string
	asked []string // Range headers
}

func (c *cutting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v2/" {
		return
	}
	n := len(c.asked)
	c.asked = append(c.asked, r.Header.Get("Range"))
	start, end := 0, len(c.data)-1
	w.Header().Set("ETag", `"v1"`)
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &start, &end); err == nil && c.mode != "no range" {
		if r.Header.Get("If-Range") != `"v1"` {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if c.mode == "wrong range" {
			start++
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", start, end, len(c.data)))
		if c.mode != "chunked" {
			w.Header().Set("Content-Length", strconv.Itoa(end-start+1))
		}
		w.WriteHeader(http.StatusPartialContent)
	} else {
		start = 0
		if c.mode != "chunked" {
			w.Header().Set("Content-Length", strconv.Itoa(len(c.data)))
		}
	}
	send := c.data[start:]
	if n < len(c.cuts) && c.cuts[n] >= 0 && c.cuts[n] < len(send) {
		send = send[:c.cuts[n]]
	}
	if c.mode == "chunked" {
		http.NewResponseController(w).Flush() //nolint:errcheck // or the server adds a length
	}
	w.Write(send) //nolint:errcheck // the client reports it
}

func readBlob(ctx context.Context, c *Client, d plimsoll.Descriptor) ([]byte, error) {
	r, err := c.Blob(ctx, "a", d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func TestBlobResumes(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	d := plimsoll.Descriptor{Digest: plimsoll.DigestOf(data), Size: int64(len(data))}
	last := len(data) - 1
	tests := []struct {
		name  string
		cuts  []int
		mode  string
		asked []string
	}{
		{"whole", nil, "", []string{""}},
		{"cut once", []int{5000}, "", []string{"", fmt.Sprintf("bytes=5000-%d", last)}},
		{"cut at once", []int{0}, "", []string{"", ""}},
		{"cut twice", []int{5000, 7}, "", []string{"", fmt.Sprintf("bytes=5000-%d", last), fmt.Sprintf("bytes=5007-%d", last)}},
		{"range ignored", []int{5000, 20_000}, "no range", []string{"", fmt.Sprintf("bytes=5000-%d", last), fmt.Sprintf("bytes=20000-%d", last)}},
		{"cut while skipping", []int{5000, 100}, "no range", []string{"", fmt.Sprintf("bytes=5000-%d", last), fmt.Sprintf("bytes=5000-%d", last)}},
		{"ends early without a length", []int{5000}, "chunked", []string{"", fmt.Sprintf("bytes=5000-%d", last)}},
	}
	for _, tt := range tests {
		h := &cutting{data: data, cuts: tt.cuts, mode: tt.mode}
		server := serve(t, h)
		c, clock := testClient(t, server.URL)
		got, err := readBlob(t.Context(), c, d)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes, %v", tt.name, len(got), err)
		}
		if fmt.Sprint(h.asked) != fmt.Sprint(tt.asked) {
			t.Errorf("%s: asked for %q, want %q", tt.name, h.asked, tt.asked)
		}
		if len(clock.slept) != len(tt.asked)-1 {
			t.Errorf("%s: waits %v", tt.name, clock.slept)
		}
	}
}

// Wherever bodies are cut, the bytes are the blob's or there is an error.
func TestBlobResumesAnywhere(t *testing.T) {
	data := []byte(strings.Repeat("layer ", 500))
	d := plimsoll.Descriptor{Digest: plimsoll.DigestOf(data), Size: int64(len(data))}
	h := &cutting{data: data}
	server := httptest.NewServer(h)
	defer server.Close()
	c, _ := testClient(t, server.URL)
	rapid.Check(t, func(t *rapid.T) {
		h.asked = nil
		h.cuts = rapid.SliceOfN(rapid.IntRange(0, len(data)), 0, maxWithoutProgress).Draw(t, "cuts")
		h.mode = rapid.SampledFrom([]string{"", "no range", "chunked"}).Draw(t, "mode")
		got, err := readBlob(context.Background(), c, d)
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	})
}

func TestBlobGivesUp(t *testing.T) {
	data := bytes.Repeat([]byte("x"), 1000)
	d := plimsoll.Descriptor{Digest: plimsoll.DigestOf(data), Size: int64(len(data))}
	cuts := make([]int, 100)
	for i := range cuts {
		cuts[i] = 1
	}
	h := &cutting{data: data, cuts: cuts}
	c, clock := testClient(t, serve(t, h).URL)
	_, err := readBlob(t.Context(), c, d)
	wantError(t, err, plimsoll.Unavailable, plimsoll.FailureDownload, "too often")
	if len(h.asked) != maxWithoutProgress+1 || len(clock.slept) != maxWithoutProgress {
		t.Errorf("asked %d times with %d waits", len(h.asked), len(clock.slept))
	}

	h = &cutting{data: data, cuts: cuts, mode: "wrong range"}
	c, _ = testClient(t, serve(t, h).URL)
	_, err = readBlob(t.Context(), c, d)
	wantError(t, err, plimsoll.Unavailable, plimsoll.FailureDownload, "asked for the bytes from 1 on")
}

func TestBlobRefusesOtherBytes(t *testing.T) {
	data := []byte("the bytes of a layer")
	right := plimsoll.Descriptor{Digest: plimsoll.DigestOf(data), Size: int64(len(data))}
	tests := []struct {
		name, mode string
		want       plimsoll.Descriptor
		text       string
	}{
		{"digest", "", plimsoll.Descriptor{Digest: plimsoll.DigestOf([]byte("x")), Size: right.Size}, "holds other bytes"},
		{"declared too long", "", plimsoll.Descriptor{Digest: right.Digest, Size: 5}, "the registry has 20 bytes, the manifest says 5"},
		{"declared too short", "", plimsoll.Descriptor{Digest: right.Digest, Size: 50}, "the registry has 20 bytes, the manifest says 50"},
		{"too long", "chunked", plimsoll.Descriptor{Digest: right.Digest, Size: 5}, "longer than the 5 bytes"},
		{"negative", "chunked", plimsoll.Descriptor{Digest: right.Digest, Size: -5}, "longer than"},
		{"no digest", "", plimsoll.Descriptor{Digest: "md5:1", Size: 5}, "not sha256"},
	}
	for _, tt := range tests {
		c, _ := testClient(t, serve(t, &cutting{data: data, mode: tt.mode}).URL)
		_, err := readBlob(t.Context(), c, tt.want)
		wantError(t, err, plimsoll.Invalid, plimsoll.FailureDownload, tt.text)
	}
}

func TestBlobStopsWithItsContext(t *testing.T) {
	data := bytes.Repeat([]byte("x"), 1<<20)
	c, clock := testClient(t, serve(t, &cutting{data: data, cuts: []int{1 << 19}}).URL)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := c.Blob(ctx, "a", plimsoll.Descriptor{Digest: plimsoll.DigestOf(data), Size: int64(len(data))})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err = io.Copy(io.Discard, r); !errors.Is(err, context.Canceled) || len(clock.slept) > 0 {
		t.Errorf("read on: %v after %v", err, clock.slept)
	}
}

// Object stores are reached by a signed address of another origin: without the credential, and again for the rest.
func TestBlobFromObjectStore(t *testing.T) {
	data := bytes.Repeat([]byte("x"), 1<<16)
	store := &cutting{data: data, cuts: []int{1000}}
	var leaked []string
	elsewhere := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaked = append(leaked, r.Header.Values("Authorization")...)
		store.ServeHTTP(w, r)
	}))
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, secret, _ := r.BasicAuth(); user != "reader" || secret != "hunter2" {
			w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, elsewhere.URL+"/blob?X-Amz-Signature=s1gned", http.StatusTemporaryRedirect)
	}))
	c, _ := testClient(t, server.URL, func(o *Options) {
		o.Credential = plimsoll.Credential{Username: "reader", Secret: "hunter2"}
	})
	got, err := readBlob(t.Context(), c, plimsoll.Descriptor{Digest: plimsoll.DigestOf(data), Size: int64(len(data))})
	if err != nil || !bytes.Equal(got, data) || len(store.asked) != 2 {
		t.Errorf("%d bytes in %d answers, %v", len(got), len(store.asked), err)
	}
	if len(leaked) > 0 {
		t.Errorf("the object store saw %q", leaked)
	}
	elsewhere.CloseClientConnections()
	elsewhere.Close()
	_, err = readBlob(t.Context(), c, plimsoll.Descriptor{Digest: plimsoll.DigestOf(data), Size: int64(len(data))})
	wantError(t, err, plimsoll.Unavailable, plimsoll.FailureDownload, "reading blob", "s1gned", "hunter2", "Signature")
}

func TestBlobOfRealRegistryResumes(t *testing.T) {
	real := realRegistry(t)
	cut := true
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cut && r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
			cut = false
			w = &shortWriter{ResponseWriter: w, left: 3000}
		}
		real.ServeHTTP(w, r)
	}))
	img := pushImage(t, server, "a:1", 1<<16)
	d, want := layerOf(t, img)
	c, _ := testClient(t, server.URL)
	got, err := readBlob(t.Context(), c, d)
	if err != nil || !bytes.Equal(got, want) || cut {
		t.Errorf("%d of %d bytes, %v", len(got), len(want), err)
	}
}

// shortWriter swallows what comes after the first bytes, so that the server cuts the connection.
type shortWriter struct {
	http.ResponseWriter
	left int
}

func (w *shortWriter) Write(p []byte) (int, error) {
	n := min(len(p), w.left)
	w.left -= n
	if _, err := w.ResponseWriter.Write(p[:n]); err != nil || n < len(p) {
		return n, io.ErrShortWrite
	}
	return n, nil
}
