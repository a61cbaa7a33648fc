// Package apptest makes images and registries for tests of the use cases and commands: honest ones, and ones that lie.
package apptest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"plimsoll"
)

// Media types of the OCI image specification.
const (
	OCIManifest = "application/vnd.oci.image.manifest.v1+json"
	OCIIndex    = "application/vnd.oci.image.index.v1+json"
	OCIConfig   = "application/vnd.oci.image.config.v1+json"
	OCILayer    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// Registry is a registry in this process that serves whatever a test put into it, true or not.
type Registry struct {
	*httptest.Server

	mu      sync.Mutex
	blobs   map[string][]byte   // by digest
	tags    map[string]string   // "repository:tag" → digest
	docs    map[string]Document // by digest
	instead map[string]http.HandlerFunc
	asked   []string
}

// Document is a manifest as it is served.
type Document struct {
	MediaType string
	Raw       []byte
}

// NewRegistry starts an empty registry, which ends with the test.
func NewRegistry(t *testing.T) *Registry {
	t.Helper()
	e := &Registry{blobs: map[string][]byte{}, tags: map[string]string{}, docs: map[string]Document{}, instead: map[string]http.HandlerFunc{}}
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Close)
	return e
}

// Host is the host:port of the registry.
func (e *Registry) Host() string { return strings.TrimPrefix(e.URL, "http://") }

// Since returns the requests since the last call.
func (e *Registry) Since() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	asked := e.asked
	e.asked = nil
	return asked
}

// Fetched counts requests for the bytes of a blob among those asked.
func Fetched(asked []string, d plimsoll.Digest) int {
	n := 0
	for _, a := range asked {
		if strings.HasPrefix(a, "GET ") && strings.HasSuffix(a, "/blobs/"+string(d)) {
			n++
		}
	}
	return n
}

func (e *Registry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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

func (e *Registry) catalog(w http.ResponseWriter) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var names []string
	for tag := range e.tags {
		name, _, _ := strings.Cut(tag, ":")
		names = append(names, name)
	}
	slices.Sort(names)
	json.NewEncoder(w).Encode(map[string]any{"repositories": slices.Compact(names)}) //nolint:errcheck // the client reports it
}

func (e *Registry) list(w http.ResponseWriter, repository string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var tags []string
	for key := range e.tags {
		if name, tag, _ := strings.Cut(key, ":"); name == repository {
			tags = append(tags, tag)
		}
	}
	json.NewEncoder(w).Encode(map[string]any{"name": repository, "tags": tags}) //nolint:errcheck // the client reports it
}

func (e *Registry) manifest(w http.ResponseWriter, r *http.Request, repository, reference string) {
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
	w.Header().Set("Content-Type", d.MediaType)
	w.Header().Set("Docker-Content-Digest", digest)
	w.Header().Set("Content-Length", strconv.Itoa(len(d.Raw)))
	if r.Method == http.MethodGet {
		w.Write(d.Raw) //nolint:errcheck // the client reports it
	}
}

func (e *Registry) blob(w http.ResponseWriter, r *http.Request, digest string) {
	e.mu.Lock()
	body, ok := e.blobs[digest]
	e.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body) //nolint:errcheck // the client reports it
}

// Put stores a blob and returns its descriptor.
func (e *Registry) Put(mediaType string, body []byte) plimsoll.Descriptor {
	d := plimsoll.Descriptor{MediaType: mediaType, Digest: plimsoll.DigestOf(body), Size: int64(len(body))}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.blobs[string(d.Digest)] = body
	return d
}

// Answer replaces the answer for a path.
func (e *Registry) Answer(path string, h http.HandlerFunc) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.instead[path] = h
}

// Tag makes a tag point to a document, by a digest that need not be its own.
func (e *Registry) Tag(repository, tag string, digest plimsoll.Digest, d Document) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tags[repository+":"+tag] = string(digest)
	e.docs[string(digest)] = d
}

// Retag renames a tag of a repository.
func (e *Registry) Retag(repository, from, to string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tags[repository+":"+to] = e.tags[repository+":"+from]
	delete(e.tags, repository+":"+from)
}

// Blobs lists the digests of all stored blobs.
func (e *Registry) Blobs() []plimsoll.Digest {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []plimsoll.Digest
	for d := range e.blobs {
		out = append(out, plimsoll.Digest(d))
	}
	return out
}

// Manifest is the JSON of the manifest of an image or index.
type Manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        *Descriptor  `json:"config,omitempty"`
	Layers        []Descriptor `json:"layers,omitempty"`
	Manifests     []Descriptor `json:"manifests,omitempty"`
}

// Descriptor is the JSON of a descriptor in a manifest.
type Descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

// Describe converts a descriptor for a manifest.
func Describe(d plimsoll.Descriptor) Descriptor {
	return Descriptor{MediaType: d.MediaType, Digest: string(d.Digest), Size: d.Size}
}

// Push makes an image of layers whose config claims the diff IDs, after edit changed its manifest.
func (e *Registry) Push(t *testing.T, repository string, layers [][]byte, diffIDs []plimsoll.Digest, edit func(*Manifest)) plimsoll.Digest {
	t.Helper()
	config, err := json.Marshal(map[string]any{
		"os": "linux", "architecture": "amd64", "config": map[string]any{"User": "1000", "Labels": map[string]string{"of": repository}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": diffIDs},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := Describe(e.Put(OCIConfig, config))
	m := Manifest{SchemaVersion: 2, MediaType: OCIManifest, Config: &c}
	for _, l := range layers {
		m.Layers = append(m.Layers, Describe(e.Put(OCILayer, l)))
	}
	if edit != nil {
		edit(&m)
	}
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	digest := plimsoll.DigestOf(raw)
	e.Tag(repository, "1", digest, Document{m.MediaType, raw})
	return digest
}

// PushLayer pushes an honest image of one layer.
func (e *Registry) PushLayer(t *testing.T, repository string, plain []byte) plimsoll.Digest {
	t.Helper()
	return e.Push(t, repository, [][]byte{Gzip(t, plain)}, []plimsoll.Digest{plimsoll.DigestOf(plain)}, nil)
}
