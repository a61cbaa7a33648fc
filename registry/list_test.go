package registry

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

func TestListPages(t *testing.T) {
	links := map[string]func(next string) string{
		"relative": func(n string) string { return "</v2/_catalog?" + n + `>; rel="next"` },
		"absolute": func(n string) string { return "<http://10.0.0.1:5000/other/path?" + n + ">; rel=next" },
		"several": func(n string) string {
			return `</v2/?x=1>; rel="prev", </v2/_catalog?` + n + `>; title="a"; REL="Next"`
		},
	}
	for how, link := range links {
		var asked []string
		server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v2/_catalog" {
				return
			}
			asked = append(asked, r.URL.RawQuery)
			switch r.URL.Query().Get("last") {
			case "":
				w.Header().Set("Link", link("last=b&n=2"))
				fmt.Fprint(w, `{"repositories":["a","b"]}`) //nolint:errcheck // the client reports it
			case "b":
				w.Header().Set("Link", link("last=c&n=2"))
				fmt.Fprint(w, `{"repositories":["b","c"]}`) //nolint:errcheck // the client reports it
			default:
				fmt.Fprint(w, `{"repositories":["d"]}`) //nolint:errcheck // the client reports it
			}
		}))
		c, _ := testClient(t, server.URL)
		got, err := c.Repositories(t.Context())
		if diff := cmp.Diff([]string{"a", "b", "c", "d"}, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", how, err, diff)
		}
		if diff := cmp.Diff([]string{"n=1000", "last=b&n=2", "last=c&n=2"}, asked); diff != "" {
			t.Errorf("%s: asked (-want +got)\n%s", how, diff)
		}
	}
}

func TestListMisbehaves(t *testing.T) {
	var link, body string
	var status int
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if link != "" {
			w.Header().Set("Link", link)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body) //nolint:errcheck // the client reports it
	}))
	c, _ := testClient(t, server.URL)
	tests := []struct {
		name, link, body string
		status           int
		code             plimsoll.Code
		failure          plimsoll.FailureCode
		text             string
	}{
		{"loops", `<?n=1000>; rel="next"`, `{"repositories":[]}`, 200, plimsoll.TooLarge, plimsoll.FailureOversized, "repeats itself"},
		{"html", "", "<html>", 200, plimsoll.Unavailable, plimsoll.FailureDownload, "not a list"},
		{"null", "", "null", 200, plimsoll.Unavailable, plimsoll.FailureDownload, "not a list"},
		{"another type", "", `{"repositories":{"a":1}}`, 200, plimsoll.Unavailable, plimsoll.FailureDownload, "not a list"},
		{"too long", "", strings.Repeat(" ", maxPageBytes+1), 200, plimsoll.TooLarge, plimsoll.FailureOversized, "over the budget"},
		{"401", "", "", 401, plimsoll.Forbidden, plimsoll.FailureAuth, "--repository"},
		{"403", "", "", 403, plimsoll.Forbidden, plimsoll.FailureAuth, "--repository"},
		{"404", "", "", 404, plimsoll.NotFound, plimsoll.FailureNotFound, "--repository"},
		{"405", "", "", 405, plimsoll.NotFound, plimsoll.FailureDownload, "--repository"},
		{"429", "", "", 429, plimsoll.Throttled, plimsoll.FailureDownload, "answers 429"},
		{"503", "", "", 503, plimsoll.Unavailable, plimsoll.FailureDownload, "answers 503"},
	}
	for _, tt := range tests {
		link, body, status = tt.link, tt.body, tt.status
		_, err := c.Repositories(t.Context())
		t.Log(tt.name)
		wantError(t, err, tt.code, tt.failure, tt.text)
	}
}

func TestInvalidNamesAreDroppedAndCounted(t *testing.T) {
	bad := []string{"../../etc", "UPPER", "a//b", "/a", "a/", "a b", "a\x00", "-a", "a..b", "a___b", "", strings.Repeat("a", 256), "ü", "a\n"}
	good := []string{"a", "a/b", "a.b-c__d/e--f", strings.Repeat("a", 255)}
	badTags := []string{"", ".a", "-a", "a/b", "a:b", "a\u202eb", strings.Repeat("a", 129), "a\n"}
	goodTags := []string{"latest", "_a", "V1.0-x_y", strings.Repeat("a", 128)}
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(map[string][]string{ //nolint:errcheck // the client reports it
			"repositories": append(append([]string{}, bad...), good...),
			"tags":         append(append([]string{}, badTags...), goodTags...),
		})
	}))
	var log strings.Builder
	c, _ := testClient(t, server.URL, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	repositories, err := c.Repositories(t.Context())
	if diff := cmp.Diff(good, repositories); diff != "" || err != nil {
		t.Errorf("repositories: %v (-want +got)\n%s", err, diff)
	}
	listed, err := c.Tags(t.Context(), "a")
	var tags []string
	for _, tag := range listed {
		tags = append(tags, tag.Tag)
	}
	if diff := cmp.Diff(goodTags, tags); diff != "" || err != nil {
		t.Errorf("tags: %v (-want +got)\n%s", err, diff)
	}
	for _, want := range []string{fmt.Sprintf("list=repositories count=%d", len(bad)), fmt.Sprintf("list=tags count=%d", len(badTags))} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log lacks %q:\n%s", want, log.String())
		}
	}
	if strings.Contains(log.String(), "etc") {
		t.Errorf("log repeats a dropped name:\n%s", log.String())
	}
}

func FuzzNextQuery(f *testing.F) {
	f.Add(`</v2/_catalog?last=a&n=2>; rel="next"`)
	f.Add(`<<>>;rel=next,<?a>;;=;rel`)
	f.Fuzz(func(t *testing.T, s string) {
		if q := nextQuery(http.Header{"Link": {s}}); !strings.Contains(s, q) {
			t.Errorf("%q became %q", s, q)
		}
	})
}
