package registry

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

// signing is a registry and its token service, on one server each.
type signing struct {
	mu       sync.Mutex
	registry *httptest.Server
	tokens   *httptest.Server
	issued   int
	valid    map[string]bool
	asked    []string // scope and credential of token requests
	answer   func(token string) any
	wants    string // scope named by the challenge
}

func newSigning(t *testing.T) *signing {
	s := &signing{valid: map[string]bool{}}
	s.answer = func(token string) any { return map[string]any{"token": token, "expires_in": 300} }
	s.tokens = serve(t, http.HandlerFunc(s.serveToken))
	s.registry = serve(t, http.HandlerFunc(s.serveRegistry))
	return s
}

func (s *signing) serveToken(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	user, secret, _ := r.BasicAuth()
	s.asked = append(s.asked, strings.Join(r.URL.Query()["scope"], " ")+"|"+r.URL.Query().Get("service")+"|"+user)
	if user != "" && secret != "hunter2" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.issued++
	token := fmt.Sprintf("t%d", s.issued)
	s.valid["Bearer "+token] = true
	json.NewEncoder(w).Encode(s.answer(token)) //nolint:errcheck // the client reports it
}

func (s *signing) serveRegistry(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.valid[r.Header.Get("Authorization")] {
		c := fmt.Sprintf(`Bearer realm="%s/token",service="reg"`, s.tokens.URL)
		if s.wants != "" {
			c += fmt.Sprintf(`,scope="%s"`, s.wants)
		}
		w.Header().Set("WWW-Authenticate", c)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	json.NewEncoder(w).Encode(map[string]any{"tags": []string{"v1"}}) //nolint:errcheck // the client reports it
}

func (s *signing) tokenHost() string { return strings.TrimPrefix(s.tokens.URL, "http://") }

func (s *signing) client(t *testing.T, user string, hosts ...string) (*Client, *fakeTime) {
	return testClient(t, s.registry.URL, func(o *Options) {
		if user != "" {
			o.Credential = plimsoll.Credential{Username: user, Secret: "hunter2"}
		}
		o.AuthHosts = hosts
	})
}

func TestTokenIsKeptAndRenewed(t *testing.T) {
	s := newSigning(t)
	c, clock := s.client(t, "reader", s.tokenHost())
	list := func(repository string) {
		t.Helper()
		if tags, err := c.Tags(t.Context(), repository); err != nil || len(tags) != 1 {
			t.Fatalf("Tags: %v, %v", tags, err)
		}
	}
	want := func(asked ...string) {
		t.Helper()
		if diff := cmp.Diff(asked, s.asked); diff != "" {
			t.Fatalf("tokens asked for (-want +got)\n%s", diff)
		}
	}
	const a, b = "repository:a:pull|reg|reader", "repository:b:pull|reg|reader"
	list("a")
	list("a")
	want(a)
	list("b")
	want(a, b)
	clock.at = clock.at.Add(280 * time.Second)
	list("a")
	want(a, b)
	clock.at = clock.at.Add(15 * time.Second) // within the margin of its end
	list("a")
	want(a, b, a)
	clear(s.valid) // the registry forgets: refused once, renewed once
	list("a")
	want(a, b, a, a)
	s.answer = func(string) any { return map[string]any{"token": "worthless"} }
	clear(s.valid)
	_, err := c.Tags(t.Context(), "a")
	wantError(t, err, plimsoll.Forbidden, plimsoll.FailureAuth, "401", "worthless", "hunter2")
	want(a, b, a, a, a)
}

func TestScopeOfChallenge(t *testing.T) {
	s := newSigning(t)
	s.wants = "repository:a:pull,metadata"
	c, _ := s.client(t, "")
	s.mu.Lock()
	s.answer = func(token string) any {
		if s.issued == 1 {
			return map[string]any{"access_token": "useless"}
		}
		return map[string]any{"access_token": token, "expires_in": "300", "issued_at": "yesterday"}
	}
	s.mu.Unlock()
	if _, err := c.Tags(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"repository:a:pull|reg|", "repository:a:pull,metadata|reg|"}, s.asked); diff != "" {
		t.Errorf("tokens asked for (-want +got)\n%s", diff)
	}
}

