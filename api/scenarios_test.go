package api

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

const (
	seed     = "/v5/p1/image/swr-repository?image_type=private_image"
	vuls     = "/v5/p1/image/1/vulnerabilities?image_type=private_image"
	syncing  = "/v5/p1/image/synchronize"
	scanning = "/v5/p1/image/batch-scan"

	handling5 = "/v5/p1/image/vulnerability/handle"
	ignoreAll = `{"image_type":"registry","type":"linux_vul","operate_type":"ignore","select_type":"all_vul"}`
	weakWords = "/v5/p1/image/baseline/extended-weak-password"

	private = `{"image_type":"private_image"}`
	oneRef  = `{"image_type":"private_image","image_info_list":[{"namespace":"a","image_name":"b","image_version":"c","instance_id":"","instance_url":""}]}`
)

type scenario struct {
	name, method, url, token, body string
	status                         int
	has, hasNot                    []string
}

func run(t *testing.T, h http.Handler, list []scenario) {
	t.Helper()
	id := regexp.MustCompile(`^[0-9a-f]{32}$`)
	for _, s := range list {
		t.Run(s.name, func(t *testing.T) {
			rec := ask(h, s.method, s.url, s.token, s.body)
			answer := rec.Body.String()
			if rec.Code != s.status {
				t.Fatalf("status %d, want %d: %s", rec.Code, s.status, answer)
			}
			for _, want := range s.has {
				if !strings.Contains(answer, want) {
					t.Errorf("no %q in %s", want, answer)
				}
			}
			for _, bad := range append(s.hasNot, "$schema") {
				if strings.Contains(answer, bad) {
					t.Errorf("%q in %s", bad, answer)
				}
			}
			if got := rec.Header().Get("X-Request-Id"); !id.MatchString(got) {
				t.Errorf("X-Request-Id is %q", got)
			}
			if rec.Header().Get("Link") != "" {
				t.Errorf("Link header %q", rec.Header().Get("Link"))
			}
			if rec.Code != http.StatusNoContent && s.method != http.MethodHead && !json.Valid(rec.Body.Bytes()) {
				t.Errorf("not JSON: %s", answer)
			}
			if ct := rec.Header().Get("Content-Type"); rec.Code != http.StatusNoContent && ct != "application/json" {
				t.Errorf("Content-Type is %q", ct)
			}
		})
	}
}

