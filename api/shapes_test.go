package api

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// errorShapes are the error bodies of the families, as patterns: status and its words are filled in.
var errorShapes = map[string]string{
	"hss": `^{"error_code":"APIGW\.0\d01","error_msg":"(MESSAGE)","error_description":"(MESSAGE)","request_id":"[0-9a-f]{32}"}\n$`,
	"iam": `^{"error":{"code":STATUS,"message":"MESSAGE","title":"TITLE"}}\n$`,
	"v1":  `^{"code":"[a-z_]+","message":"MESSAGE",("hint":"[^"]+",)?"request_id":"[0-9a-f]{32}"}\n$`,
}

// TestErrorsHaveTheShapeOfTheFamily asks for what goes wrong before a handler or in its middle: unknown paths,
// wrong methods, panics.
func TestErrorsHaveTheShapeOfTheFamily(t *testing.T) {
	w := newFakes()
	w.panics = true
	h := w.api(t, nil)
	for _, c := range []struct {
		family, method, url string
		status              int
		message             string
	}{
		{"hss", "GET", "/v5", 404, "no such operation"},
		{"hss", "GET", "/v5/", 404, "no such operation"},
		{"hss", "GET", "/v5/p1/image/nothing", 404, "no such operation"},
		{"hss", "GET", "/v2.1/nothing", 404, "no such operation"},
		{"hss", "GET", "/v5x", 404, "no such operation"},
		{"hss", "GET", "/apis/nothing", 404, "no such operation"},
		{"iam", "GET", "/v3", 404, "no such operation"},
		{"iam", "POST", "/v3/nothing", 404, "no such operation"},
		{"iam", "GET", "/v1.0", 404, "no such operation"},
		{"iam", "GET", "/v1.0/nothing", 404, "no such operation"},
		{"v1", "GET", "/api", 404, "no such operation"},
		{"v1", "GET", "/api/v1", 404, "no such operation"},
		{"v1", "GET", "/api/v1/projects/p1/images", 404, "no such operation"},
		{"v1", "GET", "/api/v2/images", 404, "no such operation"},
		{"hss", "DELETE", seed, 405, "this path has no such method"},
		{"hss", "PATCH", "/v5/p1/image/synchronize", 405, "this path has no such method"},
		{"iam", "PUT", "/v3/projects", 405, "this path has no such method"},
		{"iam", "DELETE", "/v1.0/enterprise-projects", 405, "this path has no such method"},
		{"v1", "DELETE", "/api/v1/images", 405, "this path has no such method"},
		{"v1", "PATCH", "/api/v1/images/1", 405, "this path has no such method"},
		{"hss", "GET", seed, 500, "internal error"},
		{"iam", "GET", "/v3/projects", 500, "internal error"},
		{"v1", "GET", "/api/v1/images", 500, "internal error"},
	} {
		rec := ask(h, c.method, c.url, "t-reader", "")
		pattern := strings.NewReplacer("STATUS", strconv.Itoa(c.status), "TITLE", http.StatusText(c.status), "MESSAGE", c.message).Replace(errorShapes[c.family])
		if rec.Code != c.status || !regexp.MustCompile(pattern).MatchString(rec.Body.String()) || rec.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %d %s, want %d %s", c.method, c.url, rec.Code, rec.Body, c.status, pattern)
		}
		if traced := rec.Header().Get("X-IAM-Trace-Id"); (traced != "") != (c.family == "iam") {
			t.Errorf("%s %s: trace id %q", c.method, c.url, traced)
		}
		if allow := rec.Header().Get("Allow"); (allow != "") != (c.status == 405) {
			t.Errorf("%s %s: Allow %q", c.method, c.url, allow)
		}
	}
}
