package registry

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"plimsoll"
	"plimsoll/manifest"
)

func TestNewRefuses(t *testing.T) {
	tests := map[string]func(*Options){
		"not a URL":     func(o *Options) { o.URL = "http://a b/%zz" },
		"no scheme":     func(o *Options) { o.URL = "registry.test" },
		"ftp":           func(o *Options) { o.URL = "ftp://registry.test" },
		"opaque":        func(o *Options) { o.URL = "https:registry.test" },
		"user":          func(o *Options) { o.URL = "https://u:hunter2@registry.test" },
		"path":          func(o *Options) { o.URL = "https://registry.test/v2/" },
		"query":         func(o *Options) { o.URL = "https://registry.test?a" },
		"fragment":      func(o *Options) { o.URL = "https://registry.test#a" },
		"no host":       func(o *Options) { o.URL = "https://:443" },
		"port":          func(o *Options) { o.URL = "https://registry.test:99999" },
		"empty port":    func(o *Options) { o.URL = "https://registry.test:" },
		"no transport":  func(o *Options) { o.Transport = nil },
		"no budget":     func(o *Options) { o.Budget = plimsoll.Budget{} },
		"secret alone":  func(o *Options) { o.Credential.Secret = "hunter2" },
		"colon in name": func(o *Options) { o.Credential.Username = "a:b" },
		"auth host":     func(o *Options) { o.AuthHosts = []string{"auth.test"} },
	}
	for what, change := range tests {
		o := Options{URL: "https://registry.test", Transport: http.DefaultTransport, Budget: plimsoll.DefaultBudget()}
		if _, err := New(o); err != nil {
			t.Fatal(err)
		}
		change(&o)
		if _, err := New(o); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := New(Options{URL: "http://[::1]:5000/", Transport: http.DefaultTransport, Budget: plimsoll.DefaultBudget()}); err != nil {
		t.Error(err)
	}
}

// TestReadRealRegistry sends every request of a sync and a scan to a real registry.
func TestReadRealRegistry(t *testing.T) {
	server := serve(t, realRegistry(t))
	img := pushImage(t, server, "library/nginx:1.27", 1<<16)
	pushImage(t, server, "library/nginx:latest", 1<<10)
	pushImage(t, server, "team/deep/app:v1", 1<<10)
	c, _ := testClient(t, server.URL)
	ctx := t.Context()

	if host, err := c.Ping(ctx); host != "" || err != nil {
		t.Errorf("Ping: %q, %v", host, err)
	}
	repositories, err := c.Repositories(ctx)
	slices.Sort(repositories) // the registry used here lists them as they come
	if diff := cmp.Diff([]string{"library/nginx", "team/deep/app"}, repositories); diff != "" || err != nil {
		t.Errorf("Repositories: %v (-want +got)\n%s", err, diff)
	}
	tags, err := c.Tags(ctx, "library/nginx")
	if diff := cmp.Diff([]plimsoll.TagSeen{{Tag: "1.27"}, {Tag: "latest"}}, tags); diff != "" || err != nil {
		t.Errorf("Tags: %v (-want +got)\n%s", err, diff)
	}

	d, err := c.Resolve(ctx, "library/nginx", "1.27")
	if err != nil {
		t.Fatal(err)
	}
	want, _ := img.Digest()
	size, _ := img.Size()
	kind, _ := img.MediaType()
	if diff := cmp.Diff(plimsoll.Descriptor{MediaType: string(kind), Digest: plimsoll.Digest(want.String()), Size: size}, d); diff != "" {
		t.Errorf("Resolve (-want +got)\n%s", diff)
	}

	declared, raw, err := c.Manifest(ctx, "library/nginx", d.Digest)
	if err != nil {
		t.Fatal(err)
	}
	artifact, err := manifest.Parse(declared, raw, plimsoll.DefaultBudget())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range append(artifact.Layers, plimsoll.Layer{Descriptor: artifact.Config}) {
		r, err := c.Blob(ctx, "library/nginx", l.Descriptor)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || int64(len(got)) != l.Size {
			t.Errorf("blob %s: %d of %d bytes, %v", l.Digest.Short(), len(got), l.Size, err)
		}
		r.Close()
	}

	_, err = c.Resolve(ctx, "library/nginx", "none")
	wantError(t, err, plimsoll.NotFound, plimsoll.FailureNotFound, "library/nginx:none")
	_, err = c.Resolve(ctx, "library/nginx", "../../secret")
	wantError(t, err, plimsoll.Invalid, plimsoll.FailureNotFound, "neither a tag nor a digest")
	_, err = c.Tags(ctx, "library/../nginx")
	wantError(t, err, plimsoll.Invalid, plimsoll.FailureNotFound, "not the name")
	_, _, err = c.Manifest(ctx, "library/nginx", plimsoll.DigestOf([]byte("other")))
	wantError(t, err, plimsoll.NotFound, plimsoll.FailureNotFound, "library/nginx@sha256:")
}

func TestReferrers(t *testing.T) {
	for _, how := range []string{"api", "tag", "html"} {
		real := realRegistry(t)
		server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case how == "api" || !strings.Contains(r.URL.Path, "/referrers/"):
				real.ServeHTTP(w, r)
			case how == "tag" || r.UserAgent() != "plimsoll":
				w.WriteHeader(http.StatusNotFound)
			default:
				io.WriteString(w, "<html>") //nolint:errcheck // the client reports it
			}
		}))
		img := pushImage(t, server, "library/nginx:1", 1<<10)
		digest, _ := img.Digest()
		c, _ := testClient(t, server.URL)
		none, err := c.Referrers(t.Context(), "library/nginx", plimsoll.Digest(digest.String()))
		if len(none) != 0 || err != nil {
			t.Errorf("%s: before: %v, %v", how, none, err)
		}
		want := pushReferrer(t, strings.TrimPrefix(server.URL, "http://")+"/library/nginx", img)
		got, err := c.Referrers(t.Context(), "library/nginx", plimsoll.Digest(digest.String()))
		if err != nil || len(got) != 1 || got[0].Digest != want {
			t.Errorf("%s: %v, %v; want %s", how, got, err, want)
		}
	}
}