func TestErrorsOfTheContract(t *testing.T) {
	w := newFakes()
	h := w.api(t, nil)
	invalid := []string{`"error_code":"HSS.0001"`, `"request_id":"`}
	bad := func(name, url string) scenario {
		return scenario{name: name, method: "GET", url: url, token: "t-reader", status: 400, has: invalid}
	}
	good := func(name, url string) scenario {
		return scenario{name: name, method: "GET", url: url, token: "t-reader", status: 200, has: []string{`"total_num":0`, `"data_list":[]`}}
	}
	post := func(name, url, body string, status int, has ...string) scenario {
		return scenario{name: name, method: "POST", url: url, token: "t-editor", body: body, status: status, has: has}
	}
	run(t, h, []scenario{
		bad("image_type missing", "/v5/p1/image/swr-repository"),
		bad("image_type bare", "/v5/p1/image/swr-repository?image_type"),
		bad("image_type empty", "/v5/p1/image/swr-repository?image_type="),
		bad("image_type unknown", "/v5/p1/image/swr-repository?image_type=cicd"),
		bad("limit 0", seed+"&limit=0"),
		bad("limit 201", seed+"&limit=201"),
		bad("limit negative", seed+"&limit=-1"),
		bad("limit word", seed+"&limit=ten"),
		bad("limit huge", seed+"&limit=99999999999999999999"),
		bad("limit wraps to 10 in 32 bits", seed+"&limit=4294967306"),
		bad("offset 2000001", seed+"&offset=2000001"),
		bad("offset negative", seed+"&offset=-1"),
		bad("scan_status unknown", seed+"&scan_status=waiting"),
		bad("boolean word", seed+"&has_vul=maybe"),
		bad("size negative", seed+"&image_size=-1"),
		bad("updates end before they start", seed+"&start_latest_update_time=2&end_latest_update_time=1"),
		bad("scans end before they start", seed+"&start_latest_scan_time=2&end_latest_scan_time=1"),
		bad("tag too long", seed+"&image_version="+strings.Repeat("x", 129)),
		bad("broken escape", seed+"&namespace=%zz"),
		good("limit 1", seed+"&limit=1"),
		good("limit 200", seed+"&limit=200"),
		good("offset 2000000", seed+"&offset=2000000"),
		good("bare keys as the vendor's client sends them", "/v5/p1/image/swr-repository?image_name&image_type=private_image&limit&namespace&offset=0&enterprise_project_id&has_vul&image_size"),
		good("unknown parameters", seed+"&limit_=x&sort_key=a"),
		good("start without end", seed+"&start_latest_update_time=5&end_latest_update_time=0"),
		good("equal bounds", seed+"&start_latest_update_time=5&end_latest_update_time=5"),
		good("longest path", seed+"&image_name="+strings.Repeat("x", 255)),
		{name: "expired token", method: "GET", url: seed, token: "t-old", status: 401, has: []string{`"error_code":"APIGW.0307"`}},
		{name: "unknown path", method: "GET", url: "/v5/p1/image/nothing", token: "t-reader", status: 404, has: []string{`"error_code":"APIGW.0101"`, `"request_id":"`}},
		{name: "unknown own path", method: "GET", url: "/api/v1/nothing", status: 404, has: []string{`"code":"not_found"`}},
		{name: "unknown identity path", method: "GET", url: "/v3/nothing", status: 404, has: []string{`"error":{"code":404`}},
		{name: "wrong method", method: "DELETE", url: seed, token: "t-reader", status: 405, has: []string{`"error_code":"APIGW.0101"`}},
		post("sync without type", syncing, `{}`, 400, invalid...),
		post("sync of local images", syncing, `{"image_type":"local_image"}`, 400, invalid...),
		post("sync, broken JSON", syncing, `{"image_type"`, 400, invalid...),
		post("sync without body", syncing, ``, 400, invalid...),
		post("sync, unknown member", syncing, `{"image_type":"private_image","x":1}`, 200, `{"error_code":0,"error_description":"success"}`),
		post("scan of nothing", scanning, private, 400, invalid...),
		post("scan of an empty list", scanning, `{"image_type":"private_image","image_info_list":[]}`, 400, invalid...),
		post("scan of a nameless image", scanning, `{"image_type":"private_image","image_info_list":[{"namespace":"a"}]}`, 400, invalid...),
		post("scan of all", scanning, `{"image_type":"private_image","operate_all":true,"scan_status":"failed"}`, 200, "{}"),
		post("scan, bounds swapped", scanning, `{"image_type":"private_image","operate_all":true,"start_latest_scan_time":2,"end_latest_scan_time":1}`, 400, invalid...),
		post("body too large", scanning, `{"image_type":"private_image","repo_type":"`+strings.Repeat("x", 1<<20)+`"}`, 413, `"error_code":"APIGW.0201"`),
		bad("vulnerabilities without type", "/v5/p1/image/1/vulnerabilities"),
		{name: "unknown image", method: "GET", url: "/v5/p1/image/404/vulnerabilities?image_type=private_image", token: "t-reader", status: 400,
			has: []string{`"error_code":"HSS.0011"`}, hasNot: []string{"elsewhere"}},
		{name: "no image of the pipeline", method: "GET", url: "/v5/p1/image/1/vulnerabilities?image_type=cicd", token: "t-reader", status: 400,
			has: []string{`"error_code":"HSS.0011"`}},
		{name: "not of Harbor", method: "GET", url: "/v5/p1/image/1/vulnerabilities?image_type=harbor", token: "t-reader", status: 400,
			has: []string{`"error_code":"HSS.0011"`}},
	})
	if got := ask(h, "DELETE", seed, "t-reader", "").Header().Get("Allow"); got != "GET" {
		t.Errorf("Allow is %q", got)
	}
}

