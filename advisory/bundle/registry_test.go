package bundle

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"plimsoll"
	"plimsoll/outbound"
)

// TestRegistry pushes a bundle and pulls it again, with credentials that the registry asks for.
func TestRegistry(t *testing.T) {
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, secret, ok := r.BasicAuth(); !ok || user != "ci" || secret != "secret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	defer server.Close()
	host := server.Listener.Addr().String()
	transport := outbound.Policy{Allow: []string{host}}.Transport()
	defer transport.CloseIdleConnections()
	r := Registry{Transport: transport, Credential: plimsoll.Credential{Username: "ci", Secret: "secret"}, PlainHTTP: true}
	dir := t.TempDir()
	raw := writeBundle(t, filledStore(t), nil)
	if err := os.WriteFile(filepath.Join(dir, "a"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	pushed, err := r.Push(t.Context(), filepath.Join(dir, "a"), host+"/security/advisories:latest")
	if err != nil {
		t.Fatal(err)
	}
	pulled, err := r.Pull(t.Context(), host+"/security/advisories:latest", filepath.Join(dir, "b"))
	if err != nil || pulled != pushed {
		t.Fatalf("pushed %s, pulled %s, %v", pushed, pulled, err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "b")); err != nil || !bytes.Equal(got, raw) || !IsBundle(filepath.Join(dir, "b")) {
		t.Errorf("%d bytes of %d, %v", len(got), len(raw), err)
	}
	if _, err := r.Pull(t.Context(), host+"/security/advisories:latest", filepath.Join(dir, "b")); plimsoll.ErrorCode(err) != plimsoll.Invalid {
		t.Errorf("over another file: %v", err)
	}
	r.Credential.Secret = "wrong"
	if _, err := r.Pull(t.Context(), host+"/security/advisories:latest", filepath.Join(dir, "c")); plimsoll.ErrorCode(err) != plimsoll.Unavailable {
		t.Errorf("without the secret: %v", err)
	}
	if _, err := (Registry{Transport: outbound.Policy{}.Transport(), PlainHTTP: true}).Pull(t.Context(), host+"/a/b:c", filepath.Join(dir, "d")); plimsoll.ErrorCode(err) != plimsoll.Forbidden {
		t.Errorf("an address that is not allowed: %v", err)
	}
	if _, err := r.Pull(t.Context(), "advisories", "x"); plimsoll.ErrorCode(err) != plimsoll.Invalid {
		t.Errorf("no reference: %v", err)
	}
}
