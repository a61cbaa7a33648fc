package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
	"plimsoll/api/base"
)

// pathSamples are values of path parameters for which the fakes have an object.
var pathSamples = map[string]string{
	"project_id": project, "image_id": "1", "vul_id": "CVE-2026-1000", "cve": "CVE-2026-1000", "check_name": "SSH",
	"id": "5", "name": "u", "access": "AK2", "feed": "debian",
}

// bodySamples are bodies, by operation id. An operation that needs one and has none fails the test.
var bodySamples = map[string]string{
	"ChangeExtendedWeakPassword": `{"extended_weak_password":["harbour"]}`,
	"ChangeSensitiveInfo":        `{"sensitive_info_id":"a","operate_type":"ignore"}`,
	"ChangeFilePathWhiteLists":   `{"customized_path":["/srv/*"]}`,
	"ChangeFilePathWhiteDetail":  `{"customized_path":[]}`,
	"RunImageSynchronize":        private,
	"BatchScanSwrImage":          oneRef,
	"HandleImageVulnerability":   ignoreAll,
	"CreateToken":                `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"edda","password":"right"}}}}}`,
	"setSoftwarePolicy":          `{"rules":null}`,
	"addRegistry":                `{"name":"n","url":"https://r.example"}`,
	"scanImages":                 `{"images":[{"namespace":"a","name":"b","tag":"c"}]}`,
	"addDecision":                `{"finding":"CVE-2026-1000","status":"ignored"}`,
	"importVEX":                  `{"a":1}`,
	"importAdvisories":           "zip",
	"addUser":                    `{"name":"u","password":"p"}`,
	"setPassword":                `{"password":"p"}`,
	"addKey":                     `{"user":"u"}`,
}

// querySamples replace what is derived from the OpenAPI, or name another object than pathSamples.
var querySamples = map[string]string{
	"ShowImageCheckRuleDetail": "image_type=private_image&check_name=SSH&check_type=SSH&check_rule_id=ssh.a&standard=hw_standard",
	"removeKey":                "user=u",
}

var idSamples = map[string]map[string]string{
	"removeRegistry": {"name": "dock"}, "syncRegistry": {"name": "dock"}, "ShowProject": {"id": project}, "ShowEnterpriseProject": {"id": "e7"},
}

// hiddenObjects are operations whose object is unknown, 404, to callers without any role in it. The table cannot say that.
var hiddenObjects = map[string]bool{"showTask": true, "ShowProject": true, "ShowEnterpriseProject": true}

