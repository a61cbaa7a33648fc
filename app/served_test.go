package app_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"plimsoll/app"
	"plimsoll/app/apptest"
	"plimsoll/client"
	"plimsoll/server"
)

// servedSite is a site with a running server.
type servedSite struct {
	*app.Site
	*server.Server
	once sync.Once
}

// testConfig has a new data directory, may ask registries of tests, and has small budgets.
func testConfig(t *testing.T, registries ...*apptest.Registry) app.Config {
	t.Helper()
	c := app.DefaultConfig()
	c.Data = t.TempDir()
	for _, r := range registries {
		c.AllowHosts = append(c.AllowHosts, r.Host())
	}
	c.Budget.LayerEntries, c.Budget.RatioGrace = 20_000, 1<<20
	return c
}

// serveSite serves a new site that may ask registries of tests.
func serveSite(t *testing.T, registries ...*apptest.Registry) *servedSite {
	t.Helper()
	return openServed(t, testConfig(t, registries...))
}

func openServed(t *testing.T, c app.Config) *servedSite {
	t.Helper()
	site, err := app.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	site.Inventory().DB().Now = func() time.Time { return time.Now().Add(time.Hour) } // what waits to be tried again has waited
	config := server.DefaultConfig()
	config.Listen, config.SyncEvery, config.Logger = "127.0.0.1:0", 0, c.Logger
	running, err := server.Start(t.Context(), site, config)
	if err != nil {
		t.Fatal(err)
	}
	d := &servedSite{Site: site, Server: running}
	t.Cleanup(func() { d.close(t) })
	return d
}

// close stops the server and closes the site.
func (d *servedSite) close(t *testing.T) {
	t.Helper()
	d.once.Do(func() {
		d.Stop()
		if err := d.Wait(); err != nil {
			t.Error(err)
		}
		if err := d.Site.Close(); err != nil {
			t.Error(err)
		}
	})
}

// signIn signs a user in to a project; "" is the first.
func (d *servedSite) signIn(t *testing.T, user, password, project string) *client.Client {
	t.Helper()
	c, err := client.New(t.Context(), client.Config{Endpoint: d.URL, User: user, Password: password, Project: project})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// request returns status and body of the answer to a request of any API family. An empty body sends none.
func (d *servedSite) request(t *testing.T, token, method, path, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, d.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Auth-Token", token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp.StatusCode, string(raw)
}

// mustRequest returns the body of an answer, which must have the status 200.
func (d *servedSite) mustRequest(t *testing.T, token, method, path, body string) string {
	t.Helper()
	status, answer := d.request(t, token, method, path, body)
	if status != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	return answer
}

// get decodes the answer of a path of any API family.
func (d *servedSite) get(t *testing.T, c *client.Client, path string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(d.mustRequest(t, c.Token(), http.MethodGet, path, "")), into); err != nil {
		t.Fatal(err)
	}
}

// lockedBuffer may be read while a server writes to it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
