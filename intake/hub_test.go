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

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
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
	path   string // of the database
	store  *store.Store
	syncer *intake.Syncer
	reg    plimsoll.Registry
}

func newSite(t *testing.T, h *hub) *site {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plimsoll.db")
	s, err := sqlite.Inventory(t.Context(), path)
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
	return &site{path: path, store: s, reg: reg, syncer: &intake.Syncer{Store: s, Connector: c, Budget: plimsoll.DefaultBudget()}}
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
