package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"plimsoll"
	"plimsoll/api/hss"
	"plimsoll/api/iam"
	v1 "plimsoll/api/v1"
)

const (
	project = "p1"
	digestA = plimsoll.Digest("sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	digestB = plimsoll.Digest("sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
	digestC = plimsoll.Digest("sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc")
)

func testNow() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func who(name, projectID string, grants ...plimsoll.Grant) plimsoll.Principal {
	return plimsoll.Principal{
		User: plimsoll.User{ID: "id-" + name, Name: name}, Domain: plimsoll.Domain{ID: "d1", Name: "harbour"},
		Project: plimsoll.Project{ID: projectID, Name: projectID}, Grants: grants, Method: "token",
	}
}

// fakes is every role of the API with answers that a test sets, and what it was asked.
type fakes struct {
	principals map[string]plimsoll.Principal
	expired    map[string]bool

	page          plimsoll.Page[plimsoll.Image]
	found         plimsoll.Image
	placed        plimsoll.Page[plimsoll.Placed]
	registries    []plimsoll.Registry
	tasks         map[int64]plimsoll.Task
	err           error
	panics        bool
	signIn        iam.SignIn
	filters       []plimsoll.ImageFilter
	lookups       []plimsoll.ImageLookup
	bases         [][]string
	tallies       []plimsoll.RuleTally
	settings      []plimsoll.Setting
	secrets       []plimsoll.FoundSecret
	paths         []string
	ignored       []string
	vulFilters    []plimsoll.VulnerabilityFilter
	refs          []plimsoll.ImageRef
	secretFilters []plimsoll.SecretFilter
	histories     []plimsoll.HistoryFilter
	created       []plimsoll.Task
	work          []plimsoll.Work
	spec          plimsoll.RegistrySpec
	removed       []string
	imported      string
	verifiedRaw   string
	verified      string
	users         []plimsoll.User
	keys          []plimsoll.AccessKey

	standing        []plimsoll.Decision
	made, ended     []plimsoll.Decision
	decisionFilters []plimsoll.DecisionFilter
	endedIDs        []int64
	endedIn         [][]string
	tenants         []plimsoll.Tenant
	cves            plimsoll.Page[plimsoll.CVE]
	census          []string
	exported        *plimsoll.Image
	words           []string
}

func newFakes() *fakes {
	grant := func(role plimsoll.Role, eps string) plimsoll.Grant {
		return plimsoll.Grant{ProjectID: project, EnterpriseProject: eps, Role: role}
	}
	several := who("sue", "")
	several.User.Grants = []plimsoll.Grant{grant(plimsoll.RoleReader, ""), {ProjectID: "p2", Role: plimsoll.RoleAdmin}}
	return &fakes{
		principals: map[string]plimsoll.Principal{
			"t-reader":   who("rita", project, grant(plimsoll.RoleReader, "")),
			"t-editor":   who("edda", project, grant(plimsoll.RoleEditor, "")),
			"t-admin":    who("adam", project, grant(plimsoll.RoleAdmin, "")),
			"t-scoped":   who("scot", project, grant(plimsoll.RoleEditor, "e7"), grant(plimsoll.RoleReader, "e8")),
			"t-none":     who("nora", project),
			"t-other":    who("otto", "p2", plimsoll.Grant{ProjectID: "p2", Role: plimsoll.RoleAdmin}),
			"t-unscoped": who("una", ""),
			"t-several":  several,
		},
		users: []plimsoll.User{
			{ID: "id-adam", Name: "adam", CreatedAt: testNow(), Grants: []plimsoll.Grant{grant(plimsoll.RoleAdmin, "")}},
			{ID: "id-u", Name: "u", CreatedAt: testNow(), Grants: []plimsoll.Grant{grant(plimsoll.RoleReader, "e7")}, PasswordHash: "phc"},
			{ID: "id-both", Name: "both", CreatedAt: testNow(), Grants: []plimsoll.Grant{grant(plimsoll.RoleReader, ""), {ProjectID: "p2", Role: plimsoll.RoleAdmin}}},
			{ID: "id-far", Name: "far", CreatedAt: testNow(), Grants: []plimsoll.Grant{{ProjectID: "p2", Role: plimsoll.RoleAdmin}}},
			{ID: "id-new", Name: "new", CreatedAt: testNow()},
		},
		keys:    []plimsoll.AccessKey{{Access: "AK2", SealedSecret: []byte("sealed"), UserID: "id-u", CreatedAt: testNow()}},
		expired: map[string]bool{"t-old": true},
		tasks: map[int64]plimsoll.Task{
			5: {ID: 5, Tenant: plimsoll.Tenant{ProjectID: project, EnterpriseProject: "0"}, Kind: plimsoll.WorkScan, State: plimsoll.TaskRunning, Total: 2, Done: 1, CreatedAt: testNow()},
			6: {ID: 6, Tenant: plimsoll.Tenant{ProjectID: project, EnterpriseProject: "e7"}, Kind: plimsoll.WorkSync, State: plimsoll.TaskFinished, CreatedAt: testNow()},
		},
	}
}

func (w *fakes) roles() Roles {
	return Roles{
		Callers: w,
		HSS: hss.Roles{
			Images: w, Lookup: w, Files: w, Settings: w, Software: w, Secrets: w, Malware: w, WeakPasswords: w, Vulnerabilities: w, CVEs: w,
			Scans: w, Registries: w, Tasks: w, Decisions: w, Census: w, SecretRules: map[string]string{"token": "A token"},
		},
		IAM: iam.Roles{Tokens: w, SignIns: w, Projects: w},
		V1: v1.Roles{
			Images: w, Lookup: w, Packages: w, Files: w, Settings: w, Software: w, Secrets: w, Histories: w, Scans: w, Registries: w, NewRegistries: w,
			Tasks: w, Advisories: w, Users: w, Keys: w, Decisions: w, VEX: w, Explainer: w,
		},
		Checks: []Check{{Name: "store", Run: func(context.Context) error { return w.err }}},
	}
}

// api builds the handler over the fakes. The log may be nil.
func (w *fakes) api(t *testing.T, log io.Writer, change ...func(*Config)) *API {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Now, cfg.TempDir, cfg.Version = testNow, t.TempDir(), "test"
	if log == nil {
		log = io.Discard
	}
	cfg.Log = slog.New(slog.NewTextHandler(log, nil))
	cfg.MaxBody, cfg.MaxFeed = 1<<20, 1<<20
	for _, f := range change {
		f(&cfg)
	}
	return New(cfg, w.roles())
}

func (w *fakes) Token(_ context.Context, secret string) (plimsoll.Token, plimsoll.Principal, error) {
	denied := plimsoll.Errorf(plimsoll.Unauthenticated, "unknown token")
	if w.expired[secret] {
		return plimsoll.Token{ExpiresAt: testNow().Add(-time.Minute)}, plimsoll.Principal{}, denied
	}
	p, ok := w.principals[secret]
	if !ok {
		return plimsoll.Token{}, plimsoll.Principal{}, denied
	}
	return plimsoll.Token{UserID: p.User.ID, ProjectID: p.Project.ID, IssuedAt: testNow(), ExpiresAt: testNow().Add(time.Hour)}, p, nil
}

func (w *fakes) Verify(r *http.Request, body []byte) (plimsoll.Principal, error) {
	w.verifiedRaw, w.verified = r.URL.RawQuery, string(body)
	if !strings.Contains(r.Header.Get("Authorization"), "Access=AK1") {
		return plimsoll.Principal{}, plimsoll.Errorf(plimsoll.Unauthenticated, "the signature does not match")
	}
	p := w.principals["t-admin"]
	p.User.Grants, p.Grants, p.Project, p.Method = p.Grants, nil, plimsoll.Project{}, "key"
	return p, nil
}

func (w *fakes) Revoke(_ context.Context, secret string) error {
	if _, ok := w.principals[secret]; !ok {
		return plimsoll.Errorf(plimsoll.Unauthenticated, "unknown token")
	}
	w.removed = append(w.removed, secret)
	return w.err
}

func (w *fakes) Projects(_ context.Context, domainID string) ([]plimsoll.Project, error) {
	if w.panics {
		panic("boom with secret detail")
	}
	return []plimsoll.Project{
		{ID: "p1", Name: "one", DomainID: domainID, CreatedAt: testNow()}, {ID: "p3", Name: "three", DomainID: domainID, CreatedAt: testNow()},
		{ID: "p2", Name: "two", DomainID: domainID, CreatedAt: testNow()},
	}, w.err
}

func (w *fakes) EnterpriseProjects(_ context.Context, domainID string) ([]plimsoll.EnterpriseProject, error) {
	var out []plimsoll.EnterpriseProject
	for i, id := range []string{"0", "e7", "e8", "e9"} {
		out = append(out, plimsoll.EnterpriseProject{ID: id, Name: "name of " + id, DomainID: domainID, CreatedAt: testNow().Add(time.Duration(i-1) * time.Second)})
	}
	return out, w.err
}

func (w *fakes) ForProject(_ context.Context, p plimsoll.Principal, id string) (plimsoll.Principal, error) {
	if id != "" && p.Project.ID == id {
		return p, nil
	}
	if p.Method != "key" || id != "" && id != project {
		return p, plimsoll.Errorf(plimsoll.Forbidden, "no grant there")
	}
	p.Project, p.Grants = plimsoll.Project{ID: project}, p.User.Grants
	return p, nil
}

func (w *fakes) SignIn(_ context.Context, s iam.SignIn) (string, plimsoll.Token, plimsoll.Principal, error) {
	w.signIn = s
	if s.Password != "right" && s.Token != "earlier" {
		return "", plimsoll.Token{}, plimsoll.Principal{}, plimsoll.Errorf(plimsoll.Unauthenticated, "the user name or password is wrong")
	}
	return "secret-token", plimsoll.Token{IssuedAt: testNow(), ExpiresAt: testNow().Add(24 * time.Hour)}, w.principals["t-editor"], nil
}

func (w *fakes) Images(_ context.Context, f plimsoll.ImageFilter) (plimsoll.Page[plimsoll.Image], error) {
	if w.panics {
		panic("boom with secret detail")
	}
	w.filters = append(w.filters, f)
	return w.page, w.err
}

func (w *fakes) FindImage(_ context.Context, l plimsoll.ImageLookup) (plimsoll.Image, error) {
	w.lookups = append(w.lookups, l)
	if l.ID == "404" {
		return plimsoll.Image{}, plimsoll.Errorf(plimsoll.NotFound, "image 404 of project elsewhere")
	}
	return w.found, w.err
}

func (w *fakes) ImagePackages(context.Context, plimsoll.Image, bool) ([]plimsoll.ListedPackage, error) {
	return []plimsoll.ListedPackage{{Package: plimsoll.Package{Name: "zlib", Version: "1"}, Path: "p"}}, w.err
}

func (w *fakes) ImageVulnerabilities(_ context.Context, _ plimsoll.Image, f plimsoll.VulnerabilityFilter) (plimsoll.Page[plimsoll.Placed], error) {
	w.vulFilters = append(w.vulFilters, f)
	return w.placed, w.err
}

func (w *fakes) ImageFiles(context.Context, plimsoll.Image) (plimsoll.FileFacts, error) {
	return plimsoll.FileFacts{Count: 2, Bytes: 12, Largest: []plimsoll.FileFact{{Path: "usr/bin/a", Size: 9}, {Path: "etc/B", Size: 3}}}, w.err
}

func (w *fakes) RuleTallies(_ context.Context, f plimsoll.ImageFilter) ([]plimsoll.RuleTally, error) {
	w.filters = append(w.filters, f)
	return w.tallies, w.err
}

func (w *fakes) ImageSettings(context.Context, plimsoll.Image) ([]plimsoll.Setting, error) {
	return w.settings, w.err
}

func (w *fakes) WeakPasswords(context.Context, string) ([]string, error) { return w.words, w.err }

func (w *fakes) SetWeakPasswords(_ context.Context, projectID, by string, words []string) error {
	w.words = append([]string{projectID, by}, words...)
	return w.err
}

func (w *fakes) SoftwarePolicy(context.Context, string) ([]plimsoll.SoftwareRule, error) {
	return plimsoll.DefaultSoftwarePolicy(), w.err
}

func (w *fakes) SetSoftwarePolicy(context.Context, string, string, []plimsoll.SoftwareRule) error {
	return w.err
}

func (w *fakes) ForbiddenSoftware(context.Context, plimsoll.Image) ([]plimsoll.ForbiddenSoftware, error) {
	return nil, w.err
}

func (w *fakes) ImageSecrets(context.Context, plimsoll.Image) ([]plimsoll.FoundSecret, error) {
	return w.secrets, w.err
}

func (w *fakes) Secrets(_ context.Context, f plimsoll.SecretFilter) (plimsoll.Page[plimsoll.FoundSecret], error) {
	w.secretFilters = append(w.secretFilters, f)
	return plimsoll.Page[plimsoll.FoundSecret]{Total: len(w.secrets), Items: w.secrets}, w.err
}

func (w *fakes) IgnoreSecret(_ context.Context, projectID string, eps []string, id, by string, ignore bool) error {
	w.ignored = append(w.ignored, fmt.Sprint(projectID, eps, id, by, ignore))
	if id == "none" {
		return plimsoll.Errorf(plimsoll.NotFound, "no such finding")
	}
	return w.err
}

func (w *fakes) SecretPaths(context.Context, string) ([]string, error) { return w.paths, w.err }

func (w *fakes) SetSecretPaths(_ context.Context, _, _ string, patterns []string) error {
	w.paths = patterns
	return errors.Join(plimsoll.ValidateSecretPaths(patterns), w.err)
}

func (w *fakes) MalwareFiles(_ context.Context, f plimsoll.ImageFilter, _ string) (plimsoll.Page[plimsoll.MalwareFile], error) {
	w.filters = append(w.filters, f)
	return plimsoll.Page[plimsoll.MalwareFile]{}, w.err
}

func (w *fakes) SettingImages(_ context.Context, f plimsoll.ImageFilter) (plimsoll.Page[plimsoll.ImageSettings], error) {
	w.filters = append(w.filters, f)
	page := plimsoll.Page[plimsoll.ImageSettings]{Total: w.page.Total}
	for _, img := range w.page.Items {
		page.Items = append(page.Items, plimsoll.ImageSettings{Image: img, Settings: w.settings})
	}
	return page, w.err
}

func (w *fakes) WeakAccounts(_ context.Context, f plimsoll.ImageFilter, _ string) (plimsoll.Page[plimsoll.WeakAccount], error) {
	w.filters = append(w.filters, f)
	return plimsoll.Page[plimsoll.WeakAccount]{}, w.err
}

func (w *fakes) BaseImages(_ context.Context, _ plimsoll.Image, eps []string) ([]plimsoll.BaseImage, error) {
	w.bases = append(w.bases, eps)
	return []plimsoll.BaseImage{{Repository: "base/debian", Tag: "12", Digest: digestB, TopLayer: digestC, Release: &plimsoll.OSRelease{ID: "debian", VersionID: "12"}}, {Repository: "scratchy"}}, w.err
}

// ask sends one request to a handler in memory.
func ask(h http.Handler, method, url, token, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, url, bytes.NewReader([]byte(body)))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("X-Auth-Token", token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}
