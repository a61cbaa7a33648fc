package api

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

// TestUsersOfOtherProjects holds that an administrator cannot take over, or learn of, users with rights elsewhere.
func TestUsersOfOtherProjects(t *testing.T) {
	h := newFakes().api(t, nil)
	password := `{"password":"another"}`
	run(t, h, []scenario{
		{name: "list", method: "GET", url: "/api/v1/users", token: "t-admin", status: 200,
			has: []string{`"total":4`, `"both"`, `"new"`}, hasNot: []string{"far", "p2", "phc"}},
		{name: "password of a user elsewhere too", method: "PUT", url: "/api/v1/users/both/password", token: "t-admin", body: password, status: 403},
		{name: "removal of a user elsewhere too", method: "DELETE", url: "/api/v1/users/both", token: "t-admin", status: 403},
		{name: "key of a user elsewhere too", method: "POST", url: "/api/v1/keys", token: "t-admin", body: `{"user":"both"}`, status: 403},
		{name: "password of a user elsewhere", method: "PUT", url: "/api/v1/users/far/password", token: "t-admin", body: password, status: 404},
		{name: "keys of a user elsewhere", method: "GET", url: "/api/v1/keys?user=far", token: "t-admin", status: 404},
		{name: "grant elsewhere", method: "POST", url: "/api/v1/users", token: "t-admin", status: 403,
			body: `{"name":"x","password":"y","grants":[{"project_id":"p2","role":"reader"}]}`},
		{name: "grant here", method: "POST", url: "/api/v1/users", token: "t-admin", status: 201, has: []string{`"role":"editor"`}, hasNot: []string{"phc"},
			body: `{"name":"x","password":"y","grants":[{"project_id":"p1","role":"editor"}]}`},
		{name: "key made", method: "POST", url: "/api/v1/keys", token: "t-admin", body: `{"user":"u"}`, status: 201, has: []string{`"secret":"new-secret"`, `"access":"AK3"`}},
		{name: "keys listed", method: "GET", url: "/api/v1/keys?user=u", token: "t-admin", status: 200, has: []string{`"AK2"`}, hasNot: []string{"sealed", "secret"}},
		{name: "key unknown", method: "DELETE", url: "/api/v1/keys/AK9?user=u", token: "t-admin", status: 404},
		{name: "key removed", method: "DELETE", url: "/api/v1/keys/AK2?user=u", token: "t-admin", status: 204},
	})
}

func TestAddRegistry(t *testing.T) {
	w := newFakes()
	h := w.api(t, nil)
	rec := ask(h, "POST", "/api/v1/registries", "t-admin", `{"name":"dock","url":"https://r.example","kind":"swr-shared","username":"u","secret":"hush",
		"auth_hosts":["auth.example:443"],"repositories":["a/b"],"owner":"quay","share_expires":"2026-04-01T00:00:00Z","id":99,"project_id":"p2"}`)
	if rec.Code != 201 || strings.Contains(rec.Body.String(), "hush") {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	want := plimsoll.RegistrySpec{Secret: "hush", Registry: plimsoll.Registry{
		Tenant: plimsoll.Tenant{ProjectID: project, EnterpriseProject: "0"}, Name: "dock", URL: "https://r.example", Kind: plimsoll.RegistrySWRShared, Username: "u",
		AuthHosts: []string{"auth.example:443"}, Repositories: []string{"a/b"}, ScanOnSync: true, Owner: "quay",
		ShareExpires: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC),
	}}
	if diff := cmp.Diff(want, w.spec); diff != "" {
		t.Error(diff)
	}
	// Our own client sends the whole value.
	whole, err := json.Marshal(plimsoll.RegistrySpec{Registry: plimsoll.Registry{Name: "bare", URL: "https://r.example", Kind: plimsoll.RegistryHarbor}})
	if err != nil {
		t.Fatal(err)
	}
	rec = ask(h, "POST", "/api/v1/registries", "t-admin", string(whole))
	if rec.Code != 201 || w.spec.ScanOnSync || w.spec.EnterpriseProject != "0" || w.spec.Kind != plimsoll.RegistryHarbor {
		t.Errorf("%d %s: %+v", rec.Code, rec.Body, w.spec)
	}
	w.err = plimsoll.Errorf(plimsoll.Conflict, "the name is taken").WithHint("choose another")
	run(t, h, []scenario{
		{name: "name taken", method: "POST", url: "/api/v1/registries", token: "t-admin", body: `{"name":"dock","url":"https://r"}`, status: 409,
			has: []string{`"code":"conflict"`, `"message":"the name is taken"`, `"hint":"choose another"`, `"request_id":"`}},
		{name: "name with a slash", method: "POST", url: "/api/v1/registries", token: "t-admin", body: `{"name":"a/b","url":"https://r"}`, status: 400},
		{name: "unknown kind", method: "POST", url: "/api/v1/registries", token: "t-admin", body: `{"name":"a","url":"https://r","kind":"quay"}`, status: 400},
		{name: "all enterprise projects", method: "POST", url: "/api/v1/registries", token: "t-admin", body: `{"name":"a","url":"https://r","enterprise_project_id":"all_granted_eps"}`, status: 400},
		{name: "an enterprise project of others", method: "POST", url: "/api/v1/registries", token: "t-scoped", body: `{"name":"a","url":"https://r","enterprise_project_id":"e7"}`, status: 403},
	})
}

