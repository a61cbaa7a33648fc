package client_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/client"
)

// fake is a server that answers each path with a status and a body, and records the requests.
type fake struct {
	answers map[string]answer
	asked   []string
}

type answer struct {
	status int
	body   string
}

const (
	project     = "0123456789abcdef0123456789abcdef"
	tokenAnswer = `{"token":{"project":{"id":"` + project + `","name":"default"}}}`
)

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.asked = append(f.asked, r.Method+" "+r.URL.Path+" "+r.URL.RawQuery+" "+r.Header.Get("X-Auth-Token"))
	a, ok := f.answers[r.URL.Path]
	if !ok {
		a = answer{http.StatusNotFound, ""}
	}
	w.WriteHeader(a.status)
	fmt.Fprint(w, a.body)
}

// signedIn returns a client of a fake server, with the token "secret".
func signedIn(t *testing.T, f *fake) *client.Client {
	t.Helper()
	if f.answers == nil {
		f.answers = map[string]answer{}
	}
	f.answers["/v3/auth/tokens"] = answer{http.StatusOK, tokenAnswer}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	c, err := client.New(t.Context(), client.Config{Endpoint: server.URL + "/", Token: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if c.ProjectID() != project || c.Token() != "secret" {
		t.Errorf("signed in to %s with %s", c.ProjectID(), c.Token())
	}
	f.asked = nil
	return c
}

func TestNewRefuses(t *testing.T) {
	server := httptest.NewServer(&fake{answers: map[string]answer{"/v3/auth/tokens": {http.StatusOK, tokenAnswer}}})
	defer server.Close()
	for name, tt := range map[string]struct {
		config client.Config
		want   plimsoll.Code
	}{
		"no endpoint":     {client.Config{Token: "x"}, plimsoll.Invalid},
		"not http":        {client.Config{Endpoint: "ftp://a", Token: "x"}, plimsoll.Invalid},
		"user in it":      {client.Config{Endpoint: "http://u:p@a", Token: "x"}, plimsoll.Invalid},
		"query":           {client.Config{Endpoint: "http://a/?x=1", Token: "x"}, plimsoll.Invalid},
		"no credentials":  {client.Config{Endpoint: server.URL}, plimsoll.Unauthenticated},
		"half of them":    {client.Config{Endpoint: server.URL, User: "u"}, plimsoll.Unauthenticated},
		"another project": {client.Config{Endpoint: server.URL, Token: "x", Project: "other"}, plimsoll.Invalid},
		"nobody listens":  {client.Config{Endpoint: "http://127.0.0.1:1", Token: "x"}, plimsoll.Unavailable},
	} {
		if c, err := client.New(t.Context(), tt.config); plimsoll.ErrorCode(err) != tt.want || c != nil {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
	for _, wanted := range []string{"default", project, ""} {
		if _, err := client.New(t.Context(), client.Config{Endpoint: server.URL, Token: "x", Project: wanted}); err != nil {
			t.Errorf("project %q: %v", wanted, err)
		}
	}
}

func TestFromEnvironment(t *testing.T) {
	env := map[string]string{"PLIMSOLL_ENDPOINT": "http://e", "PLIMSOLL_TOKEN": "t", "PLIMSOLL_USER": "u", "PLIMSOLL_PASSWORD": "p", "PLIMSOLL_PROJECT_ID": "id"}
	got := client.Config{Endpoint: "http://given", Project: "given"}.FromEnvironment(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	want := client.Config{Endpoint: "http://given", Token: "t", User: "u", Password: "p", Project: "given"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestErrors reads the error answers of every API family, and answers that are none.
func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		answer
		code       plimsoll.Code
		text, hint string
	}{
		{answer{404, `{"code":"not_found","message":"no such image","hint":"list them"}`}, plimsoll.NotFound, "the server refused: no such image", "list them"},
		{answer{400, `{"error_code":"HSS.1","error_msg":"bad filter"}`}, plimsoll.Invalid, "the server refused: bad filter", ""},
		{answer{401, `{"error":{"code":401,"message":"wrong"}}`}, plimsoll.Unauthenticated, "the server refused: wrong", "check PLIMSOLL_TOKEN"},
		{answer{403, "no JSON"}, plimsoll.Forbidden, "the server refused: Forbidden", "ask an administrator"},
		{answer{409, ""}, plimsoll.Conflict, "the server refused: Conflict", ""},
		{answer{413, ""}, plimsoll.TooLarge, "", ""},
		{answer{429, ""}, plimsoll.Throttled, "", "try again"},
		{answer{302, ""}, plimsoll.Invalid, "", "the endpoint redirects"},
		{answer{599, ""}, plimsoll.Unavailable, "the server answered 599", ""},
		{answer{200, "{"}, plimsoll.Unavailable, "not what this program knows", ""},
	} {
		f := &fake{answers: map[string]answer{"/api/v1/advisories": tt.answer}}
		_, err := signedIn(t, f).AdvisoryStatus(t.Context())
		if plimsoll.ErrorCode(err) != tt.code || !strings.Contains(fmt.Sprint(err), tt.text) || !strings.HasPrefix(plimsoll.ErrorHint(err), tt.hint) {
			t.Errorf("%+v: %s, %v, hint %q", tt.answer, plimsoll.ErrorCode(err), err, plimsoll.ErrorHint(err))
		}
	}
}

// TestImageFilter sends every filter that the command line has.
func TestImageFilter(t *testing.T) {
	f := &fake{}
	c, yes := signedIn(t, f), true
	_, _ = c.Images(t.Context(), plimsoll.ImageFilter{
		RegistryID: 7, IDs: []int64{1, 2}, Digest: "sha256:ab", Namespace: "shop", Name: "web", Tag: "1", LatestOnly: true,
		EnterpriseProjects: []string{"e7"}, States: []plimsoll.ScanState{plimsoll.ScanDone, plimsoll.ScanFailed}, Origins: []plimsoll.Origin{plimsoll.OriginPrivate},
		HasVulnerability: &yes, UpdatedFrom: time.Unix(0, 0), Limit: 50,
	})
	if len(f.asked) != 1 {
		t.Fatalf("asked %q", f.asked)
	}
	for _, want := range []string{
		"GET ", "/images ", "registry_id=7", "id=1&id=2", "digest=sha256%3Aab", "namespace=shop", "name=web", "tag=1", "latest=true", "enterprise_project_id=e7",
		"state=done%2Cfailed", "origin=private", "has_vulnerability=true", "updated_from=1970-01-01T00%3A00%3A00Z", "limit=50", " secret",
	} {
		if !strings.Contains(f.asked[0], want) {
			t.Errorf("no %q in %s", want, f.asked[0])
		}
	}
}

// TestUploadChecksItsInput asks nothing for what cannot be sent.
func TestUploadChecksItsInput(t *testing.T) {
	f := &fake{}
	c := signedIn(t, f)
	if _, err := c.UploadAdvisories(t.Context(), "x", "/nowhere/x.zip"); plimsoll.ErrorCode(err) != plimsoll.NotFound {
		t.Errorf("no file: %v", err)
	}
	if _, err := c.ImportVEX(t.Context(), []byte("no JSON")); plimsoll.ErrorCode(err) != plimsoll.Invalid {
		t.Errorf("no JSON: %v", err)
	}
	if len(f.asked) > 0 {
		t.Errorf("asked %q", f.asked)
	}
}