// pushReferrer pushes a manifest that refers to img; the client that pushes keeps the fallback tag where the API is missing.
func pushReferrer(t *testing.T, repository string, img v1.Image) plimsoll.Digest {
	t.Helper()
	repo, err := name.NewRepository(repository)
	if err != nil {
		t.Fatal(err)
	}
	digest, _ := img.Digest()
	size, _ := img.Size()
	kind, _ := img.MediaType()
	note, _ := random.Image(100, 1)
	about, ok := mutate.Subject(note, v1.Descriptor{MediaType: kind, Digest: digest, Size: size}).(v1.Image)
	if !ok {
		t.Fatal("not an image")
	}
	d, _ := about.Digest()
	if err := remote.Write(repo.Digest(d.String()), about); err != nil {
		t.Fatal(err)
	}
	return plimsoll.Digest(d.String())
}

func TestResolveWithoutHelp(t *testing.T) {
	manifest := []byte(`{"schemaVersion":2,"config":{"digest":"` + string(plimsoll.DigestOf(nil)) + `","size":0}}`)
	digest := plimsoll.DigestOf(manifest)
	const kind = "application/vnd.oci.image.manifest.v1+json"
	refuseHead := func(status int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodHead {
				w.WriteHeader(status)
			}
			return r.Method == http.MethodHead
		}
	}
	tests := map[string]func(http.ResponseWriter, *http.Request) bool{ // true: done
		"no digest in HEAD": func(w http.ResponseWriter, r *http.Request) bool { return false },
		"HEAD refused":      refuseHead(http.StatusMethodNotAllowed),
		"HEAD forbidden":    refuseHead(http.StatusForbidden),
		"HEAD not found":    refuseHead(http.StatusNotFound),
		"bad digest in HEAD": func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Docker-Content-Digest", "sha256:../../etc")
			return false
		},
	}
	for what, first := range tests {
		server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v2/" || first(w, r) {
				return
			}
			w.Header().Set("Content-Type", kind)
			w.Write(manifest) //nolint:errcheck // the client reports it
		}))
		c, _ := testClient(t, server.URL)
		got, err := c.Resolve(t.Context(), "a/b", "latest")
		if diff := cmp.Diff(plimsoll.Descriptor{MediaType: kind, Digest: digest, Size: int64(len(manifest))}, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", what, err, diff)
		}
		_, err = c.Resolve(t.Context(), "a/b", string(plimsoll.DigestOf([]byte("other"))))
		wantError(t, err, plimsoll.Invalid, plimsoll.FailureDownload, "answers with digest")
	}
}

