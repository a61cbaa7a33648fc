package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

// TestCountsAreLengthsOfLists is the first thing that must be true: a count equals the length of a list that another operation returns.
func TestCountsAreLengthsOfLists(t *testing.T) {
	h := newRealServer(t, "reader")
	h.stock()
	token := h.signIn("reader", h.project.ID)
	base := "/v5/" + h.project.ID
	list := h.get(token, base+"/image/swr-repository?image_type=private_image", 200)
	got := rows(list)
	if list["total_num"] != 2.0 || len(got) != 2 || got[0]["image_version"] != "2.0" || got[1]["image_version"] != "1.0" {
		t.Fatalf("images %v", list)
	}
	scanned := got[1]
	if scanned["scan_status"] != "success" || scanned["malicious_file_num"] != 1.0 || got[0]["scan_status"] != "unscan" || got[0]["vul_num"] != nil || got[0]["latest_version"] != true {
		t.Errorf("rows %v", got)
	}
	id := strconv.FormatInt(int64(scanned["id"].(float64)), 10)
	for _, url := range []string{
		"/image/" + id + "/vulnerabilities?image_type=private_image",
		"/image/" + digestA.Hex() + "/vulnerabilities?image_type=private_image",
		"/image/" + digestA.Hex() + "/vulnerabilities?image_type=private_image&namespace=team&image_name=app&tag_name=1.0",
	} {
		page := h.get(token, base+url+"&limit=200", 200)
		var ids []string
		for _, r := range rows(page) {
			ids = append(ids, r["vul_id"].(string))
		}
		if page["total_num"] != 3.0 || len(ids) != 3 {
			t.Errorf("%s: %v", url, page)
		}
		slices.Sort(ids)
		if n := len(slices.Compact(ids)); scanned["vul_num"] != float64(n) {
			t.Errorf("vul_num %v, list has %d distinct", scanned["vul_num"], n)
		}
	}
	for query, want := range map[string]float64{
		"&vul_id=cve-2024-1": 2, "&app_name=openssl": 2, "&repair_necessity=not_needed_repair": 1, "&type=app_vul": 0, "&type=linux_vul": 3,
		"&handle_status=handled": 0, "&handle_status=unhandled": 3, "&offset=3": 3,
	} {
		if page := h.get(token, base+"/image/"+id+"/vulnerabilities?image_type=private_image"+query, 200); page["total_num"] != want {
			t.Errorf("%s: %v", query, page)
		}
	}
}

