package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"plimsoll"
	"plimsoll/api/iam"
	v1 "plimsoll/api/v1"
	"plimsoll/auth"
	"plimsoll/identity"
	"plimsoll/seal"
	"plimsoll/store"
	"plimsoll/store/sqlite"
)

// realServer is the API over the real store and the real identity services.
type realServer struct {
	t       *testing.T
	api     *API
	store   *store.Store
	users   *identity.Service
	domain  plimsoll.Domain
	project plimsoll.Project // of the first tenant
	second  plimsoll.Project
}

type realSignIns struct{ *auth.Authenticator }

func (r realSignIns) SignIn(ctx context.Context, s iam.SignIn) (string, plimsoll.Token, plimsoll.Principal, error) {
	return r.Authenticator.SignIn(ctx, auth.SignIn(s))
}

type realUsers struct{ *identity.Service }

func (r realUsers) AddUser(ctx context.Context, spec v1.UserSpec) (plimsoll.User, error) {
	return r.Service.AddUser(ctx, identity.NewUser(spec))
}

// newHarbour makes the users that a test names; passwords are costly to hash.
func newRealServer(t *testing.T, names ...string) *realServer {
	t.Helper()
	ctx := t.Context()
	s, err := sqlite.Inventory(ctx, filepath.Join(t.TempDir(), "inventory.db"))
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	s.DB().Now = testNow
	key, err := seal.Load(filepath.Join(t.TempDir(), "seal.key"))
	must(t, err)
	passwords := identity.NewPasswords(2)
	users := identity.New(s, key, passwords, testNow)
	first, _, err := users.Bootstrap(ctx, identity.Names{})
	must(t, err)
	second, err := users.AddProject(ctx, first.Domain.ID, "second")
	must(t, err)
	callers := auth.New(auth.DefaultConfig(), s, passwords, key, testNow)
	w := newFakes()
	roles := w.roles()
	roles.Callers = callers
	roles.IAM = iam.Roles{Tokens: callers, SignIns: realSignIns{callers}, Projects: s}
	contract, own := &roles.HSS, &roles.V1
	contract.Images, contract.Lookup, contract.Files, contract.Settings, contract.Software, contract.Secrets = s, s, s, s, s, s
	contract.Malware, contract.Vulnerabilities, contract.Scans, contract.Registries, contract.Tasks, contract.Decisions, contract.Census = s, s, s, s, s, s, s
	own.Images, own.Lookup, own.Files, own.Settings, own.Software, own.Secrets, own.Scans, own.Registries = s, s, s, s, s, s, s, s
	own.Packages = s
	own.Tasks, own.Decisions, own.Users, own.Keys = s, s, realUsers{users}, users
	cfg := DefaultConfig()
	cfg.Now, cfg.Log, cfg.TempDir = testNow, slog.New(slog.DiscardHandler), t.TempDir()
	h := &realServer{t: t, api: New(cfg, roles), store: s, users: users, domain: first.Domain, project: first.Project, second: second}
	for _, u := range []struct {
		name    string
		project string
		role    plimsoll.Role
	}{
		{"reader", h.project.ID, plimsoll.RoleReader}, {"editor", h.project.ID, plimsoll.RoleEditor},
		{"boss", h.project.ID, plimsoll.RoleAdmin}, {"other", h.second.ID, plimsoll.RoleAdmin},
	} {
		if !slices.Contains(names, u.name) {
			continue
		}
		_, err := users.AddUser(ctx, identity.NewUser{Domain: first.Domain.ID, Name: u.name, Password: "correct horse " + u.name,
			Grants: []plimsoll.Grant{{ProjectID: u.project, Role: u.role}}})
		must(t, err)
	}
	return h
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// signIn gets a token over HTTP.
func (h *realServer) signIn(name, projectID string) string {
	h.t.Helper()
	body := `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"` + name + `","password":"correct horse ` + name +
		`","domain":{"name":"` + h.domain.Name + `"}}}},"scope":{"project":{"id":"` + projectID + `"}}}}`
	rec := ask(h.api, "POST", "/v3/auth/tokens?nocatalog=true", "", body)
	if rec.Code != http.StatusCreated {
		h.t.Fatalf("sign in: %d %s", rec.Code, rec.Body)
	}
	return rec.Header().Get("X-Subject-Token")
}

func (h *realServer) get(token, url string, status int) map[string]any {
	h.t.Helper()
	return h.call("GET", token, url, "", status)
}

func (h *realServer) call(method, token, url, body string, status int) map[string]any {
	h.t.Helper()
	rec := ask(h.api, method, url, token, body)
	if rec.Code != status {
		h.t.Fatalf("%s %s: %d %s", method, url, rec.Code, rec.Body)
	}
	var got map[string]any
	if rec.Body.Len() > 0 {
		must(h.t, json.Unmarshal(rec.Body.Bytes(), &got))
	}
	delete(got, "request_id")
	return got
}

// stock puts a registry with one scanned and one new image into the first project.
func (h *realServer) stock() {
	h.t.Helper()
	ctx := h.t.Context()
	r := plimsoll.Registry{Tenant: plimsoll.Tenant{ProjectID: h.project.ID, EnterpriseProject: "0"}, Name: "dock", URL: "https://dock.example", Kind: plimsoll.RegistryOther}
	must(h.t, h.store.AddRegistry(ctx, &r))
	artifact := func(d plimsoll.Digest) plimsoll.Artifact {
		return plimsoll.Artifact{Digest: d, Kind: plimsoll.KindImage, MediaType: "application/vnd.oci.image.manifest.v1+json",
			Platform: plimsoll.Platform{OS: "linux", Architecture: "amd64"}, Size: 1000,
			Layers: []plimsoll.Layer{{Descriptor: plimsoll.Descriptor{Digest: digestC, Size: 10}, DiffID: digestC}}}
	}
	must(h.t, h.store.ApplySync(ctx, r, plimsoll.RepositoryChange{
		Repository: "team/app", Artifacts: []plimsoll.Artifact{artifact(digestA), artifact(digestB)},
		Tags: []plimsoll.TagSeen{{Tag: "1.0", Digest: digestA, PushedAt: testNow().Add(-2 * time.Hour)}, {Tag: "2.0", Digest: digestB, PushedAt: testNow().Add(-time.Hour)}},
	}, nil))
	openssl := plimsoll.Package{Ecosystem: "Debian:12", Name: "openssl", Version: "3.0.1-1"}
	bash := plimsoll.Package{Ecosystem: "Debian:12", Name: "bash", Version: "5.2-1"}
	set := plimsoll.PlacedSet{PackageSet: plimsoll.NewPackageSet(plimsoll.SetOS, []plimsoll.Package{bash, openssl}),
		Places: []plimsoll.Place{{Package: 0, Path: "var/lib/dpkg/status"}, {Package: 1, Path: "var/lib/dpkg/status"}}}
	found := func(p plimsoll.Package, id string, s plimsoll.Severity) plimsoll.Vulnerability {
		return plimsoll.Vulnerability{ID: id, Advisories: []string{id}, Aliases: []string{id}, Package: p, Severity: s, FixedVersion: "9", Summary: "About " + id}
	}
	_, err := h.store.SaveScan(ctx, plimsoll.ScanRecord{
		Tenant: plimsoll.Tenant{ProjectID: h.project.ID, EnterpriseProject: "0"}, Digest: digestA, ScannedAt: testNow(), Matcher: "m1",
		Sets: []plimsoll.PlacedSet{set},
		Judgements: []plimsoll.Judgement{{Revision: 1, Vulnerabilities: []plimsoll.Vulnerability{
			found(bash, "CVE-2024-1", plimsoll.SeverityHigh), found(openssl, "CVE-2024-1", plimsoll.SeverityHigh), found(openssl, "CVE-2024-2", plimsoll.SeverityLow),
		}}},
		Malware: []plimsoll.Malware{{Path: "tmp/x", Kind: plimsoll.MalwareMatch, Rule: "r", Engine: "e", Layer: digestC}},
		Secrets: []plimsoll.Secret{
			{Path: "srv/.env", Rule: "token", Severity: plimsoll.SeverityHigh, Line: 2, Excerpt: "tok_****", Layer: digestC, Shadowed: true},
			{Path: plimsoll.ConfigScheme + "env/KEY", Rule: "key", Severity: plimsoll.SeverityLow, Excerpt: "****"},
			{Path: "usr/lib/x", Rule: "token", Severity: plimsoll.SeverityHigh, Line: 1, Excerpt: "tok_****", Layer: digestC, Size: 9, Owned: plimsoll.OwnedByPackage},
		},
	})
	must(h.t, err)
}

func rows(list map[string]any) []map[string]any {
	var out []map[string]any
	for _, r := range list["data_list"].([]any) {
		out = append(out, r.(map[string]any))
	}
	return out
}
