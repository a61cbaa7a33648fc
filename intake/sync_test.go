package intake_test

import (
	"context"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"plimsoll"
	"plimsoll/intake"
	"plimsoll/seal"
	"plimsoll/store"
	"plimsoll/store/sqlite"
)

// hub is an in-process registry that records what it is asked.
type hub struct {
	*httptest.Server
	inner http.Handler

	mu       sync.Mutex
	requests []string
	refuse   func(*http.Request) int // status to answer with, 0 = serve
}

func newHub(t *testing.T) *hub {
	t.Helper()
	h := &hub{inner: ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)), ggcr.WithReferrersSupport(true))}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.requests = append(h.requests, r.Method+" "+r.URL.Path)
	refuse := h.refuse
	h.mu.Unlock()
	if refuse != nil {
		if status := refuse(r); status != 0 {
			w.WriteHeader(status)
			return
		}
	}
	h.inner.ServeHTTP(w, r)
}

// asked returns the requests since the last call that contain part.
func (h *hub) asked(part string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for _, r := range h.requests {
		if strings.Contains(r, part) {
			out = append(out, r)
		}
	}
	h.requests = nil
	return out
}

func (h *hub) setRefuse(f func(*http.Request) int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refuse = f
}

func (h *hub) ref(t *testing.T, image string) name.Tag {
	t.Helper()
	tag, err := name.NewTag(strings.TrimPrefix(h.URL, "http://")+"/"+image, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

func (h *hub) push(t *testing.T, image string, img v1.Image) {
	t.Helper()
	if err := remote.Write(h.ref(t, image), img); err != nil {
		t.Fatal(err)
	}
}

func linuxImage(t *testing.T, layers int64) v1.Image {
	t.Helper()
	img, err := random.Image(256, layers)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", "amd64"
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	return img
}

type site struct {
	store  *store.Store
	syncer *intake.Syncer
	reg    plimsoll.Registry
}

func newSite(t *testing.T, h *hub) *site {
	t.Helper()
	s, err := sqlite.Inventory(t.Context(), filepath.Join(t.TempDir(), "plimsoll.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	key, err := seal.New(make([]byte, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	c := &intake.Connector{Store: s, Sealer: key, Transport: http.DefaultTransport, Budget: plimsoll.DefaultBudget(), Logger: quiet}
	reg, err := (&intake.Registries{Store: s, Connector: c}).Add(t.Context(), plimsoll.RegistrySpec{Registry: plimsoll.Registry{
		Tenant: plimsoll.Tenant{ProjectID: "p"}, Name: "hub", URL: h.URL, ScanOnSync: true,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return &site{store: s, reg: reg, syncer: &intake.Syncer{Store: s, Connector: c, Budget: plimsoll.DefaultBudget()}}
}

func (s *site) sync(ctx context.Context) error {
	return s.syncer.Work(ctx, plimsoll.Work{Tenant: plimsoll.Tenant{ProjectID: "p"}, Key: strconv.FormatInt(s.reg.ID, 10)})
}

func (s *site) images(t *testing.T) []string {
	t.Helper()
	page, err := s.store.Images(t.Context(), plimsoll.ImageFilter{ProjectID: "p"})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, i := range page.Items {
		out = append(out, i.Repository+":"+i.Tag+" "+string(i.State)+" "+i.Unscannable)
	}
	slices.Sort(out)
	return out
}

// written counts rows changed since the database was opened.
func (s *site) written(t *testing.T) (n int64) {
	t.Helper()
	if err := s.store.DB().Writer.QueryRowContext(t.Context(), "SELECT total_changes()").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSyncFollowsTheRegistry(t *testing.T) {
	h := newHub(t)
	first := linuxImage(t, 2)
	h.push(t, "team/web:1", first)
	h.push(t, "team/web:2", linuxImage(t, 1))
	h.push(t, "solo:latest", linuxImage(t, 1))
	s := newSite(t, h)
	if err := s.sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"solo:latest pending ", "team/web:1 pending ", "team/web:2 pending "}
	if d := cmp.Diff(want, s.images(t)); d != "" {
		t.Fatal(d)
	}

	h.push(t, "team/web:2", first)
	if err := remote.Delete(h.ref(t, "solo:latest")); err != nil {
		t.Fatal(err)
	}
	h.asked("")
	if err := s.sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := h.asked("GET /v2/team/web/manifests/"); len(got) != 0 {
		t.Errorf("a tag moved onto a known digest cost manifests: %v", got)
	}
	if d := cmp.Diff([]string{"team/web:1 pending ", "team/web:2 pending "}, s.images(t)); d != "" {
		t.Error(d)
	}
}

func TestUnchangedRegistryWritesNothing(t *testing.T) {
	h := newHub(t)
	for i := range 5 {
		h.push(t, "team/app:"+strconv.Itoa(i), linuxImage(t, 1))
	}
	s := newSite(t, h)
	if err := s.sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := s.written(t)
	h.asked("")
	if err := s.sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := s.written(t) - before; n != 0 {
		t.Errorf("%d rows written", n)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.requests {
		if strings.HasPrefix(r, "GET") && (strings.Contains(r, "/manifests/") || strings.Contains(r, "/blobs/")) {
			t.Errorf("an unchanged registry was asked for %s", r)
		}
	}
}

func TestIndexAttestationAndReferrers(t *testing.T) {
	h := newHub(t)
	index := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: linuxImage(t, 1), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: linuxImage(t, 1), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}}},
		mutate.IndexAddendum{Add: linuxImage(t, 1), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}}})
	if err := remote.WriteIndex(h.ref(t, "team/multi:1"), index); err != nil {
		t.Fatal(err)
	}
	h.push(t, "team/multi:sha256-"+strings.Repeat("a", 64)+".sig", linuxImage(t, 1))
	s := newSite(t, h)
	if err := s.sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	page, err := s.store.Images(t.Context(), plimsoll.ImageFilter{ProjectID: "p"})
	if err != nil {
		t.Fatal(err)
	}
	if page.Total != 1 {
		t.Fatalf("signature tags are not images: %v", s.images(t))
	}
	var reasons []string
	for _, p := range page.Items[0].Platforms {
		reasons = append(reasons, p.Platform.String()+" "+p.Unscannable)
	}
	if d := cmp.Diff([]string{"linux/amd64 ", "linux/arm64 ", "unknown/unknown attestation"}, reasons); d != "" {
		t.Error(d)
	}
	if page.Items[0].Size == 0 {
		t.Error("the size of an index is the sum over its platforms")
	}
}

func TestWhatCannotBeReadIsSaidAndKept(t *testing.T) {
	h := newHub(t)
	h.push(t, "team/good:1", linuxImage(t, 1))
	h.push(t, "team/bad:1", linuxImage(t, 1))
	s := newSite(t, h)
	if err := s.sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := s.images(t)
	h.setRefuse(func(r *http.Request) int {
		if strings.HasPrefix(r.URL.Path, "/v2/team/bad/tags") {
			return http.StatusForbidden
		}
		return 0
	})
	h.push(t, "team/good:2", linuxImage(t, 1))
	err := s.sync(t.Context())
	if plimsoll.FailureOf(err) != plimsoll.FailureAuth {
		t.Errorf("error %v", err)
	}
	if d := cmp.Diff(append(slices.Clone(before), "team/good:2 pending "), s.images(t)); d != "" {
		t.Errorf("what could be read is stored, what could not is kept: %s", d)
	}
}

// A manifest that breaks a budget is in the list, and its sync does not fail.
func TestManifestOverTheBudgetIsListed(t *testing.T) {
	h := newHub(t)
	h.push(t, "team/good:1", linuxImage(t, 1))
	h.push(t, "team/wide:1", linuxImage(t, 40))
	s := newSite(t, h)
	s.syncer.Connector.Budget.ManifestBytes, s.syncer.Budget.ManifestBytes = 2000, 2000
	if err := s.sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"team/good:1 pending ", "team/wide:1 pending "}, s.images(t)); d != "" {
		t.Error(d)
	}
}

