package advisory_test

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/advisory"
)

func TestParse(t *testing.T) {
	got, err := advisory.Parse([]byte(`{
		"schema_version": "1.7.0", "id": " A-1\n", "modified": "2026-01-02T03:04:05.678Z", "published": "2025-01-02T03:04:05+01:00",
		"aliases": ["CVE-2026-0001", ""], "upstream": ["CVE-2026-0002"], "related": ["GHSA-1"],
		"summary": " one\u001b[31m\nline ", "details": "two\nlines\u0007",
		"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N"}, {"type": "Ubuntu", "score": "medium"}],
		"database_specific": {"severity": "HIGH"},
		"references": [{"type": "WEB", "url": "https://example.test/web"}, {"type": "ADVISORY", "url": "javascript:alert(1)"},
			{"type": "ADVISORY", "url": "https://example.test/a"}],
		"affected": [
			{"package": {"ecosystem": "Debian:12", "name": "openssl"}, "versions": ["1", " 2 "],
			 "severity": [{"type": "CVSS_V4", "score": "CVSS:4.0/AV:N"}], "ecosystem_specific": {"urgency": "not yet assigned", "severity": ["x"]},
			 "database_specific": [1, 2],
			 "ranges": [{"type": "GIT", "repo": "https://example.test", "events": [{"introduced": "0"}]},
				{"type": "ECOSYSTEM", "events": [{"introduced": "0", "fixed": "3"}, {"limit": "*"}, {"last_affected": "4"}]}]},
			{"ranges": [{"type": "GIT", "events": []}]}
		]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := plimsoll.Advisory{
		ID:        "A-1",
		Modified:  time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC),
		Published: time.Date(2025, 1, 2, 2, 4, 5, 0, time.UTC),
		Aliases:   []string{"CVE-2026-0001"}, Upstream: []string{"CVE-2026-0002"}, Related: []string{"GHSA-1"},
		Summary: "one[31m\nline", Details: "two\nlines", URL: "https://example.test/a",
		Ratings: []plimsoll.Rating{{Type: "CVSS_V3", Value: "CVSS:3.1/AV:N"}, {Type: "Ubuntu", Value: "medium"}, {Type: "vendor", Value: "HIGH"}},
		Affected: []plimsoll.Affected{{
			Ecosystem: "Debian:12", Name: "openssl", Versions: []string{"1", "2"},
			Ratings: []plimsoll.Rating{{Type: "CVSS_V4", Value: "CVSS:4.0/AV:N"}, {Type: "vendor", Value: "not yet assigned"}},
			Ranges: []plimsoll.Range{{Type: "ECOSYSTEM", Events: []plimsoll.Event{
				{Introduced: "0"}, {Fixed: "3"}, {Limit: "*"}, {LastAffected: "4"}}}},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestErratumRating: errata are rated in their summary.
func TestErratumRating(t *testing.T) {
	for _, c := range []struct{ id, summary, specific, want string }{
		{"ALSA-2026:1", "Important: firefox security update", `{}`, "Important"},
		{"RLSA-2026:1", "Moderate: bash security update", `{}`, "Moderate"},
		{"RHSA-2026:1", "Low: x", `{"severity":"Critical"}`, "Critical"},
		{"ALSA-2026:2", "None: x", `{}`, ""},
		{"ALBA-2026:1", "perl:5.32 bug fix update", `{}`, ""},
		{"ALSA-2026:3", "Important", `{}`, ""},
		{"CVE-2026-0001", "Important: not an erratum", `{}`, ""},
	} {
		a, err := advisory.Parse(fmt.Appendf(nil, `{"id":%q,"summary":%q,"database_specific":%s}`, c.id, c.summary, c.specific))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, r := range a.Ratings {
			got += r.Value
		}
		if got != c.want {
			t.Errorf("%s %q: %q, want %q", c.id, c.summary, got, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	long := strings.Repeat("9", 2000)
	for name, c := range map[string]struct {
		raw  string
		want plimsoll.Code
	}{
		"nothing":       {"", plimsoll.Invalid},
		"not an object": {"[]", plimsoll.Invalid},
		"no id":         {`{"summary":"x"}`, plimsoll.Invalid},
		"long id":       {`{"id":"` + long + `"}`, plimsoll.Invalid},
		"wrong type":    {`{"id":"A","affected":{}}`, plimsoll.Invalid},
		"bad time":      {`{"id":"A","withdrawn":"yes"}`, plimsoll.Invalid},
		"too long":      {strings.Repeat(" ", advisory.MaxRecord+1), plimsoll.TooLarge},
		"many ids":      {`{"id":"A","aliases":["` + strings.Repeat(`a","`, 20_000) + `"]}`, plimsoll.TooLarge},
		"many packages": {`{"id":"A","affected":[` + strings.Repeat(`{},`, 60_000) + `{}]}`, plimsoll.TooLarge},
		"long bound":    {`{"id":"A","affected":[{"package":{"ecosystem":"e","name":"n"},"ranges":[{"type":"SEMVER","events":[{"fixed":"` + long + `"}]}]}]}`, plimsoll.TooLarge},
	} {
		if _, err := advisory.Parse([]byte(c.raw)); plimsoll.ErrorCode(err) != c.want {
			t.Errorf("%s: %v, want code %s", name, err, c.want)
		}
	}
}

func TestTextsAreCut(t *testing.T) {
	a, err := advisory.Parse([]byte(`{"id":"A","summary":"x` + strings.Repeat("é", 5000) + `","details":"` + strings.Repeat("é", 50_000) + `"}`))
	if err != nil || len(a.Summary) > 1<<10 || len(a.Details) > 64<<10 || !utf8.ValidString(a.Summary) || len(a.Summary) < 1000 {
		t.Errorf("%d and %d bytes, %v", len(a.Summary), len(a.Details), err)
	}
}

// TestParseCorpus: no real record is refused.
func TestParseCorpus(t *testing.T) {
	zips, err := filepath.Glob(shared(t, "osv", "*.zip"))
	if err != nil || len(zips) == 0 {
		t.Fatal("no dumps", err)
	}
	for _, path := range zips {
		eachRecord(t, path, 10, func(raw []byte) { // the import tests and benchmarks read the rest
			if _, err := advisory.Parse(raw); err != nil {
				t.Errorf("%s: %v\n%.200s", path, err, raw)
			}
		})
	}
}

// eachRecord calls f for every so manieth file of a zip.
func eachRecord(t *testing.T, path string, every int, f func(raw []byte)) {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for i, file := range z.File {
		if i%every != 0 {
			continue
		}
		r, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		f(raw)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(record("A-1", "12")))
	f.Add([]byte(`{"id":"A","database_specific":{"severity":{}},"affected":[{"package":{"ecosystem":"PyPI","name":"x"},"versions":["1"]}]}`))
	f.Add([]byte(`{"id":"A","modified":"9999-12-31T23:59:59-23:59"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, err := advisory.Parse(raw)
		if err != nil {
			if c := plimsoll.ErrorCode(err); c != plimsoll.Invalid && c != plimsoll.TooLarge {
				t.Errorf("code %q", c)
			}
			return
		}
		if a.ID == "" {
			t.Error("a record without an id")
		}
		for _, p := range a.Affected {
			if p.Ecosystem == "" || p.Name == "" {
				t.Error("a package without a name")
			}
		}
		if _, err := json.Marshal(a); err != nil {
			t.Errorf("the record cannot be stored: %v", err)
		}
	})
}