func TestForeignRealm(t *testing.T) {
	s := newSigning(t)
	for what, hosts := range map[string][]string{"none": nil, "another": {"auth.test:443"}, "another port": {"127.0.0.1:1"}} {
		c, _ := s.client(t, "reader", hosts...)
		host, err := c.Ping(t.Context())
		wantError(t, err, plimsoll.Forbidden, plimsoll.FailureAuth, "--auth-host "+s.tokenHost(), "hunter2")
		if host != s.tokenHost() {
			t.Errorf("%s: Ping names %q", what, host)
		}
		_, err = c.Tags(t.Context(), "a")
		wantError(t, err, plimsoll.Forbidden, plimsoll.FailureAuth, s.tokenHost(), "hunter2")
	}
	if len(s.asked) > 0 {
		t.Errorf("the foreign service saw %q", s.asked)
	}
	c, _ := s.client(t, "reader", s.tokenHost())
	if host, err := c.Ping(t.Context()); host != s.tokenHost() || err != nil {
		t.Errorf("listed: %q, %v", host, err)
	}
	c, _ = s.client(t, "") // nothing to lose
	if host, err := c.Ping(t.Context()); host != s.tokenHost() || err != nil {
		t.Errorf("anonymous: %q, %v", host, err)
	}
}

// One repository that names a foreign token service does not close the others.
func TestForeignRealmOfOneRepository(t *testing.T) {
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v2/evil/") {
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://127.0.0.1:1/token"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		json.NewEncoder(w).Encode(map[string]any{"tags": []string{"v1"}}) //nolint:errcheck // the client reports it
	}))
	c, _ := testClient(t, s.URL, func(o *Options) { o.Credential = plimsoll.Credential{Username: "reader", Secret: "hunter2"} })
	for range 2 {
		_, err := c.Tags(t.Context(), "evil")
		wantError(t, err, plimsoll.Forbidden, plimsoll.FailureAuth, "--auth-host 127.0.0.1:1", "hunter2")
		if tags, err := c.Tags(t.Context(), "good"); err != nil || len(tags) != 1 {
			t.Errorf("the other repository: %q, %v", tags, err)
		}
	}
}

func TestRealmOfTLSRegistry(t *testing.T) {
	var realm string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+realm+`"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	for _, user := range []string{"", "reader"} {
		c, _ := testClient(t, server.URL, func(o *Options) {
			o.Transport = server.Client().Transport
			o.AuthHosts = []string{"auth.test:80"}
			if user != "" {
				o.Credential = plimsoll.Credential{Username: user, Secret: "hunter2"}
			}
		})
		realm = "http://auth.test/token"
		_, err := c.Tags(t.Context(), "a")
		wantError(t, err, plimsoll.Forbidden, plimsoll.FailureAuth, "plain http", "hunter2")
		for _, realm = range []string{"", "ftp://auth.test/", "https://u:p@auth.test/", "https://%zz/", "//auth.test/"} {
			_, err = c.Ping(t.Context())
			wantError(t, err, plimsoll.Unavailable, plimsoll.FailureAuth, "cannot be used")
		}
	}

	c, _ := testClient(t, server.URL)
	_, err := c.Ping(t.Context())
	wantError(t, err, plimsoll.Unavailable, plimsoll.FailureDownload, "trust the authority")
	c, _ = testClient(t, strings.Replace(newSigning(t).registry.URL, "http:", "https:", 1))
	_, err = c.Ping(t.Context())
	wantError(t, err, plimsoll.Unavailable, plimsoll.FailureDownload, "http://")
}

func TestTokenServiceMisbehaves(t *testing.T) {
	var h http.HandlerFunc
	s := newSigning(t)
	s.tokens.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h(w, r) })
	c, _ := s.client(t, "reader", s.tokenHost())
	tests := []struct {
		name, body string
		status     int
		code       plimsoll.Code
		failure    plimsoll.FailureCode
		text       string
	}{
		{"refuses", "", 401, plimsoll.Forbidden, plimsoll.FailureAuth, "answers 401"},
		{"html", "<html>hunter2", 200, plimsoll.Unavailable, plimsoll.FailureDownload, "something else than a token"},
		{"no token", "{}", 200, plimsoll.Unavailable, plimsoll.FailureDownload, "without a usable token"},
		{"header injection", `{"token":"a\r\nX: y"}`, 200, plimsoll.Unavailable, plimsoll.FailureDownload, "without a usable token"},
		{"endless", `{"token":"` + strings.Repeat("a", maxTokenAnswer), 200, plimsoll.Unavailable, plimsoll.FailureDownload, "something else"},
		{"redirects", "", 307, plimsoll.Unavailable, plimsoll.FailureDownload, "answers 307"},
	}
	for _, tt := range tests {
		h = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://elsewhere.test/")
			w.WriteHeader(tt.status)
			fmt.Fprint(w, tt.body) //nolint:errcheck // the client reports it
		}
		_, err := c.Tags(t.Context(), "a")
		wantError(t, err, tt.code, tt.failure, tt.text, "hunter2")
	}
}