func TestTasksOfEnterpriseProjects(t *testing.T) {
	run(t, newFakes().api(t, nil), []scenario{
		{name: "own", method: "GET", url: "/api/v1/tasks/6", token: "t-scoped", status: 200, has: []string{`"state":"finished"`}},
		{name: "of others", method: "GET", url: "/api/v1/tasks/5", token: "t-scoped", status: 404, has: []string{"no task 5"}},
		{name: "none", method: "GET", url: "/api/v1/tasks/7", token: "t-scoped", status: 404, has: []string{"no task 7"}},
		{name: "not a number", method: "GET", url: "/api/v1/tasks/x", token: "t-admin", status: 400},
		{name: "list of an enterprise project", method: "GET", url: "/api/v1/tasks", token: "t-scoped", status: 200, has: []string{`"total":1`, `"id":6`}},
		{name: "list of all", method: "GET", url: "/api/v1/tasks", token: "t-reader", status: 200, has: []string{`"total":2`}},
		{name: "list of a kind", method: "GET", url: "/api/v1/tasks?kind=scan", token: "t-reader", status: 200, has: []string{`"total":1`, `"id":5`}},
		{name: "list of none", method: "GET", url: "/api/v1/tasks?kind=rematch", token: "t-reader", status: 200, has: []string{`{"total":0,"items":[]}`}},
		{name: "list of no kind", method: "GET", url: "/api/v1/tasks?kind=walk", token: "t-reader", status: 400},
	})
}

func TestOwnImageFilter(t *testing.T) {
	w := newFakes()
	h := w.api(t, nil)
	url := "/api/v1/images?origin=private,shared&state=failed&repository=a%2Fb&digest=" + string(digestA) +
		"&latest=true&updated_from=2026-01-02T03:04:05Z&has_vulnerability=false&limit=7"
	if rec := ask(h, "GET", url, "t-reader", ""); rec.Code != 200 || rec.Body.String() != `{"total":0,"items":[]}`+"\n" {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	want := plimsoll.ImageFilter{
		ProjectID: project, Origins: []plimsoll.Origin{plimsoll.OriginPrivate, plimsoll.OriginShared}, States: []plimsoll.ScanState{plimsoll.ScanFailed},
		Repository: "a/b", Digest: digestA, LatestOnly: true, UpdatedFrom: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		HasVulnerability: new(false), Limit: 7,
	}
	if diff := cmp.Diff(want, w.filters[0]); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"origin=moon", "state=success", "digest=abc", "limit=201", "updated_from=yesterday"} {
		if rec := ask(h, "GET", "/api/v1/images?"+bad, "t-reader", ""); rec.Code != 400 || !strings.Contains(rec.Body.String(), `"code":"invalid"`) {
			t.Errorf("%s: %d %s", bad, rec.Code, rec.Body)
		}
	}
}

func TestHistory(t *testing.T) {
	w := newFakes()
	h := w.api(t, nil)
	const history, findings = "/api/v1/images/7/history", "/api/v1/images/7/findings"
	run(t, h, []scenario{
		{name: "history", method: "GET", url: history + "?vulnerability=cve-2026-1&after=abc&limit=3", token: "t-reader", status: 200,
			has: []string{`"event":"appeared"`, `"reason":"new_advisory"`, `"next":"more"`}},
		{name: "findings at", method: "GET", url: findings + "?at=2026-01-02T03:04:05Z", token: "t-scoped", status: 200, has: []string{`"known":false`, `"items":[]`}},
		{name: "findings now", method: "GET", url: findings, token: "t-admin", status: 200},
		{name: "nobody", method: "GET", url: history, status: 401},
		{name: "no role", method: "GET", url: history, token: "t-none", status: 403},
		{name: "no project", method: "GET", url: history, token: "t-unscoped", status: 400, has: []string{"the request is for no project"}},
		{name: "enterprise project of others", method: "GET", url: findings + "?enterprise_project_id=e9", token: "t-scoped", status: 403},
		{name: "unknown image", method: "GET", url: "/api/v1/images/404/history", token: "t-reader", status: 404, has: []string{"no such image"}, hasNot: []string{"elsewhere"}},
		{name: "not a time", method: "GET", url: findings + "?at=yesterday", token: "t-reader", status: 400},
		{name: "too many", method: "GET", url: history + "?limit=201", token: "t-reader", status: 400},
	})
	want := []plimsoll.HistoryFilter{
		{Vulnerability: "cve-2026-1", After: "abc", Limit: 3}, {At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Limit: 50}, {Limit: 50},
	}
	if diff := cmp.Diff(want, w.histories); diff != "" {
		t.Error(diff)
	}
	if l := w.lookups[0]; l.ProjectID != project || l.ID != "7" || l.EnterpriseProjects != nil || len(w.lookups[1].EnterpriseProjects) != 2 {
		t.Errorf("%+v", w.lookups)
	}
}