func TestRegistryIsListedByNameWhereTheCatalogIsRefused(t *testing.T) {
	h := newHub(t)
	h.push(t, "team/web:1", linuxImage(t, 1))
	s := newSite(t, h)
	h.setRefuse(func(r *http.Request) int {
		if r.URL.Path == "/v2/_catalog" {
			return http.StatusUnauthorized
		}
		return 0
	})
	err := s.sync(t.Context())
	if plimsoll.ErrorHint(err) == "" {
		t.Errorf("a refused catalog comes with a hint: %v", err)
	}
	named, err := (&intake.Registries{Store: s.store, Connector: s.syncer.Connector}).Add(t.Context(), plimsoll.RegistrySpec{Registry: plimsoll.Registry{
		Tenant: plimsoll.Tenant{ProjectID: "p"}, Name: "named", URL: h.URL, Repositories: []string{"team/web"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.reg = named
	if err := s.sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"team/web:1 none "}, s.images(t)); d != "" {
		t.Error(d)
	}
}

func TestSecretIsSealedAndBoundToItsHost(t *testing.T) {
	h := newHub(t)
	s := newSite(t, h)
	registries := &intake.Registries{Store: s.store, Connector: s.syncer.Connector}
	reg, err := registries.Add(t.Context(), plimsoll.RegistrySpec{Secret: "hunter2-and-more", Registry: plimsoll.Registry{
		Tenant: plimsoll.Tenant{ProjectID: "p"}, Name: "closed", URL: h.URL, Username: "ci",
	}})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := s.store.Registry(t.Context(), "p", reg.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(stored.SealedSecret) == 0 || strings.Contains(string(stored.SealedSecret), "hunter2") {
		t.Fatal("the secret is missing or readable")
	}
	if _, err := s.store.DB().Writer.ExecContext(t.Context(), "UPDATE registry SET url = 'http://elsewhere.example.org' WHERE id = ?", reg.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.syncer.Connector.Client(t.Context(), "p", reg.ID); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a secret opened for another host: %v", err)
	}
}

func TestAddRefusesWhatIsNoRegistry(t *testing.T) {
	h := newHub(t)
	s := newSite(t, h)
	registries := &intake.Registries{Store: s.store, Connector: s.syncer.Connector}
	for name, spec := range map[string]plimsoll.RegistrySpec{
		"path in the address": {Registry: plimsoll.Registry{Name: "a", URL: h.URL + "/v2/"}},
		"user in the address": {Registry: plimsoll.Registry{Name: "a", URL: "http://u:p@127.0.0.1"}},
		"name":                {Registry: plimsoll.Registry{Name: "a b", URL: h.URL}},
		"type":                {Registry: plimsoll.Registry{Name: "a", URL: h.URL, Kind: "ftp"}},
		"secret without user": {Secret: "x", Registry: plimsoll.Registry{Name: "a", URL: h.URL}},
		"repository":          {Registry: plimsoll.Registry{Name: "a", URL: h.URL, Repositories: []string{"../etc"}}},
	} {
		spec.ProjectID = "p"
		if _, err := registries.Add(t.Context(), spec); plimsoll.ErrorCode(err) != plimsoll.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	spec := plimsoll.RegistrySpec{Registry: plimsoll.Registry{Tenant: plimsoll.Tenant{ProjectID: "p"}, Name: "hub", URL: h.URL}}
	if _, err := registries.Add(t.Context(), spec); plimsoll.ErrorCode(err) != plimsoll.Conflict {
		t.Errorf("a name that is taken: %v", err)
	}
}