// sampleRequest builds a request that succeeds for an administrator.
func sampleRequest(op base.Operation, doc *huma.OpenAPI) (url, body string) {
	path := op.Path
	for name, value := range pathSamples {
		if other, ok := idSamples[op.ID][name]; ok {
			value = other
		}
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	query, given := querySamples[op.ID]
	if !given {
		var parts []string
		for _, p := range operationIn(doc, op).Parameters {
			if p.In == "query" && p.Required {
				parts = append(parts, p.Name+"="+p.Schema.Enum[0].(string)) // a panic here: the operation needs a sample
			}
		}
		query = strings.Join(parts, "&")
	}
	if query != "" {
		path += "?" + query
	}
	return path, bodySamples[op.ID]
}

func operationIn(doc *huma.OpenAPI, op base.Operation) *huma.Operation {
	item := doc.Paths[op.Path]
	return map[string]*huma.Operation{
		http.MethodGet: item.Get, http.MethodHead: item.Head, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodDelete: item.Delete,
	}[op.Method]
}

// refusals are what the families answer to callers who are unknown, who lack the role, and who are of another project.
var refusals = map[string]struct{ unknown, forbidden, elsewhere refusalSample }{
	"hss": {
		unknown: refusalSample{401, `"error_code":"APIGW.0301"`}, forbidden: refusalSample{400, `"error_code":"HSS.0013"`},
		elsewhere: refusalSample{403, `"error_code":"APIGW.0302"`},
	},
	"iam": {unknown: refusalSample{401, `{"error":{"code":401,`}},
	"v1": {
		unknown: refusalSample{401, `"code":"unauthenticated"`}, forbidden: refusalSample{403, `"code":"forbidden"`},
		elsewhere: refusalSample{403, `"code":"forbidden"`},
	},
}

type refusalSample struct {
	status int
	has    string
}

// callersOf lists callers with their highest role in the project.
var callersOf = []struct {
	token string
	role  plimsoll.Role
}{{"t-none", ""}, {"t-reader", plimsoll.RoleReader}, {"t-editor", plimsoll.RoleEditor}, {"t-admin", plimsoll.RoleAdmin}}

// TestWhoMayDoWhat calls every operation of the tables as every kind of caller.
func TestWhoMayDoWhat(t *testing.T) {
	w := newFakes()
	w.registries = []plimsoll.Registry{{ID: 1, Tenant: plimsoll.Tenant{ProjectID: project, EnterpriseProject: "0"}, Name: "dock", Kind: plimsoll.RegistryOther}}
	w.tallies = []plimsoll.RuleTally{{Rule: plimsoll.Rule{ID: "ssh.a", Check: "SSH", Standards: []plimsoll.Standard{plimsoll.StandardPractice}}}}
	h := w.api(t, nil)
	for _, family := range families(DefaultConfig(), w.roles()) {
		for _, op := range family.Operations {
			t.Run(op.ID, func(t *testing.T) { tryEveryCaller(t, h, family, op) })
		}
	}
}

func tryEveryCaller(t *testing.T, h *API, family *base.Family, op base.Operation) {
	url, body := sampleRequest(op, h.OpenAPI())
	status := op.Status
	if status == 0 {
		status = http.StatusOK
	}
	want := func(token, url string, want refusalSample) {
		t.Helper()
		rec := ask(h, op.Method, url, token, body, "X-Subject-Token", token)
		if rec.Code != want.status || op.Method != http.MethodHead && !strings.Contains(rec.Body.String(), want.has) || token == "guess" && strings.Contains(rec.Body.String(), token) {
			t.Errorf("%s %s as %q: %d %s, want %d %s", op.Method, url, token, rec.Code, rec.Body, want.status, want.has)
		}
	}
	if op.Access == base.Public {
		want("", url, refusalSample{status: status})
		return
	}
	refused := refusals[family.Name]
	for _, token := range []string{"", "guess"} {
		want(token, url, refused.unknown)
	}
	for _, caller := range callersOf {
		switch {
		case hiddenObjects[op.ID] && caller.role == "":
			want(caller.token, url, refusalSample{status: http.StatusNotFound})
		case op.Access.Role() != "" && !caller.role.Includes(op.Access.Role()):
			want(caller.token, url, refused.forbidden)
		default:
			want(caller.token, url, refusalSample{status: status})
		}
	}
	tryOtherProjects(family, op, url, refused.elsewhere, want)
}

// tryOtherProjects calls an operation for the project as callers of another one, or of none.
func tryOtherProjects(family *base.Family, op base.Operation, url string, elsewhere refusalSample, want func(token, url string, want refusalSample)) {
	switch {
	case family.Name == "hss":
		want("t-other", url, elsewhere)
		want("t-unscoped", url, elsewhere)
	case family.ProjectQuery:
		separator := "?"
		if strings.Contains(url, "?") {
			separator = "&"
		}
		named := url + separator + "project=" + project
		want("t-other", named, elsewhere)
		want("t-unscoped", named, elsewhere)
		if op.Access.Role() != "" {
			want("t-unscoped", url, refusalSample{http.StatusBadRequest, `"message":"the request is for no project"`})
		}
	}
}

// TestEveryOperationHasItsRole checks that descriptions name the role and that every operation is documented.
func TestEveryOperationHasItsRole(t *testing.T) {
	w := newFakes()
	doc := w.api(t, nil).OpenAPI()
	seen := map[string]bool{}
	for _, family := range families(DefaultConfig(), w.roles()) {
		for _, op := range family.Operations {
			described := operationIn(doc, op)
			if described == nil || !strings.HasSuffix(described.Description, op.Access.String()) || op.Access.String() == "" || described.Summary == "" {
				t.Errorf("%s: %+v", op.ID, described)
			}
			if seen[op.ID] {
				t.Errorf("%s is registered twice", op.ID)
			}
			seen[op.ID] = true
			if public := len(described.Security) == 0; public != (op.Access == base.Public) {
				t.Errorf("%s: public %v", op.ID, public)
			}
		}
	}
}

// TestOperationsThatAreNotOffered calls every operation of the contract that the table has not.
func TestOperationsThatAreNotOffered(t *testing.T) {
	w := newFakes()
	h := w.api(t, nil)
	routes := families(DefaultConfig(), w.roles())[0].NotOffered
	if len(routes) == 0 {
		t.Fatal("no operation")
	}
	try := func(r base.Route, token string, headers ...string) *httptest.ResponseRecorder {
		url := strings.NewReplacer("{project_id}", project, "{", "", "}", "").Replace(r.Path)
		return ask(h, r.Method, url, token, `{"any":"body"}`, headers...)
	}
	for _, r := range routes {
		for token, want := range map[string]refusalSample{
			"":           {401, `"error_code":"APIGW.0301"`},
			"t-other":    {403, `"error_code":"APIGW.0302"`},
			"t-reader":   {501, `"error_code":"APIGW.0101","error_msg":"this server does not offer the operation","error_description":"this server does not offer the operation","request_id":"`},
			"t-unscoped": {403, `"error_code":"APIGW.0302"`},
		} {
			if rec := try(r, token); rec.Code != want.status || !strings.Contains(rec.Body.String(), want.has) {
				t.Errorf("%s as %q: %d %s", r.ID, token, rec.Code, rec.Body)
			}
		}
	}
	if rec := try(routes[0], "", "Authorization", signed); rec.Code != 501 {
		t.Errorf("signed: %d %s", rec.Code, rec.Body)
	}
	if strings.Contains(ask(h, "GET", "/openapi.json", "", "").Body.String(), routes[0].ID) {
		t.Error("the OpenAPI has an operation that is not offered")
	}
}
