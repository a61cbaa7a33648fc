package api

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

// shownAndListed is an image's vul_num and how many rows its list has in each state.
type shownAndListed struct{ num, unhandled, handled float64 }

func (h *realServer) shown(token string) shownAndListed {
	h.t.Helper()
	base := "/v5/" + h.project.ID + "/image/"
	image := rows(h.get(token, base+"swr-repository?image_type=private_image&image_version=1.0", 200))[0]
	list := func(state string) float64 {
		return h.get(token, base+digestA.Hex()+"/vulnerabilities?image_type=private_image&handle_status="+state, 200)["total_num"].(float64)
	}
	return shownAndListed{image["vul_num"].(float64), list("unhandled"), list("handled")}
}

// TestHandle walks through every operation and selection of HandleImageVulnerability. The image has
// CVE-2024-1 in two packages and CVE-2024-2 in one.
func TestHandle(t *testing.T) {
	h := newRealServer(t, "editor")
	h.stock()
	token := h.signIn("editor", h.project.ID)
	id := digestA.Hex()
	all, none := shownAndListed{2, 3, 0}, shownAndListed{0, 0, 3}
	first := shownAndListed{1, 1, 2}
	say := func(operate, rest string) {
		t.Helper()
		body := `{"image_type":"registry","type":"linux_vul","operate_type":"` + operate + `","remark":"seen",` + rest + `}`
		if got := h.call("POST", token, "/v5/"+h.project.ID+"/image/vulnerability/handle", body, 200); len(got) != 0 {
			t.Errorf("answered %v", got)
		}
	}
	for _, c := range []struct {
		name, chosen string
		want         shownAndListed
	}{
		{"all", `"select_type":"all_vul"`, none},
		{"all of an image", `"select_type":"specific_image_all_vul","image_id_list":["` + id + `"]`, none},
		{"one everywhere", `"select_type":"specific_vul_all_image","vul_id_list":["CVE-2024-1"]`, first},
		{"by vulnerability", `"select_type":"vul_view","vul_data_list":[{"vul_id":"CVE-2024-1","image_id_list":["` + id + `"]}]`, first},
		{"by image", `"select_type":"image_view","image_data_list":[{"image_id":"` + id + `","vul_id_list":["CVE-2024-1","CVE-2024-1"]}]`, first},
		{"one that is not there", `"select_type":"specific_vul_all_image","vul_id_list":["CVE-2024-9"]`, all},
		{"those that are handled", `"select_type":"all_vul","handle_status":"handled"`, all},
		{"those of an image that are handled", `"handle_status":"handled","select_type":"specific_image_all_vul","image_id_list":["` + id + `"]`, all},
		{"those of an image that are not", `"handle_status":"unhandled","select_type":"specific_image_all_vul","image_id_list":["` + id + `"]`, none},
		{"nothing", `"select_type":"image_view"`, all},
	} {
		for _, operate := range []string{"ignore", "manual_repair", "add_to_whitelist"} {
			say(operate, c.chosen)
			if got := h.shown(token); got != c.want {
				t.Errorf("%s %s: %v, want %v", operate, c.name, got, c.want)
			}
			say("not_ignore", strings.ReplaceAll(c.chosen, `"unhandled"`, `"handled"`))
			if got := h.shown(token); got != all {
				t.Errorf("%s %s, taken back: %v", operate, c.name, got)
			}
		}
	}
	// Handled everywhere, taken back in one image.
	say("ignore", `"select_type":"all_vul"`)
	say("not_ignore", `"select_type":"image_view","image_data_list":[{"image_id":"`+id+`","vul_id_list":["CVE-2024-2"]}]`)
	if got := h.shown(token); got != (shownAndListed{1, 1, 2}) {
		t.Errorf("taken back in one image: %v", got)
	}
	say("not_ignore", `"select_type":"all_vul"`)
	if got := h.shown(token); got != all {
		t.Errorf("taken back everywhere: %v", got)
	}
	// Of the other kind of package nothing is chosen.
	h.call("POST", token, "/v5/"+h.project.ID+"/image/vulnerability/handle",
		`{"image_type":"registry","type":"app_vul","operate_type":"ignore","select_type":"specific_vul_all_image","vul_id_list":["CVE-2024-1"]}`, 200)
	if got := h.shown(token); got != all {
		t.Errorf("language packages: %v", got)
	}
	many := strings.TrimSuffix(strings.Repeat(`{"image_id":"`+id+`","vul_id_list":[`+strings.TrimSuffix(strings.Repeat(`"CVE-2024-1",`, 200), ",")+`]},`, 51), ",")
	for name, body := range map[string]string{
		"too many":      `{"image_type":"registry","type":"linux_vul","operate_type":"ignore","select_type":"image_view","image_data_list":[` + many + `]}`,
		"unknown image": `{"image_type":"registry","type":"linux_vul","operate_type":"ignore","select_type":"specific_image_all_vul","image_id_list":["404"]}`,
		"local image":   `{"image_type":"local","type":"linux_vul","operate_type":"ignore","select_type":"specific_image_all_vul","image_id_list":["` + id + `"]}`,
		"no type":       `{"image_type":"registry","operate_type":"ignore","select_type":"all_vul"}`,
		"unknown word":  `{"image_type":"registry","type":"linux_vul","operate_type":"forget","select_type":"all_vul"}`,
		"spaces in id":  `{"image_type":"registry","type":"linux_vul","operate_type":"ignore","select_type":"specific_vul_all_image","vul_id_list":["a b"]}`,
	} {
		if rec := ask(h.api, "POST", "/v5/"+h.project.ID+"/image/vulnerability/handle", token, body); rec.Code != 400 || !strings.Contains(rec.Body.String(), `"error_code":"HSS.00`) {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
}

// TestDecisionsOfTenants: another tenant's decision neither shows nor counts, nor can it be ended.
func TestDecisionsOfTenants(t *testing.T) {
	h := newRealServer(t, "editor", "reader", "other")
	h.stock()
	editor, reader, other := h.signIn("editor", h.project.ID), h.signIn("reader", h.project.ID), h.signIn("other", h.second.ID)
	h.call("POST", other, "/api/v1/decisions?enterprise_project_id=all_granted_eps", `{"finding":"CVE-2024-1","status":"ignored"}`, 201)
	h.call("POST", other, "/api/v1/decisions", `{"finding":"CVE-2024-2","status":"ignored","scope":{"digest":"`+string(digestA)+`"}}`, 201)
	if got := h.shown(reader); got != (shownAndListed{2, 3, 0}) {
		t.Errorf("another tenant's decisions count: %v", got)
	}
	if list := h.get(reader, "/api/v1/decisions?ended=true", 200); len(list["items"].([]any)) != 0 {
		t.Errorf("another tenant's decisions show: %v", list)
	}
	made := h.call("POST", editor, "/api/v1/decisions", `{"finding":"CVE-2024-1","status":"not_affected","justification":"vulnerable_code_not_present","id":77,"author":"somebody else"}`, 201)
	if made["author"] != "editor" || made["id"] == 77.0 || made["project_id"] != h.project.ID || made["enterprise_project_id"] != "0" {
		t.Errorf("made %v", made)
	}
	if got := h.shown(reader); got != (shownAndListed{1, 1, 2}) {
		t.Errorf("own decision: %v", got)
	}
	url := "/api/v1/decisions/" + strconv.FormatInt(int64(made["id"].(float64)), 10)
	a, b := ask(h.api, "DELETE", url, other, ""), ask(h.api, "DELETE", "/api/v1/decisions/999", other, "")
	if a.Code != 404 || b.Code != 404 {
		t.Errorf("ended by another tenant: %d %s, none: %d", a.Code, a.Body, b.Code)
	}
	h.call("DELETE", editor, url, "", 204)
	h.call("DELETE", editor, url, "", 404)
	if got := h.shown(reader); got != (shownAndListed{2, 3, 0}) {
		t.Errorf("after the end: %v", got)
	}
}

func TestDecisionScenarios(t *testing.T) {
	w := newFakes()
	for i := range 3 {
		w.standing = append(w.standing, plimsoll.Decision{ID: int64(9 - i), Finding: "CVE-2026-1000", Status: plimsoll.StatusIgnored})
	}
	h := w.api(t, nil)
	post := func(name, token, query, body string, status int, has ...string) scenario {
		return scenario{name: name, method: "POST", url: "/api/v1/decisions" + query, token: token, body: body, status: status, has: has}
	}
	good := `{"finding":"CVE-2026-1000","status":"ignored"}`
	run(t, h, []scenario{
		post("no finding", "t-editor", "", `{"status":"ignored"}`, 400),
		post("unknown status", "t-editor", "", `{"finding":"x","status":"fine"}`, 400),
		post("unknown kind", "t-editor", "", `{"finding":"x","status":"ignored","kind":"setting"}`, 400),
		post("unknown justification", "t-editor", "", `{"finding":"x","status":"not_affected","justification":"hope"}`, 400),
		post("of an enterprise project", "t-scoped", "?enterprise_project_id=e7", good, 201, `"enterprise_project_id":"e7"`),
		post("of one it may only read", "t-scoped", "?enterprise_project_id=e8", good, 403),
		post("of the default one without a role", "t-scoped", "", good, 403),
		post("of the whole project", "t-editor", "?enterprise_project_id=all_granted_eps", good, 201, `"enterprise_project_id":""`),
		post("of all that the role is for: one", "t-scoped", "?enterprise_project_id=all_granted_eps", good, 201, `"enterprise_project_id":"e7"`),
		post("for no project", "t-unscoped", "", good, 400, `for no project`),
		{name: "first page", method: "GET", url: "/api/v1/decisions?limit=2", token: "t-reader", status: 200, has: []string{`"id":9`, `"id":8`, `"next":"eyJkZWNpc2lvbiI6OH0"`}, hasNot: []string{`"id":7`}},
		{name: "second page", method: "GET", url: "/api/v1/decisions?limit=2&after=eyJkZWNpc2lvbiI6OH0", token: "t-reader", status: 200, has: []string{`"id":7`}, hasNot: []string{`"next"`, `"id":8`}},
		{name: "a full last page", method: "GET", url: "/api/v1/decisions?limit=3", token: "t-reader", status: 200, has: []string{`"id":7`}, hasNot: []string{`"next"`}},
		{name: "a cursor of another server", method: "GET", url: "/api/v1/decisions?after=8", token: "t-reader", status: 400, has: []string{`"code":"invalid"`, "cursor"}},
		{name: "ids below", method: "GET", url: "/api/v1/decisions?limit=2&before=8", token: "t-reader", status: 200, has: []string{`"id":7`}, hasNot: []string{`"next"`, `"id":8`}},
		{name: "unknown status", method: "GET", url: "/api/v1/decisions?status=fine", token: "t-reader", status: 400},
		{name: "limit", method: "GET", url: "/api/v1/decisions?limit=201", token: "t-reader", status: 400},
		{name: "no number", method: "DELETE", url: "/api/v1/decisions/x", token: "t-editor", status: 400},
		{name: "VEX of an unknown image", method: "GET", url: "/api/v1/vex?image_id=404", token: "t-reader", status: 404, has: []string{"no such image"}, hasNot: []string{"elsewhere"}},
		{name: "why in an unknown image", method: "GET", url: "/api/v1/images/404/vulnerabilities/CVE-2026-1000", token: "t-reader", status: 404, hasNot: []string{"elsewhere"}},
		{name: "VEX", method: "GET", url: "/api/v1/vex", token: "t-reader", status: 200, has: []string{`{"@context":"https://openvex.dev/ns/v0.2.0"}`}},
	})
	if got := fmt.Sprint(w.decisionFilters[0].EnterpriseProjects == nil, w.decisionFilters[0].Limit); got != "true 2" {
		t.Errorf("asked %+v", w.decisionFilters[0])
	}
	if rec := ask(h, "DELETE", "/api/v1/decisions/5", "t-scoped", ""); rec.Code != 204 || cmp.Diff([]string{"e7"}, w.endedIn[0]) != "" {
		t.Errorf("%d, ended in %v", rec.Code, w.endedIn)
	}
	ask(h, "POST", "/api/v1/vex?enterprise_project_id=e7", "t-scoped", `{"bomFormat":"CycloneDX"}`)
	if want := (plimsoll.Tenant{ProjectID: project, EnterpriseProject: "e7"}); len(w.tenants) != 1 || w.tenants[0] != want {
		t.Errorf("imported for %v", w.tenants)
	}
	// Our own client sends the whole value.
	whole, err := json.Marshal(plimsoll.Decision{Kind: plimsoll.FindingVulnerability, Finding: "CVE-2026-1000", Status: plimsoll.StatusFixed, Scope: plimsoll.DecisionScope{Repository: "a/b", Tag: "1", Package: "pkg:npm/x"}})
	if err != nil {
		t.Fatal(err)
	}
	w.made = nil
	if rec := ask(h, "POST", "/api/v1/decisions", "t-editor", string(whole)); rec.Code != 201 || w.made[0].Scope.Package != "pkg:npm/x" || w.made[0].Author != "edda" {
		t.Errorf("%d %s: %+v", rec.Code, rec.Body, w.made)
	}
}

func TestListVulnerabilityCve(t *testing.T) {
	w := newFakes()
	w.cves = plimsoll.Page[plimsoll.CVE]{Total: 2, Items: []plimsoll.CVE{
		{ID: "CVE-2026-1000", Score: 8.8, Description: "An <overflow>.", Published: testNow()}, {ID: "CVE-2026-1001"},
	}}
	h := w.api(t, nil)
	url := "/v5/p1/image/vulnerability/DSA-1-1/cve"
	ms := strconv.FormatInt(testNow().UnixMilli(), 10)
	run(t, h, []scenario{
		{name: "all", method: "GET", url: url, token: "t-reader", status: 200, has: []string{
			`"total_num":2`, `{"cve_id":"CVE-2026-1000","cvss_score":8.8,"publish_time":` + ms, `{"cve_id":"CVE-2026-1001","cvss_score":0,"description":""}`}},
		{name: "a page", method: "GET", url: url + "?offset=1&limit=1", token: "t-reader", status: 200, has: []string{`"total_num":2`, "CVE-2026-1001"}, hasNot: []string{"CVE-2026-1000"}},
		{name: "past the end", method: "GET", url: url + "?offset=9", token: "t-reader", status: 200, has: []string{`"total_num":2,"data_list":[]`}},
		{name: "limit", method: "GET", url: url + "?limit=201", token: "t-reader", status: 400, has: []string{"HSS.0001"}},
		{name: "enterprise project of others", method: "GET", url: url + "?enterprise_project_id=e9", token: "t-scoped", status: 400, has: []string{"HSS.0013"}},
	})
}