func TestManifestIsBoundedAndProven(t *testing.T) {
	manifest := []byte(`{"schemaVersion":2}`)
	var kind string
	var body []byte
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Write(body) //nolint:errcheck // the client reports it
	}))
	c, _ := testClient(t, server.URL, func(o *Options) { o.Budget.ManifestBytes = 100 })
	digest := plimsoll.DigestOf(manifest)

	kind, body = "application/vnd.oci.image.manifest.v1+json; charset=utf-8", manifest
	got, raw, err := c.Manifest(t.Context(), "a", digest)
	if err != nil || got != "application/vnd.oci.image.manifest.v1+json" || string(raw) != string(manifest) {
		t.Errorf("Manifest: %q, %q, %v", got, raw, err)
	}
	kind = "application/json"
	if got, _, err = c.Manifest(t.Context(), "a", digest); got != "" || err != nil {
		t.Errorf("a media type that is not of a manifest: %q, %v", got, err)
	}
	body = []byte(`{"schemaVersion":3}`)
	_, _, err = c.Manifest(t.Context(), "a", digest)
	wantError(t, err, plimsoll.Invalid, plimsoll.FailureDownload, "answers with digest")
	kind = mediaSchema1Signed
	if got, _, err = c.Manifest(t.Context(), "a", digest); got != mediaSchema1Signed || err != nil {
		t.Errorf("schema 1: %q, %v", got, err)
	}
	body = []byte(strings.Repeat(" ", 101))
	_, _, err = c.Manifest(t.Context(), "a", digest)
	wantError(t, err, plimsoll.TooLarge, plimsoll.FailureOversized, "budget of 100 bytes")
	_, _, err = c.Manifest(t.Context(), "a", "sha256:short")
	wantError(t, err, plimsoll.Invalid, plimsoll.FailureDownload, "64 hex digits")
}

// guarded refuses as a transport of package outbound does.
type guarded struct{ inner http.RoundTripper }

func (g guarded) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host == "169.254.169.254" {
		return nil, plimsoll.Errorf(plimsoll.Forbidden, "connecting refused").WithHint("never dialled")
	}
	return g.inner.RoundTrip(req)
}

// The transport of the deployment decides which addresses a redirect may lead to.
func TestRedirectToMetadata(t *testing.T) {
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data?X-Amz-Signature=hunter2", http.StatusTemporaryRedirect)
		}
	}))
	c, clock := testClient(t, server.URL, func(o *Options) { o.Transport = guarded{o.Transport} })
	_, err := c.Blob(t.Context(), "a", plimsoll.Descriptor{Digest: plimsoll.DigestOf(nil)})
	wantError(t, err, plimsoll.Forbidden, plimsoll.FailureDownload, "never dialled", "hunter2")
	if len(clock.slept) > 0 {
		t.Errorf("a refused address was tried again after %v", clock.slept)
	}
}

func TestErrorsAreHarmless(t *testing.T) {
	var status int
	var body string
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body) //nolint:errcheck // the client reports it
	}))
	c, _ := testClient(t, server.URL)
	status, body = http.StatusForbidden, `{"errors":[{"code":"DENIED","message":"no \u001b[31mred\u202e `+strings.Repeat("x", 1000)+`"}]}`
	_, err := c.Tags(t.Context(), "a")
	wantError(t, err, plimsoll.Forbidden, plimsoll.FailureAuth, "DENIED no", "\x1b", "\u202e", strings.Repeat("x", 300))
	status, body = http.StatusTeapot, strings.Repeat("x", 1<<20)
	_, err = c.Tags(t.Context(), "a")
	wantError(t, err, plimsoll.Unavailable, plimsoll.FailureDownload, "418", "xxx")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = c.Tags(ctx, "a"); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
}
