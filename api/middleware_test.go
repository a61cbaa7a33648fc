package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"plimsoll"
)

const signed = "SDK-HMAC-SHA256 Access=AK1, SignedHeaders=x-sdk-date, Signature=00"

func TestSignatureSeesTheRequestAsItCame(t *testing.T) {
	w := newFakes()
	h := w.api(t, nil)
	raw := "namespace&image_type=private_image&limit=50&image_name=a%20b"
	rec := ask(h, "GET", "/v5/p1/image/swr-repository?"+raw, "", "", "Authorization", signed, "X-Project-Id", "p1")
	if rec.Code != 200 || w.verifiedRaw != raw {
		t.Fatalf("%d: verified %q: %s", rec.Code, w.verifiedRaw, rec.Body)
	}
	if f := w.filters[0]; f.Name != "a b" || f.Namespace != "" || f.Limit != 50 {
		t.Errorf("filter %+v", f)
	}
	body := private + "\n"
	rec = ask(h, "POST", syncing, "", body, "Authorization", signed)
	if rec.Code != 200 || w.verified != body {
		t.Errorf("%d: verified body %q: %s", rec.Code, w.verified, rec.Body)
	}
}

func TestSignedRequestsAndProjects(t *testing.T) {
	cases := []struct {
		url     string
		headers []string
		status  int
		has     string
	}{
		{seed, nil, 200, "data_list"},
		{seed, []string{"X-Project-Id", "p2"}, 403, "APIGW.0302"},
		{"/v5/p2/image/swr-repository?image_type=private_image", nil, 403, "APIGW.0302"},
		{"/api/v1/users", nil, 200, "adam"},
		{"/api/v1/users", []string{"X-Project-Id", "p1"}, 200, "adam"},
		{"/api/v1/users", []string{"X-Project-Id", "p2"}, 403, "forbidden"},
		{seed, []string{"Authorization", "SDK-HMAC-SHA256 Access=AK9, SignedHeaders=x, Signature=0"}, 401, "APIGW.0301"},
		{seed, []string{"Authorization", "Bearer x"}, 401, "APIGW.0301"},
		{seed, []string{"Authorization", "V11-HMAC-SHA256 Credential=x"}, 401, "APIGW.0301"},
	}
	for _, c := range cases {
		headers := append([]string{"Authorization", signed}, c.headers...)
		rec := ask(newFakes().api(t, nil), "GET", c.url, "", "", headers...)
		if rec.Code != c.status || !strings.Contains(rec.Body.String(), c.has) {
			t.Errorf("%s %v: %d %s", c.url, c.headers, rec.Code, rec.Body)
		}
	}
}

func TestPublicBodyIsBounded(t *testing.T) {
	body := `{"auth":{"identity":{"methods":["` + strings.Repeat("x", 64<<10) + `"]}}}`
	rec := ask(newFakes().api(t, nil), "POST", "/v3/auth/tokens", "", body)
	if rec.Code != 413 || !strings.Contains(rec.Body.String(), `"code":413`) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestSignedBodyIsBounded(t *testing.T) {
	rec := ask(newFakes().api(t, nil), "POST", scanning, "", strings.Repeat("x", 1<<20+1), "Authorization", signed)
	if rec.Code != 413 || !strings.Contains(rec.Body.String(), "APIGW.0201") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestInternalErrorsStayInside(t *testing.T) {
	for name, prepare := range map[string]func(*fakes){
		"error": func(w *fakes) {
			w.err = plimsoll.Fail(plimsoll.FailureDatabase, &plimsoll.Error{Code: plimsoll.Internal, Message: "boom with secret detail"})
		},
		"bare":  func(w *fakes) { w.err = io.ErrUnexpectedEOF },
		"panic": func(w *fakes) { w.panics = true },
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			w := newFakes()
			prepare(w)
			rec := ask(w.api(t, &log), "GET", seed, "t-reader", "")
			answer := rec.Body.String()
			if rec.Code != 500 || !strings.Contains(answer, `"error_code":"APIGW.0601"`) || strings.Contains(answer, "detail") || strings.Contains(answer, "EOF") {
				t.Errorf("%d %s", rec.Code, answer)
			}
			line := log.String()
			if !strings.Contains(line, rec.Header().Get("X-Request-Id")) || !strings.Contains(line, "level=ERROR") {
				t.Errorf("log: %s", line)
			}
			if name != "bare" && !strings.Contains(line, "boom with secret detail") {
				t.Errorf("the log does not say why: %s", line)
			}
		})
	}
}

