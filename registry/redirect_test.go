package registry

import (
	"net/http"
	"net/url"
	"testing"

	"plimsoll"
)

func TestFollow(t *testing.T) {
	tests := []struct {
		from, location, want string
		code                 plimsoll.Code
	}{
		{"https://a.test/v2/x", "https://s3.test/b?sig=1", "https://s3.test/b?sig=1", ""},
		{"https://a.test/v2/x", "/other", "https://a.test/other", ""},
		{"https://a.test/v2/x", "//b.test/", "https://b.test/", ""},
		{"http://a.test/v2/x", "https://b.test/", "https://b.test/", ""},
		{"http://a.test/v2/x", "http://b.test/", "http://b.test/", ""},
		{"https://a.test/v2/x", "http://b.test/?sig=hunter2", "", plimsoll.Forbidden},
		{"https://a.test/v2/x", "file:///etc/passwd", "", plimsoll.Unavailable},
		{"https://a.test/v2/x", "https://u:hunter2@b.test/", "", plimsoll.Unavailable},
		{"https://a.test/v2/x", "https://b.test/%zz?sig=hunter2", "", plimsoll.Unavailable},
	}
	for _, tt := range tests {
		from, _ := url.Parse(tt.from)
		req := &http.Request{Method: http.MethodGet, URL: from, Header: http.Header{
			"Range": {"bytes=1-2"}, "Authorization": {"hunter2"}, "Cookie": {"hunter2"}, "Accept": {"x"}}}
		next, err := nextHop(req.WithContext(t.Context()), tt.location)
		if tt.code != "" {
			wantError(t, plimsoll.Fail(plimsoll.FailureDownload, err), tt.code, plimsoll.FailureDownload, "", "hunter2")
			continue
		}
		if err != nil || next.URL.String() != tt.want {
			t.Errorf("%s: %v, %v", tt.location, next, err)
			continue
		}
		if next.Header.Get("Range") == "" || next.Header.Get("Accept") == "" || next.Header.Get("Authorization") != "" || next.Header.Get("Cookie") != "" {
			t.Errorf("%s: headers %v", tt.location, next.Header)
		}
	}
}

func TestRedirectLoopEnds(t *testing.T) {
	hops := 0
	c, _ := testClient(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			hops++
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		}
	})).URL)
	_, err := c.Tags(t.Context(), "a")
	wantError(t, err, plimsoll.Unavailable, plimsoll.FailureDownload, "more than 10 redirects")
	if hops != maxRedirects+1 {
		t.Errorf("%d hops", hops)
	}
}