func TestEnterpriseProjects(t *testing.T) {
	cases := []struct {
		query, token string
		status       int
		want         []string
		all          bool
	}{
		{"", "t-reader", 200, []string{"0"}, false},
		{"&enterprise_project_id", "t-reader", 200, []string{"0"}, false},
		{"&enterprise_project_id=", "t-reader", 200, []string{"0"}, false},
		{"&enterprise_project_id=0", "t-reader", 200, []string{"0"}, false},
		{"&enterprise_project_id=e7", "t-reader", 200, []string{"e7"}, false},
		{"&enterprise_project_id=all_granted_eps", "t-reader", 200, nil, true},
		{"&enterprise_project_id=all_granted_eps", "t-scoped", 200, []string{"e7", "e8"}, false},
		{"&enterprise_project_id=e7", "t-scoped", 200, []string{"e7"}, false},
		{"&enterprise_project_id=e9", "t-scoped", 400, nil, false},
		{"", "t-scoped", 400, nil, false},
		{"&enterprise_project_id=all_granted_eps", "t-none", 400, nil, false},
	}
	for _, c := range cases {
		t.Run(c.token+c.query, func(t *testing.T) {
			w := newFakes()
			rec := ask(w.api(t, nil), "GET", seed+c.query, c.token, "")
			if rec.Code != c.status {
				t.Fatalf("status %d: %s", rec.Code, rec.Body)
			}
			if c.status != 200 {
				if len(w.filters) > 0 || !strings.Contains(rec.Body.String(), "HSS.0013") {
					t.Fatalf("asked %v, answered %s", w.filters, rec.Body)
				}
				return
			}
			got := w.filters[0].EnterpriseProjects
			if (got == nil) != c.all || strings.Join(got, " ") != strings.Join(c.want, " ") {
				t.Errorf("asked for %v, want %v (all: %v)", got, c.want, c.all)
			}
		})
	}
}

func TestFilesOfAnImage(t *testing.T) {
	w := newFakes()
	run(t, w.api(t, nil), []scenario{
		{name: "largest", method: "GET", url: "/v5/p1/image/1/files?image_type=private_image", token: "t-reader", status: 200,
			has: []string{`"total_num":2`, `{"file_name":"a","file_path":"/usr/bin/a","size":9}`}},
		{name: "by name", method: "GET", url: "/v5/p1/image/1/files?image_type=private_image&file_name=b", token: "t-reader", status: 200,
			has: []string{`"total_num":1`, `"/etc/B"`}, hasNot: []string{"usr/bin"}},
		{name: "past the end", method: "GET", url: "/v5/p1/image/1/files?image_type=private_image&offset=2", token: "t-reader", status: 200,
			has: []string{`"total_num":2`, `"data_list":[]`}},
		{name: "counted", method: "GET", url: "/v5/p1/image/1/files-statistics?image_type=private_image", token: "t-reader", status: 200,
			has: []string{`"total_files_num":2`, `"total_files_size":12`}},
		{name: "bases", method: "GET", url: "/v5/p1/image/1/basic-image?image_type=private_image", token: "t-reader", status: 200,
			has: []string{`"total_num":2`, `"os_name":"debian","os_version":"12","layer_digest":"` + string(digestC) + `"`, `"image_name":"base/debian"`}},
		{name: "bases of a system", method: "GET", url: "/v5/p1/image/1/basic-image?image_type=private_image&os_name=DEB", token: "t-reader", status: 200,
			has: []string{`"total_num":1`}, hasNot: []string{"scratchy"}},
		{name: "ours", method: "GET", url: "/api/v1/images/1/files", token: "t-reader", status: 200, has: []string{`"bytes":12`, `"usr/bin/a"`}},
		{name: "our bases", method: "GET", url: "/api/v1/images/1/base-images", token: "t-reader", status: 200, has: []string{`"total":2`, `"base/debian"`}},
		{name: "ours unknown", method: "GET", url: "/api/v1/images/404/files", token: "t-reader", status: 404, hasNot: []string{"elsewhere"}},
		{name: "no type", method: "GET", url: "/v5/p1/image/1/files", token: "t-reader", status: 400, has: []string{"HSS.0001"}},
		{name: "unknown", method: "GET", url: "/v5/p1/image/404/files-statistics?image_type=private_image", token: "t-reader", status: 400, hasNot: []string{"elsewhere"}},
		{name: "nobody", method: "GET", url: "/v5/p1/image/1/basic-image?image_type=private_image", status: 401},
		{name: "other project", method: "GET", url: "/v5/p2/image/1/files?image_type=private_image", token: "t-reader", status: 403},
	})
}
