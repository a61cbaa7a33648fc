package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"plimsoll"
)

const (
	ociManifest = "application/vnd.oci.image.manifest.v1+json"
	ociIndex    = "application/vnd.oci.image.index.v1+json"
	ociConfig   = "application/vnd.oci.image.config.v1+json"
	ociLayer    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// evil is a registry in this process that serves whatever a test put into it, true or not.
type evil struct {
	*httptest.Server

	mu      sync.Mutex
	blobs   map[string][]byte // by digest
	tags    map[string]string // "repository:tag" → digest
	docs    map[string]doc    // by digest
	instead map[string]http.HandlerFunc
	asked   []string
}

// doc is a manifest as it is served.
type doc struct {
	mediaType string
	raw       []byte
}

func newEvil(t *testing.T) *evil {
	t.Helper()
	e := &evil{blobs: map[string][]byte{}, tags: map[string]string{}, docs: map[string]doc{}, instead: map[string]http.HandlerFunc{}}
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Close)
	return e
}

func (e *evil) host() string { return strings.TrimPrefix(e.URL, "http://") }

// since returns the requests since the last call.
func (e *evil) since() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	asked := e.asked
	e.asked = nil
	return asked
}

// fetched counts requests for the bytes of a blob among those asked.
func fetched(asked []string, d plimsoll.Digest) int {
	n := 0
	for _, a := range asked {
		if strings.HasPrefix(a, "GET ") && strings.HasSuffix(a, "/blobs/"+string(d)) {
			n++
		}
	}
	return n
}

func (e *evil) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	e.asked = append(e.asked, r.Method+" "+r.URL.Path)
	instead := e.instead[r.URL.Path]
	e.mu.Unlock()
	rest := strings.TrimPrefix(r.URL.Path, "/v2/")
	switch {
	case instead != nil:
		instead(w, r)
	case rest == "":
		w.WriteHeader(http.StatusOK)
	case rest == "_catalog":
		e.catalog(w)
	case strings.HasSuffix(rest, "/tags/list"):
		e.list(w, strings.TrimSuffix(rest, "/tags/list"))
	case strings.Contains(rest, "/manifests/"):
		repository, reference, _ := strings.Cut(rest, "/manifests/")
		e.manifest(w, r, repository, reference)
	case strings.Contains(rest, "/blobs/"):
		_, digest, _ := strings.Cut(rest, "/blobs/")
		e.blob(w, r, digest)
	default:
		http.NotFound(w, r)
	}
}

func (e *evil) catalog(w http.ResponseWriter) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var names []string
	for tag := range e.tags {
		name, _, _ := strings.Cut(tag, ":")
		names = append(names, name)
	}
	slices.Sort(names)
	json.NewEncoder(w).Encode(map[string]any{"repositories": slices.Compact(names)}) //nolint:errcheck // the client tells
}

func (e *evil) list(w http.ResponseWriter, repository string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var tags []string
	for key := range e.tags {
		if name, tag, _ := strings.Cut(key, ":"); name == repository {
			tags = append(tags, tag)
		}
	}
	json.NewEncoder(w).Encode(map[string]any{"name": repository, "tags": tags}) //nolint:errcheck // the client tells
}

func (e *evil) manifest(w http.ResponseWriter, r *http.Request, repository, reference string) {
	e.mu.Lock()
	digest, ok := e.tags[repository+":"+reference]
	if !ok {
		digest = reference
	}
	d, ok := e.docs[digest]
	e.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", d.mediaType)
	w.Header().Set("Docker-Content-Digest", digest)
	w.Header().Set("Content-Length", strconv.Itoa(len(d.raw)))
	if r.Method == http.MethodGet {
		w.Write(d.raw) //nolint:errcheck // the client tells
	}
}

func (e *evil) blob(w http.ResponseWriter, r *http.Request, digest string) {
	e.mu.Lock()
	body, ok := e.blobs[digest]
	e.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body) //nolint:errcheck // the client tells
}

// put stores a blob and returns what describes it.
func (e *evil) put(mediaType string, body []byte) plimsoll.Descriptor {
	d := plimsoll.Descriptor{MediaType: mediaType, Digest: plimsoll.DigestOf(body), Size: int64(len(body))}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.blobs[string(d.Digest)] = body
	return d
}

// answer replaces the answer about a path.
func (e *evil) answer(path string, h http.HandlerFunc) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.instead[path] = h
}

// tag makes a tag point to a document, by a digest that need not be its own.
func (e *evil) tag(repository, tag string, digest plimsoll.Digest, d doc) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tags[repository+":"+tag] = string(digest)
	e.docs[string(digest)] = d
}

// pushedManifest is the JSON of an image's manifest.
type pushedManifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        *descriptor  `json:"config,omitempty"`
	Layers        []descriptor `json:"layers,omitempty"`
	Manifests     []descriptor `json:"manifests,omitempty"`
}

type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

func described(d plimsoll.Descriptor) descriptor {
	return descriptor{MediaType: d.MediaType, Digest: string(d.Digest), Size: d.Size}
}

// push makes an image of layers whose config claims the diff IDs, after edit changed its manifest.
func (e *evil) push(t *testing.T, repository string, layers [][]byte, diffIDs []plimsoll.Digest, edit func(*pushedManifest)) plimsoll.Digest {
	t.Helper()
	config, err := json.Marshal(map[string]any{
		"os": "linux", "architecture": "amd64", "config": map[string]any{"User": "1000", "Labels": map[string]string{"of": repository}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": diffIDs},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := described(e.put(ociConfig, config))
	m := pushedManifest{SchemaVersion: 2, MediaType: ociManifest, Config: &c}
	for _, l := range layers {
		m.Layers = append(m.Layers, described(e.put(ociLayer, l)))
	}
	if edit != nil {
		edit(&m)
	}
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	digest := plimsoll.DigestOf(raw)
	e.tag(repository, "1", digest, doc{m.MediaType, raw})
	return digest
}

// pushLayer pushes an honest image of one layer.
func (e *evil) pushLayer(t *testing.T, repository string, plain []byte) plimsoll.Digest {
	t.Helper()
	return e.push(t, repository, [][]byte{zipped(t, plain)}, []plimsoll.Digest{plimsoll.DigestOf(plain)}, nil)
}

// tarOf packs headers; a regular file's content is its PAX-free body.
func tarOf(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, h := range headers {
		body := h.Uname // the name of a user is a place for content that no reader looks at
		h.Uname = ""
		h.Size = int64(len(body))
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// regular is a header of tarOf with its content.
func regular(path, body string) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: path, Uname: body}
}

func link(kind byte, path, target string) tar.Header {
	return tar.Header{Typeflag: kind, Name: path, Linkname: target}
}

func zipped(t *testing.T, plain []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, err := w.Write(plain)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func zstded(t *testing.T, plain []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(plain, nil)
}

// untouched is the port of an address that must not be asked.
func untouched(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("an address that is not allowed was asked: %s %s", r.Host, r.URL.Path)
	}))
	s.Listener.Close() //nolint:errcheck,gosec // replaced before it was used
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// leftovers lists files in dir, and files of it that are unlinked but still open in this process.
func leftovers(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() { // each idle child has an empty directory
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return out // not Linux
	}
	for _, fd := range open {
		if target, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.HasPrefix(target, dir) {
			out = append(out, fmt.Sprintf("%s (open)", target))
		}
	}
	return out
}