func TestBasic(t *testing.T) {
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, secret, _ := r.BasicAuth(); user != "reader" || secret != "hunter2" {
			w.Header().Add("WWW-Authenticate", "Negotiate")
			w.Header().Add("WWW-Authenticate", `Basic realm="registry"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{"tags":null}`) //nolint:errcheck // the client reports it
	}))
	for secret, ok := range map[string]bool{"hunter2": true, "wrong": false, "": false} {
		c, _ := testClient(t, server.URL, func(o *Options) {
			if secret != "" {
				o.Credential = plimsoll.Credential{Username: "reader", Secret: secret}
			}
		})
		host, pinged := c.Ping(t.Context())
		_, listed := c.Tags(t.Context(), "a")
		if ok && (host != "" || pinged != nil || listed != nil) {
			t.Errorf("right secret: %q, %v, %v", host, pinged, listed)
		}
		if !ok {
			wantError(t, pinged, plimsoll.Forbidden, plimsoll.FailureAuth, "401")
			wantError(t, listed, plimsoll.Forbidden, plimsoll.FailureAuth, "401")
		}
	}
}

func TestPingSomethingElse(t *testing.T) {
	c, _ := testClient(t, serve(t, http.NotFoundHandler()).URL)
	_, err := c.Ping(t.Context())
	wantError(t, err, plimsoll.NotFound, plimsoll.FailureNotFound, "registry protocol")
}

func TestParseChallenges(t *testing.T) {
	tests := map[string][]challenge{
		`Bearer realm="https://auth.test/token",service="reg",scope="repository:a:pull,push"`: {
			{scheme: "bearer", realm: "https://auth.test/token", service: "reg", scope: "repository:a:pull,push"}},
		`bearer Realm=https://auth.test/t , service = "a \"b\""`: {{scheme: "bearer", realm: "https://auth.test/t", service: `a "b"`}},
		`Negotiate abc==, Basic realm="x"`:                       {{scheme: "negotiate"}, {scheme: "basic", realm: "x"}},
		`Basic`:                                                  {{scheme: "basic"}},
		`Basic realm="open`:                                      {{scheme: "basic", realm: "open"}},
		`realm="x"`:                                              nil,
		`"; = ,,, `:                                              nil,
		``:                                                       nil,
	}
	for in, want := range tests {
		if diff := cmp.Diff(want, parseChallenges(in), cmp.AllowUnexported(challenge{})); diff != "" {
			t.Errorf("%s (-want +got)\n%s", in, diff)
		}
	}
}

func FuzzParseChallenges(f *testing.F) {
	f.Add(`Bearer realm="https://auth.test/token",service="reg",scope="a"`)
	f.Add(`Negotiate abc==, Basic realm="x\`)
	f.Add(`= = "" ,`)
	f.Fuzz(func(t *testing.T, s string) {
		for _, c := range parseChallenges(s) {
			if c.scheme == "" || len(c.realm)+len(c.service)+len(c.scope) > len(s) {
				t.Errorf("%q became %+v", s, c)
			}
		}
	})
}