// TestOtherTenantsAnswerAsUnknown compares answers about another tenant's objects with answers about none.
func TestOtherTenantsAnswerAsUnknown(t *testing.T) {
	h := newRealServer(t, "boss", "other", "reader")
	h.stock()
	boss, other := h.signIn("boss", h.project.ID), h.signIn("other", h.second.ID)
	image := rows(h.get(boss, "/v5/"+h.project.ID+"/image/swr-repository?image_type=private_image", 200))[0]
	id := strconv.FormatInt(int64(image["id"].(float64)), 10)
	task := h.call("POST", boss, "/api/v1/registries/dock/sync", "", 202)
	taskID := strconv.FormatInt(int64(task["id"].(float64)), 10)
	const mine = "/api/v1"
	same := func(method, theirs, none, body string) {
		t.Helper()
		a, b := ask(h.api, method, theirs, other, body), ask(h.api, method, none, other, body)
		strip := func(s string) string {
			var v map[string]any
			must(t, json.Unmarshal([]byte(s), &v))
			delete(v, "request_id")
			out, err := json.Marshal(v)
			must(t, err)
			text := string(out)
			for _, word := range []string{id, digestA.Hex(), taskID, "dock", "team/app:1.0", "reader"} {
				text = strings.ReplaceAll(text, " "+word, " X")
				text = strings.ReplaceAll(text, `\"`+word+`\"`, "X")
			}
			for _, word := range []string{"999", digestB.Hex(), "none/none:0", "none"} {
				text = strings.ReplaceAll(text, " "+word, " X")
				text = strings.ReplaceAll(text, `\"`+word+`\"`, "X")
			}
			return text
		}
		if a.Code != b.Code || a.Code < 400 || strip(a.Body.String()) != strip(b.Body.String()) {
			t.Errorf("%s %s: %d %s\n%s: %d %s", method, theirs, a.Code, a.Body, none, b.Code, b.Body)
		}
	}
	v5 := "/v5/" + h.second.ID + "/image/"
	same("GET", v5+id+"/vulnerabilities?image_type=private_image", v5+"999/vulnerabilities?image_type=private_image", "")
	same("GET", v5+digestA.Hex()+"/vulnerabilities?image_type=private_image", v5+strings.Repeat("e", 64)+"/vulnerabilities?image_type=private_image", "")
	same("GET", mine+"/tasks/"+taskID, mine+"/tasks/999", "")
	same("POST", mine+"/registries/dock/sync", mine+"/registries/none/sync", "")
	same("DELETE", mine+"/registries/dock", mine+"/registries/none", "")
	same("PUT", "/api/v1/users/reader/password", "/api/v1/users/none/password", `{"password":"another long password"}`)
	same("DELETE", "/api/v1/users/reader", "/api/v1/users/none", "")
	ref := func(ns, name, tag string) string {
		return `{"image_type":"private_image","image_info_list":[{"namespace":"` + ns + `","image_name":"` + name + `","image_version":"` + tag + `"}]}`
	}
	rec := ask(h.api, "POST", v5+"batch-scan", other, ref("team", "app", "1.0"))
	if rec.Code != 400 || !strings.Contains(rec.Body.String(), "HSS.0011") {
		t.Errorf("scan: %d %s", rec.Code, rec.Body)
	}
	if list := h.get(other, v5+"swr-repository?image_type=private_image&enterprise_project_id=all_granted_eps", 200); list["total_num"] != 0.0 {
		t.Errorf("images %v", list)
	}
	if list := h.get(other, mine+"/registries", 200); list["total"] != 0.0 {
		t.Errorf("registries %v", list)
	}
	if rec := ask(h.api, "GET", "/v5/"+h.project.ID+"/image/swr-repository?image_type=private_image", other, ""); rec.Code != 403 {
		t.Errorf("another project's path: %d %s", rec.Code, rec.Body)
	}
}

func TestScanAndSyncBecomeWork(t *testing.T) {
	h := newRealServer(t, "editor")
	h.stock()
	token := h.signIn("editor", h.project.ID)
	base := "/v5/" + h.project.ID + "/image"
	for range 2 {
		got := h.call("POST", token, base+"/synchronize", private, 200)
		if diff := cmp.Diff(map[string]any{"error_code": 0.0, "error_description": "success"}, got); diff != "" {
			t.Error(diff)
		}
	}
	h.call("POST", token, base+"/synchronize", `{"image_type":"shared_image"}`, 200)
	h.call("POST", token, base+"/batch-scan", `{"image_type":"private_image","operate_all":true,"image_version":"2.0"}`, 200)
	pending, err := h.store.PendingCounts(t.Context())
	must(t, err)
	if pending[plimsoll.WorkPending] != 2 {
		t.Errorf("backlog %v: want one sync and one scan", pending)
	}
	list := rows(h.get(token, base+"/swr-repository?image_type=private_image&scan_status=waiting_for_scan", 200))
	if len(list) != 1 || list[0]["image_version"] != "2.0" {
		t.Errorf("waiting %v", list)
	}
	task := h.call("POST", token, "/api/v1/images/scan", `{"images":[{"namespace":"team","name":"app","tag":"1.0"}]}`, 202)
	shown := h.get(token, "/api/v1/tasks/"+strconv.FormatInt(int64(task["id"].(float64)), 10), 200)
	if diff := cmp.Diff(task, shown); diff != "" || shown["state"] != "running" || shown["by"] != "editor" || shown["total"] != 1.0 {
		t.Errorf("task %v %s", shown, diff)
	}
}

