package api

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"plimsoll"
)

// TestProjectOfARequest selects the project of our own operations by query, token, header and signature.
func TestProjectOfARequest(t *testing.T) {
	const list = "/api/v1/images"
	bySignature := []string{"Authorization", signed}
	for _, c := range []struct {
		name, query, token string
		headers            []string
		status             int
		project            string // that the store was asked for
	}{
		{"the token's", "", "t-reader", nil, 200, "p1"},
		{"the token's, by id", "?project=p1", "t-reader", nil, 200, "p1"},
		{"another than the token's", "?project=p2", "t-reader", nil, 403, ""},
		{"another than the token's, that does not exist", "?project=p9", "t-reader", nil, 403, ""},
		{"an empty name is none", "?project=", "t-reader", nil, 200, "p1"},
		{"of a token without a project, none", "", "t-several", nil, 400, ""},
		{"of a token without a project, by id", "?project=p1", "t-several", nil, 200, "p1"},
		{"of a token without a project, by name", "?project=two", "t-several", nil, 200, "p2"},
		{"of a token without a project, without a grant", "?project=p3", "t-several", nil, 403, ""},
		{"of a token without a project, that does not exist", "?project=p9", "t-several", nil, 403, ""},
		{"signed, the user's only one", "", "", bySignature, 200, "p1"},
		{"signed, by id", "?project=p1", "", bySignature, 200, "p1"},
		{"signed, by name", "?project=one", "", bySignature, 200, "p1"},
		{"signed, without a grant", "?project=two", "", bySignature, 403, ""},
		{"signed, two that agree", "?project=one", "", append([]string{"X-Project-Id", "p1"}, bySignature...), 200, "p1"},
		{"signed, two that differ", "?project=one", "", append([]string{"X-Project-Id", "p2"}, bySignature...), 403, ""},
	} {
		w := newFakes()
		rec := ask(w.api(t, nil), "GET", list+c.query, c.token, "", c.headers...)
		asked := ""
		if len(w.filters) > 0 {
			asked = w.filters[0].ProjectID
		}
		if rec.Code != c.status || asked != c.project {
			t.Errorf("%s: %d %s, asked for %q", c.name, rec.Code, rec.Body, asked)
		}
	}
	// The contract names the project in its path, where a query parameter of that name means nothing.
	w := newFakes()
	if rec := ask(w.api(t, nil), "GET", seed+"&project=p2", "t-reader", ""); rec.Code != http.StatusOK {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// TestPagesOfOwnLists walks through lists of the real store a row at a time.
func TestPagesOfOwnLists(t *testing.T) {
	h := newRealServer(t, "reader", "editor", "boss")
	h.stock()
	h.judge()
	reader, editor, boss := h.signIn("reader", h.project.ID), h.signIn("editor", h.project.ID), h.signIn("boss", h.project.ID)
	for range 3 {
		h.call("POST", editor, "/api/v1/images/scan", `{"images":[{"namespace":"team","name":"app","tag":"1.0"}]}`, 202)
	}
	h.call("POST", editor, "/api/v1/decisions", `{"finding":"CVE-2024-1","status":"ignored"}`, 201)
	h.call("POST", editor, "/api/v1/decisions", `{"finding":"CVE-2024-2","status":"ignored"}`, 201)
	for range 2 {
		h.call("POST", boss, "/api/v1/keys", `{}`, 201)
	}
	image := "/api/v1/images/" + digestA.Hex()
	for path, want := range map[string]struct {
		token string
		rows  int
		total bool
	}{
		"/api/v1/images":                 {reader, 2, true},
		"/api/v1/images?tag=1.0":         {reader, 1, true},
		"/api/v1/tasks":                  {reader, 3, true},
		"/api/v1/registries":             {reader, 1, true},
		"/api/v1/decisions":              {reader, 2, false},
		"/api/v1/users":                  {boss, 4, true},
		"/api/v1/keys":                   {boss, 2, true},
		image + "/settings":              {reader, 10, true},
		image + "/secrets?profile=all":   {reader, 0, true},
		image + "/base-images":           {reader, 0, true},
		"/api/v1/images?repository=none": {reader, 0, true},
	} {
		seen := map[string]bool{}
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		after := ""
		for pages := 0; pages <= want.rows; pages++ {
			list := h.get(want.token, path+separator+"limit=1"+after, 200)
			items := list["items"].([]any)
			for _, item := range items {
				seen[fmt.Sprint(item)] = true
			}
			if total, has := list["total"]; has != want.total || has && total != float64(want.rows) || len(items) > 1 {
				t.Errorf("%s: %v", path, list)
			}
			next, more := list["next"].(string)
			if !more {
				break
			}
			after = "&after=" + next
		}
		if len(seen) != want.rows {
			t.Errorf("%s: %d rows, want %d", path, len(seen), want.rows)
		}
		for _, bad := range []string{"x", strings.Repeat("a", 9000), "e30"} {
			h.get(want.token, path+separator+"after="+bad, 400)
		}
		for _, bad := range []string{"limit=0", "limit=201"} {
			h.get(want.token, path+separator+bad, 400)
		}
	}
}

func TestShowImage(t *testing.T) {
	h := newRealServer(t, "reader", "other")
	h.stock()
	reader, other := h.signIn("reader", h.project.ID), h.signIn("other", h.second.ID)
	img := h.get(reader, "/api/v1/images/"+digestA.Hex(), 200)
	if img["tag"] != "1.0" || img["scan_state"] != string(plimsoll.ScanDone) {
		t.Errorf("%v", img)
	}
	id := strconv.FormatInt(int64(img["id"].(float64)), 10)
	if byID := h.get(reader, "/api/v1/images/"+id, 200); byID["digest"] != string(digestA) {
		t.Errorf("by id: %v", byID)
	}
	for _, url := range []string{"/api/v1/images/" + id, "/api/v1/images/" + digestA.Hex(), "/api/v1/images/999", "/api/v1/images/nonsense", "/api/v1/images/scan"} {
		if got := h.get(other, url, 404); got["message"] != "no such image" {
			t.Errorf("%s: %v", url, got)
		}
	}
}