func TestUnavailableIsNotInternal(t *testing.T) {
	w := newFakes()
	w.err = plimsoll.Errorf(plimsoll.Unavailable, "the registry does not answer")
	for url, status := range map[string]int{seed: 502, "/api/v1/images": 503} {
		if rec := ask(w.api(t, nil), "GET", url, "t-reader", ""); rec.Code != status {
			t.Errorf("%s: %d %s", url, rec.Code, rec.Body)
		}
	}
}

func TestLogTellsNoSecret(t *testing.T) {
	var log bytes.Buffer
	h := newFakes().api(t, &log)
	ask(h, "GET", seed+"&image_name=confidential", "t-reader", "", "X-Request-Id", strings.Repeat("a", 32), "User-Agent", "agent")
	ask(h, "GET", "/v5/p1/no/such/confidential%0aline", "t-reader", "")
	line := log.String()
	for _, bad := range []string{"confidential", "t-reader", "agent", strings.Repeat("a", 32)} {
		if strings.Contains(line, bad) {
			t.Errorf("%q in the log: %s", bad, line)
		}
	}
	for _, want := range []string{"method=GET", "route=/v5/{project_id}/image/swr-repository", "status=200", "bytes=", "duration=", "request_id=", "status=404"} {
		if !strings.Contains(line, want) {
			t.Errorf("no %q in the log: %s", want, line)
		}
	}
}

func TestUpload(t *testing.T) {
	sum := sha256.Sum256([]byte("zip bytes"))
	cases := []struct {
		name, body string
		headers    []string
		status     int
		imported   string
	}{
		{"by token", "zip bytes", []string{"X-Auth-Token", "t-admin"}, 200, "debian:zip bytes"},
		{"signed with hash", "zip bytes", []string{"Authorization", signed, "X-Sdk-Content-Sha256", hex.EncodeToString(sum[:])}, 200, "debian:zip bytes"},
		{"signed without payload", "zip bytes", []string{"Authorization", signed, "X-Sdk-Content-Sha256", "UNSIGNED-PAYLOAD"}, 200, "debian:zip bytes"},
		{"signed, other body", "other bytes", []string{"Authorization", signed, "X-Sdk-Content-Sha256", hex.EncodeToString(sum[:])}, 400, ""},
		{"signed, no hash", "zip bytes", []string{"Authorization", signed}, 400, ""},
		{"too large", strings.Repeat("x", 1<<20+1), []string{"X-Auth-Token", "t-admin"}, 413, ""},
		{"not an administrator", "zip bytes", []string{"X-Auth-Token", "t-editor"}, 403, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newFakes()
			temp := t.TempDir()
			h := w.api(t, nil, func(cfg *Config) { cfg.TempDir = temp })
			rec := ask(h, "PUT", "/api/v1/advisories/debian", "", c.body, c.headers...)
			if rec.Code != c.status || w.imported != c.imported {
				t.Errorf("%d %s, imported %q", rec.Code, rec.Body, w.imported)
			}
			left, err := filepath.Glob(filepath.Join(temp, "*"))
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
		})
	}
	if rec := ask(newFakes().api(t, nil), "PUT", "/api/v1/advisories/..%2fetc", "t-admin", "x"); rec.Code != 400 {
		t.Errorf("a feed name with a path: %d", rec.Code)
	}
}