// TestSignedLikeTheVendorsClient sends what the vendor's Go client sends: bare keys, a signature over them, no Host.
func TestSignedLikeTheVendorsClient(t *testing.T) {
	h := newRealServer(t, "boss")
	h.stock()
	boss := h.signIn("boss", h.project.ID)
	key := h.call("POST", boss, "/api/v1/keys", `{"user":"boss"}`, 201)
	path := "/v5/" + h.project.ID + "/image/swr-repository"
	signing := func(secret string) []string {
		stamp := testNow().Format("20060102T150405Z")
		empty := sha256.Sum256(nil)
		canonical := "GET\n" + path + "/\nimage_name=&image_type=private_image&limit=50&namespace=team&offset=0\n" +
			"x-project-id:" + h.project.ID + "\nx-sdk-date:" + stamp + "\n\nx-project-id;x-sdk-date\n" + hex.EncodeToString(empty[:])
		sum := sha256.Sum256([]byte(canonical))
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte("SDK-HMAC-SHA256\n" + stamp + "\n" + hex.EncodeToString(sum[:])))
		return []string{"X-Sdk-Date", stamp, "X-Project-Id", h.project.ID, "Content-Type", "application/json",
			"Authorization", "SDK-HMAC-SHA256 Access=" + key["access"].(string) + ", SignedHeaders=x-project-id;x-sdk-date, Signature=" + hex.EncodeToString(mac.Sum(nil))}
	}
	url := path + "?image_name&image_type=private_image&limit=50&namespace=team&offset=0"
	rec := ask(h.api, "GET", url, "", "", signing(key["secret"].(string))...)
	if rec.Code != 200 || !strings.Contains(rec.Body.String(), `"total_num":2`) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	rec = ask(h.api, "GET", url, "", "", signing("not the secret")...)
	if rec.Code != 401 || !strings.Contains(rec.Body.String(), "APIGW.0301") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestSignInOverHTTP(t *testing.T) {
	h := newRealServer(t, "reader", "other")
	user := func(extra string) string {
		return `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"reader",` + extra + `"domain":{"name":"` + h.domain.Name + `"}}}},"scope":{"project":{"name":"` + h.project.Name + `"}}}}`
	}
	rec := ask(h.api, "POST", "/v3/auth/tokens", "", user(`"password":"correct horse reader",`), "Content-Type", "application/json;charset=utf8")
	if rec.Code != 201 || rec.Header().Get("X-Subject-Token") == "" {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	var got struct{ Token map[string]any }
	must(t, json.Unmarshal(rec.Body.Bytes(), &got))
	domain := map[string]any{"id": h.domain.ID, "name": h.domain.Name}
	delete(got.Token["user"].(map[string]any), "id")
	want := map[string]any{
		"methods": []any{"password"}, "issued_at": "2026-03-01T12:00:00.000000Z", "expires_at": "2026-03-02T12:00:00.000000Z",
		"user":    map[string]any{"name": "reader", "domain": domain, "password_expires_at": ""},
		"project": map[string]any{"id": h.project.ID, "name": h.project.Name, "domain": domain},
		"roles":   []any{map[string]any{"id": "0", "name": "reader"}},
	}
	if catalog := got.Token["catalog"].([]any); len(catalog) != 3 {
		t.Errorf("catalog %v", catalog)
	}
	delete(got.Token, "catalog")
	if diff := cmp.Diff(want, got.Token); diff != "" {
		t.Error(diff)
	}
	token, other := rec.Header().Get("X-Subject-Token"), h.signIn("other", h.second.ID)
	for _, c := range []struct {
		caller, subject string
		status          int
	}{{token, token, 200}, {token, "unknown", 404}, {other, token, 404}, {"", token, 401}, {token, "", 400}} {
		for _, method := range []string{"GET", "HEAD"} {
			rec := ask(h.api, method, "/v3/auth/tokens", c.caller, "", "X-Subject-Token", c.subject)
			if rec.Code != c.status || rec.Code >= 400 && method == "GET" && !strings.Contains(rec.Body.String(), `"title":`) {
				t.Errorf("%s %v: %d %s", method, c, rec.Code, rec.Body)
			}
		}
	}
	run(t, h.api, []scenario{
		{name: "wrong password", method: "POST", url: "/v3/auth/tokens", body: user(`"password":"wrong guess",`), status: 401, has: []string{`{"error":{"code":401,`, `"title":"Unauthorized"`}, hasNot: []string{"wrong guess"}},
		{name: "no password", method: "POST", url: "/v3/auth/tokens", body: user(``), status: 400, has: []string{`"error":{"code":400`}},
		{name: "second factor", method: "POST", url: "/v3/auth/tokens", body: `{"auth":{"identity":{"methods":["password","totp"]}}}`, status: 400, has: []string{`"error":{"code":400`}},
		{name: "not JSON", method: "POST", url: "/v3/auth/tokens", body: `x`, status: 400, has: []string{`"error":{"code":400`}},
		{name: "project without grant", method: "POST", url: "/v3/auth/tokens", body: strings.Replace(user(`"password":"correct horse reader",`), h.project.Name, h.second.Name, 1), status: 403, has: []string{`"error":{"code":403`}},
	})
	for range 5 {
		ask(h.api, "POST", "/v3/auth/tokens", "", user(`"password":"wrong guess",`))
	}
	if rec := ask(h.api, "POST", "/v3/auth/tokens", "", user(`"password":"correct horse reader",`)); rec.Code != 429 {
		t.Errorf("after many failures: %d %s", rec.Code, rec.Body)
	}
}

// TestSecondToken is the life of a token that was got by another one.
func TestSecondToken(t *testing.T) {
	h := newRealServer(t, "reader")
	first := h.signIn("reader", h.project.ID)
	again := func(token, scope string, status int) string {
		t.Helper()
		rec := ask(h.api, "POST", "/v3/auth/tokens", "", `{"auth":{"identity":{"methods":["token"],"token":{"id":"`+token+`"}},"scope":`+scope+`}}`)
		if rec.Code != status || status != 201 && !strings.Contains(rec.Body.String(), `"title":`) {
			t.Fatalf("%s: %d %s", scope, rec.Code, rec.Body)
		}
		return rec.Header().Get("X-Subject-Token")
	}
	second := again(first, `{"domain":{"name":"`+h.domain.Name+`"}}`, 201)
	projects := h.get(second, "/v3/projects", 200)["projects"].([]any)
	if len(projects) != 1 || projects[0].(map[string]any)["name"] != h.project.Name {
		t.Errorf("projects %v", projects)
	}
	list := "/v5/" + h.project.ID + "/image/swr-repository?image_type=private_image"
	h.get(second, list, 403)
	third := again(second, `{"project":{"name":"`+h.project.Name+`","domain":{"id":"`+h.domain.ID+`"}}}`, 201)
	h.get(third, list, 200)
	again(first, `{"project":{"name":"second"}}`, 403)
	again(first, `{"project":{"name":"`+h.project.Name+`","domain":{"name":"elsewhere"}}}`, 403)
	again("unknown", `{}`, 401)

	if rec := ask(h.api, "DELETE", "/v3/auth/tokens", third, "", "X-Subject-Token", first); rec.Code != 204 {
		t.Fatalf("revoke: %d %s", rec.Code, rec.Body)
	}
	h.get(first, list, 401)
	again(first, `{}`, 401)
	h.get(third, list, 200)
	if rec := ask(h.api, "DELETE", "/v3/auth/tokens", third, "", "X-Subject-Token", third); rec.Code != 204 {
		t.Fatalf("revoke itself: %d %s", rec.Code, rec.Body)
	}
	h.get(third, list, 401)
	if rec := ask(h.api, "DELETE", "/v3/auth/tokens", second, "", "X-Subject-Token", third); rec.Code != 404 {
		t.Errorf("revoke twice: %d %s", rec.Code, rec.Body)
	}
}
