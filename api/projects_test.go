package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/api/iam"
)

// twoProjects is somebody with roles in two projects, in one of them in one enterprise project only.
func twoProjects(w *fakes) {
	p := who("tess", project, plimsoll.Grant{ProjectID: project, EnterpriseProject: "e7", Role: plimsoll.RoleReader})
	p.User.Grants = append([]plimsoll.Grant{{ProjectID: "p2", EnterpriseProject: "e8", Role: plimsoll.RoleAdmin}}, p.Grants...)
	w.principals["t-two"] = p
}

func TestProjects(t *testing.T) {
	w := newFakes()
	twoProjects(w)
	h := w.api(t, nil)
	const list = "/v3/projects"
	one, two, three := `"id":"p1","name":"one"`, `"id":"p2","name":"two"`, `"id":"p3"`
	get := func(name, url, token string, has []string, hasNot ...string) scenario {
		return scenario{name: name, method: "GET", url: url, token: token, status: 200, has: has, hasNot: hasNot}
	}
	bad := func(name, url string) scenario {
		return scenario{name: name, method: "GET", url: url, token: "t-reader", status: 400, has: []string{`{"error":{"code":400,`}}
	}
	none := []string{`"projects":[]`}
	run(t, h, []scenario{
		get("own only", list, "t-reader", []string{one}, two, three),
		get("all of the caller", list, "t-two", []string{one, two}, three),
		get("nothing granted", list, "t-none", none),
		get("of the other", list, "t-other", []string{two}, one),
		get("by token", "/v3/auth/projects", "t-two", []string{one, two, `"self":"http://example.com/v3/auth/projects"`}, three),
		get("by name", list+"?name=two", "t-two", []string{two}, one),
		get("by name of another tenant", list+"?name=three", "t-two", none),
		get("name is exact", list+"?name=tw", "t-two", none),
		get("name with case", list+"?name=Two", "t-two", none),
		get("bare name", list+"?name", "t-two", []string{one, two}),
		get("by id", list+"?id=p1", "t-two", []string{one}, two),
		get("by domain", list+"?domain_id=d1", "t-two", []string{one, two}),
		get("by parent", list+"?parent_id=d1", "t-two", []string{one, two}),
		get("of another domain", list+"?domain_id=d2", "t-two", none),
		get("enabled", list+"?enabled=true", "t-two", []string{one, two}),
		get("disabled", list+"?enabled=false", "t-two", none),
		get("domains", list+"?is_domain=true", "t-two", none),
		get("no domains", list+"?is_domain=false&name=one&id=p1", "t-two", []string{one}, two),
		get("first page", list+"?page=1&per_page=1", "t-two", []string{one, `"previous":null`, `"next":"http://example.com/v3/projects?page=2&per_page=1"`}, two),
		get("second page", list+"?page=2&per_page=1&enabled=true", "t-two", []string{two, `"next":null`,
			`"previous":"http://example.com/v3/projects?enabled=true&page=1&per_page=1"`}, one),
		get("past the end", list+"?page=2147483647&per_page=5000", "t-two", none),
		get("without pages", list, "t-two", []string{`"links":{"self":"http://example.com/v3/projects","previous":null,"next":null}`}),
		bad("page 0", list+"?page=0"),
		bad("per_page 5001", list+"?per_page=5001"),
		bad("enabled maybe", list+"?enabled=maybe"),
		get("one", list+"/p1", "t-reader", []string{`{"project":{` + one}),
		{name: "one of others", method: "GET", url: list + "/p2", token: "t-reader", status: 404, has: []string{`{"error":{"code":404,"message":"no such project"`}},
		{name: "one that is not", method: "GET", url: list + "/p9", token: "t-reader", status: 404, has: []string{`{"error":{"code":404,"message":"no such project"`}},
		get("domain", "/v3/auth/domains", "t-none", []string{`"domains":[{"id":"d1","name":"harbour","description":"","enabled":true`}),
	})

	var got map[string]any
	if err := json.Unmarshal(ask(h, "GET", list, "t-reader", "").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"links": map[string]any{"self": "http://example.com/v3/projects", "previous": nil, "next": nil},
		"projects": []any{map[string]any{
			"id": "p1", "name": "one", "description": "", "domain_id": "d1", "parent_id": "d1", "enabled": true, "is_domain": false,
			"links": map[string]any{"self": "http://example.com/v3/projects/p1"},
		}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestProjectsBySignature is what the vendor's client asks first: signed, before it knows any project.
func TestProjectsBySignature(t *testing.T) {
	h := newFakes().api(t, nil)
	rec := ask(h, "GET", "/v3/projects?name=one", "", "", "Authorization", signed)
	if rec.Code != 200 || strings.Count(rec.Body.String(), `"parent_id"`) != 1 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	rec = ask(h, "GET", "/v3/auth/domains", "", "", "Authorization", signed, "X-Domain-Id", "d1")
	if rec.Code != 200 || !strings.Contains(rec.Body.String(), `"id":"d1"`) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	rec = ask(h, "GET", "/v3/projects", "", "", "Authorization", "SDK-HMAC-SHA256 Access=AK9, SignedHeaders=x, Signature=0")
	if rec.Code != 401 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestEnterpriseProjectList(t *testing.T) {
	w := newFakes()
	twoProjects(w)
	h := w.api(t, nil)
	const list = "/v1.0/enterprise-projects"
	get := func(name, query, token, has string, hasNot ...string) scenario {
		return scenario{name: name, method: "GET", url: list + query, token: token, status: 200, has: []string{has}, hasNot: hasNot}
	}
	empty := `{"enterprise_projects":[],"total_count":0}`
	run(t, h, []scenario{
		get("all with a role in the whole project", "", "t-reader", `"total_count":4`),
		get("granted only", "", "t-scoped", `"total_count":2`, `"id":"0"`, "e9"),
		get("granted in several projects", "", "t-two", `"total_count":2`, `"id":"0"`, "e9"),
		get("nothing granted", "", "t-none", empty),
		get("the default one", "?id=0", "t-reader", `"total_count":1`, "e7"),
		get("by id, not granted", "?id=e9", "t-scoped", empty),
		get("by name", "?name=name+of+e7", "t-scoped", `"id":"e7"`, "e8"),
		get("part of a name, any case", "?name=OF+e7", "t-reader", `"total_count":1`, "e8"),
		get("no part of a name", "?name=e77", "t-reader", empty),
		get("commercial", "?type=prod", "t-reader", `"total_count":4`),
		get("on trial", "?type=poc", "t-reader", empty),
		get("newest first", "?limit=1", "t-reader", `"id":"e9"`),
		get("oldest first", "?limit=1&sort_dir=asc&sort_key=updated_at", "t-reader", `"id":"0"`, "e9"),
		get("enabled", "?status=1", "t-reader", `"total_count":4`),
		get("disabled", "?status=2", "t-reader", empty),
		get("a page", "?offset=1&limit=2", "t-reader", `"id":"e8"`, `"id":"0"`, "e9"),
		get("past the end", "?offset=2147483647", "t-reader", `{"enterprise_projects":[],"total_count":4}`),
		get("bare and unknown", "?id&name&status&sort_key&x=y", "t-reader", `"total_count":4`),
		{name: "limit 0", method: "GET", url: list + "?limit=0", token: "t-reader", status: 400, has: []string{`{"error":{"code":400,`}},
		{name: "limit 1001", method: "GET", url: list + "?limit=1001", token: "t-reader", status: 400},
		{name: "offset negative", method: "GET", url: list + "?offset=-1", token: "t-reader", status: 400},
		{name: "one", method: "GET", url: list + "/e7", token: "t-scoped", status: 200, has: []string{
			`{"enterprise_project":{"id":"e7","name":"name of e7","description":"","status":1,"created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z","type":"prod","delete_flag":false}}`}},
		{name: "one not granted", method: "GET", url: list + "/e9", token: "t-scoped", status: 404, has: []string{"no such enterprise project"}},
		{name: "none such", method: "GET", url: list + "/e1", token: "t-scoped", status: 404, has: []string{"no such enterprise project"}},
	})
}

func TestTokenOperations(t *testing.T) {
	w := newFakes()
	h := w.api(t, nil)
	const url = "/v3/auth/tokens"
	head := func(method, token, subject string, status int) {
		t.Helper()
		rec := ask(h, method, url, token, "", "X-Subject-Token", subject)
		if rec.Code != status {
			t.Errorf("%s %s by %q: %d %s", method, subject, token, rec.Code, rec.Body)
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		head(method, "t-reader", "t-reader", 200)
		head(method, "t-reader", "t-admin", 404)
		head(method, "t-reader", "t-old", 404)
		head(method, "t-reader", "guess", 404)
		head(method, "t-old", "t-reader", 401)
		head(method, "", "t-reader", 401)
		head(method, "t-reader", "", 400)
	}
	head("DELETE", "t-reader", "t-admin", 404)
	head("DELETE", "t-admin", "t-reader", 404)
	head("DELETE", "t-reader", "guess", 404)
	head("DELETE", "", "t-reader", 401)
	if len(w.removed) > 0 {
		t.Errorf("revoked %v", w.removed)
	}
	head("DELETE", "t-reader", "t-reader", 204)
	if d := cmp.Diff([]string{"t-reader"}, w.removed); d != "" {
		t.Error(d)
	}
}

func TestCatalog(t *testing.T) {
	w := newFakes()
	h := w.api(t, nil)
	types := func(rec string) (kinds []string) {
		var got struct {
			Token struct {
				Catalog []struct {
					Type      string
					Endpoints []struct{ Interface, Region, URL string }
				}
			}
		}
		if err := json.Unmarshal([]byte(rec), &got); err != nil {
			t.Fatal(err)
		}
		for _, s := range got.Token.Catalog {
			kinds = append(kinds, s.Type+" "+s.Endpoints[0].Interface+" "+s.Endpoints[0].Region+" "+s.Endpoints[0].URL)
		}
		return kinds
	}
	show := func(token, query string) []string {
		return types(ask(h, "GET", "/v3/auth/tokens"+query, token, "", "X-Subject-Token", token).Body.String())
	}
	iam, eps := "iam public * http://example.com/v3", "eps public * http://example.com/v1.0"
	if d := cmp.Diff([]string{iam, eps, "hss public p1 http://example.com/v5/p1"}, show("t-reader", "")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{iam, eps}, show("t-unscoped", "")); d != "" {
		t.Error(d)
	}
	if got := show("t-reader", "?nocatalog=1"); len(got) > 0 {
		t.Errorf("nocatalog: %v", got)
	}
	h = w.api(t, nil, func(c *Config) { c.PublicURL = "https://plimsoll.example/" })
	if got := show("t-unscoped", ""); got[0] != "iam public * https://plimsoll.example/v3" {
		t.Errorf("configured address: %v", got)
	}
}

func TestScopesOfATokenRequest(t *testing.T) {
	password := `"methods":["password"],"password":{"user":{"name":"edda","password":"right","domain":{"name":"harbour"}}}`
	token := `"methods":["token"],"token":{"id":"earlier"}`
	for name, c := range map[string]struct {
		body   string
		status int
		want   iam.SignIn
		has    string
	}{
		"by project":          {`{"auth":{"identity":{` + token + `},"scope":{"project":{"id":"p2"}}}}`, 201, iam.SignIn{Token: "earlier", ProjectID: "p2"}, `"methods":["token"]`},
		"by name and domain":  {`{"auth":{"identity":{` + token + `},"scope":{"project":{"name":"n","domain":{"name":"harbour"}}}}}`, 201, iam.SignIn{Token: "earlier", ProjectName: "n", ScopeDomain: "harbour"}, `"methods":["token"]`},
		"domain":              {`{"auth":{"identity":{` + token + `},"scope":{"domain":{"id":"d1","name":"x"}}}}`, 201, iam.SignIn{Token: "earlier", ScopeDomain: "d1"}, ``},
		"project wins":        {`{"auth":{"identity":{` + token + `},"scope":{"domain":{"id":"d1"},"project":{"id":"p2"}}}}`, 201, iam.SignIn{Token: "earlier", ProjectID: "p2"}, ``},
		"no scope":            {`{"auth":{"identity":{` + token + `}}}`, 201, iam.SignIn{Token: "earlier"}, ``},
		"password and domain": {`{"auth":{"identity":{` + password + `},"scope":{"domain":{"name":"harbour"}}}}`, 201, iam.SignIn{UserName: "edda", Password: "right", DomainName: "harbour", ScopeDomain: "harbour"}, `"methods":["password"]`},
		"unknown token":       {`{"auth":{"identity":{"methods":["token"],"token":{"id":"later"}}}}`, 401, iam.SignIn{Token: "later"}, `{"error":{"code":401,`},
		"both methods":        {`{"auth":{"identity":{"methods":["password","token"],"token":{"id":"earlier"}}}}`, 400, iam.SignIn{}, `{"error":{"code":400,`},
		"no token":            {`{"auth":{"identity":{"methods":["token"]}}}`, 400, iam.SignIn{}, `{"error":{"code":400,`},
		"empty token":         {`{"auth":{"identity":{"methods":["token"],"token":{"id":""}}}}`, 400, iam.SignIn{}, `{"error":{"code":400,`},
		"agency":              {`{"auth":{"identity":{"methods":["assume_role"],"assume_role":{"agency_name":"a"}}}}`, 400, iam.SignIn{}, `{"error":{"code":400,`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFakes()
			rec := ask(w.api(t, nil), "POST", "/v3/auth/tokens", "", c.body)
			w.signIn.Source = ""
			if rec.Code != c.status || !strings.Contains(rec.Body.String(), c.has) || strings.Contains(rec.Body.String(), "later") {
				t.Errorf("%d %s", rec.Code, rec.Body)
			}
			if d := cmp.Diff(c.want, w.signIn); d != "" {
				t.Error(d)
			}
		})
	}
}