func TestOperatorDomain(t *testing.T) {
	w := newFakes()
	h := w.api(t, nil, func(c *Config) { c.OperatorDomain = "d2" })
	if rec := ask(h, "PUT", "/api/v1/advisories/debian", "t-admin", "x"); rec.Code != 403 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	body := `{"name":"n","url":"https://r.example","shared_bytes":true}`
	if rec := ask(h, "POST", "/api/v1/registries", "t-admin", body); rec.Code != 403 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestHealthAndDocs(t *testing.T) {
	w := newFakes()
	h := w.api(t, nil)
	run(t, h, []scenario{
		{name: "alive", method: "GET", url: "/healthz", status: 200, has: []string{`{"status":"ok"}`}},
		{name: "ready", method: "GET", url: "/readyz", status: 200, has: []string{`"status":"ready"`, `"store":true`}},
		{name: "version", method: "GET", url: "/api/v1/version", token: "t-none", status: 200, has: []string{`"version":"test"`}},
	})
	w.err = os.ErrDeadlineExceeded
	run(t, h, []scenario{
		{name: "not ready", method: "GET", url: "/readyz", status: 503, has: []string{`"status":"not_ready"`, `"store":false`}, hasNot: []string{"deadline", "timeout"}},
	})
	rec := ask(h, "GET", "/", "", "")
	if rec.Code != 302 || rec.Header().Get("Location") != "/docs" {
		t.Errorf("/: %d %v", rec.Code, rec.Header())
	}
	page := ask(h, "GET", "/docs", "", "")
	text := page.Body.String()
	for _, want := range []string{"/v5/{project_id}/image/swr-repository", "vul_num", "Open to anybody", `id="schema-`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	for _, bad := range []string{"<script", "style=", "src=", "http://", "https://"} {
		if strings.Contains(text, bad) {
			t.Errorf("%q in the page", bad)
		}
	}
	if csp := page.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; style-src 'self'") {
		t.Errorf("policy %q", csp)
	}
	if css := ask(h, "GET", "/docs/page.css", "", ""); css.Code != 200 || css.Header().Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("style: %d %v", css.Code, css.Header())
	}
	spec := ask(h, "GET", "/openapi.json", "", "").Body.String()
	if !strings.Contains(spec, `"openapi":"3.1.0"`) || strings.Contains(spec, "$schema") {
		t.Errorf("openapi.json: %.200s", spec)
	}
	if yaml := ask(h, "GET", "/openapi.yaml", "", ""); yaml.Code != 200 || !strings.Contains(yaml.Body.String(), "openapi: 3.1.0") {
		t.Errorf("openapi.yaml: %d", yaml.Code)
	}
}

func TestServerStopsInOrder(t *testing.T) {
	defer goleak.VerifyNone(t)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	began, release := make(chan struct{}), make(chan struct{})
	slow := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(began)
		<-release
		io.WriteString(w, "done")
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, Server(slow, nil, slog.New(slog.DiscardHandler)), listener) }()
	answered := make(chan string, 1)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	go func() {
		res, err := client.Get("http://" + listener.Addr().String())
		if err != nil {
			answered <- err.Error()
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		answered <- string(b)
	}()
	<-began
	stop()
	close(release)
	if got := <-answered; got != "done" {
		t.Errorf("a running request got %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// FuzzQuery holds that no query of a client panics, fails inside, or passes bounds on to the store.
func FuzzQuery(f *testing.F) {
	for _, q := range []string{
		"image_type=private_image", "image_type&limit", "limit=1&limit=2", "a;b", "%zz", "image_type=private_image&has_vul=true&offset=-0",
		"image_type=shared_image&start_latest_scan_time=9223372036854775807", "image_type=private_image&latest_version&image_name=%00",
	} {
		f.Add(q)
	}
	w := newFakes()
	cfg := DefaultConfig()
	cfg.Now, cfg.Log = testNow, slog.New(slog.DiscardHandler)
	h := New(cfg, w.roles())
	f.Fuzz(func(t *testing.T, q string) {
		w.filters = nil
		r := (&http.Request{Method: http.MethodGet, Proto: "HTTP/1.1", Host: "h", Body: http.NoBody, Header: http.Header{"X-Auth-Token": {"t-reader"}},
			URL: &url.URL{Path: "/v5/p1/image/swr-repository", RawQuery: q}}).WithContext(t.Context())
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code != 200 && rec.Code != 400 {
			t.Fatalf("%q: %d %s", q, rec.Code, rec.Body)
		}
		for _, filter := range w.filters {
			if err := filter.Validate(); err != nil || filter.Limit == 0 || len(filter.Origins) != 1 || filter.EnterpriseProjects != nil && len(filter.EnterpriseProjects) == 0 {
				t.Fatalf("%q: %v %+v", q, err, filter)
			}
		}
	})
}
