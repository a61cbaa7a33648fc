package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// goldenAnswer is an answer of the API. Body has the bytes of the answer but for what
// goldenDemo.normal replaces; a body that is not JSON on one line is there as a string.
type goldenAnswer struct {
	Path        string          `json:"path,omitempty"` // not of our own operations, whose paths may change
	Status      int             `json:"status"`
	ContentType string          `json:"content_type"`
	Body        json.RawMessage `json:"body"`
}

// goldenDemo is a running demo and what its answers refer to.
type goldenDemo struct {
	url, project, token string
	operations          map[string]goldenOperation // by id
	arguments           map[string][]goldenArgument
	rules               []goldenRule

	random   *strings.Replacer
	from, to time.Time // times of this run are between them
}

// goldenArgument is a value of a path parameter and how golden files name it.
type goldenArgument struct{ shown, value string }

// TestGoldenDemo calls every GET operation that the OpenAPI document of a running demo
// lists, and compares the answers with testdata/golden/demo.json.
func TestGoldenDemo(t *testing.T) {
	d := startGoldenDemo(t)
	got := map[string]goldenAnswer{}
	for _, call := range d.calls(t) {
		answer := d.answer(t, call)
		if _, ok := got[call.key]; ok {
			t.Errorf("two calls have the key %q", call.key)
		}
		got[call.key] = answer
	}
	compareGolden(t, "demo.json", got)
}

func startGoldenDemo(t *testing.T) *goldenDemo {
	t.Helper()
	data := t.TempDir()
	d := &goldenDemo{from: time.Now().Truncate(time.Second), to: time.Now().Add(48 * time.Hour)}
	startDemo(t, data)
	env := demoEnv(t, data)
	d.url, d.project, d.token = env["PLIMSOLL_ENDPOINT"], env["PLIMSOLL_PROJECT_ID"], env["PLIMSOLL_TOKEN"]
	d.operations = d.document(t)
	var registries struct{ Items []struct{ URL string } }
	var users struct {
		Items []struct {
			ID     string
			Domain string `json:"domain_id"`
		}
	}
	d.decode(t, "listRegistries", "", &registries)
	d.decode(t, "listUsers", "", &users)
	if len(registries.Items) != 1 || len(users.Items) != 1 {
		t.Fatalf("the demo has registries %v and users %v", registries, users)
	}
	d.random = strings.NewReplacer(
		d.url, "{server}", registries.Items[0].URL, "{registry}", data, "{data}", d.project, "{project}",
		users.Items[0].ID, "{user}", users.Items[0].Domain, "{domain}", env["PLIMSOLL_ACCESS_KEY"], "{access}", runtime.Version(), "{go}")
	d.collectArguments(t)
	return d
}

// get returns the answer to a request of the demo's administrator.
func (d *goldenDemo) get(t *testing.T, path string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Auth-Token", d.token)
	req.Header.Set("X-Subject-Token", d.token) // the token that ShowTokenGET describes
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(raw)
}

// decode reads the answer of an operation whose only path parameter is the project.
func (d *goldenDemo) decode(t *testing.T, operation, query string, into any) {
	t.Helper()
	op, ok := d.operations[operation]
	if !ok {
		t.Fatalf("/openapi.json does not list %s", operation)
	}
	path := op.fill(t, d.project, nil) + "?" + query
	resp, raw := d.get(t, path)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s", path, resp.Status, raw)
	}
	if err := json.Unmarshal([]byte(raw), into); err != nil {
		t.Fatalf("%s: %v %s", path, err, raw)
	}
}

func (d *goldenDemo) answer(t *testing.T, call goldenCall) goldenAnswer {
	t.Helper()
	resp, raw := d.get(t, call.path)
	out := goldenAnswer{Path: call.template, Status: resp.StatusCode, ContentType: resp.Header.Get("Content-Type")}
	text := d.normal(raw)
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(text)); err == nil && compact.String()+"\n" == text {
		out.Body = compact.Bytes()
	} else {
		out.Body = json.RawMessage(goldenLine(t, text))
	}
	return out
}

var (
	goldenDate    = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	goldenMillis  = regexp.MustCompile(`\b\d{13}\b`)
	goldenRequest = regexp.MustCompile(`"request_id":"[0-9a-f]{32}"`)
	goldenAge     = regexp.MustCompile(`"age_seconds":\d+`)
	goldenCursor  = regexp.MustCompile(`"next":"([A-Za-z0-9_-]+)"`)
	goldenInstant = regexp.MustCompile(`"\d{20}"|^\d+\.\d+$`)

	// goldenRecord matches the record id that an image's object begins with, in the contract's lists and in ours.
	goldenRecord = regexp.MustCompile(`"id":\d+,("namespace":|"project_id":"[^"]*","enterprise_project_id":"[^"]*","registry_id":)`)
)

// normal replaces what differs between two runs of the demo, and only that:
//   - addresses and the data directory, which have a free port or are temporary;
//   - ids of the project, the user and the domain, and the access key, which are random;
//   - request ids, and the seconds since advisories were checked;
//   - the place in a list that "next" names, if a time is part of it;
//   - times of this run, as dates or milliseconds; times of samples and advisories are fixed, and stay;
//   - the version of Go;
//   - record ids of images, which a sync stores in parallel, and the order of images of one age,
//     which is the order they were stored in.
func (d *goldenDemo) normal(raw string) string {
	text := d.random.Replace(raw)
	text = goldenRequest.ReplaceAllString(text, `"request_id":"{request}"`)
	text = goldenAge.ReplaceAllString(text, `"age_seconds":"{seconds}"`)
	text = goldenRecord.ReplaceAllString(text, `"id":"{record}",$1`)
	text = goldenCursor.ReplaceAllStringFunc(text, func(s string) string {
		place, err := base64.RawURLEncoding.DecodeString(goldenCursor.FindStringSubmatch(s)[1])
		if err != nil || !goldenInstant.Match(place) {
			return s
		}
		return `"next":"{place}"`
	})
	text = goldenDate.ReplaceAllStringFunc(text, func(s string) string {
		if at, err := time.Parse(time.RFC3339Nano, s); err != nil || !d.ofThisRun(at) {
			return s
		}
		return "{time}"
	})
	text = goldenMillis.ReplaceAllStringFunc(text, func(s string) string {
		if ms, err := strconv.ParseInt(s, 10, 64); err != nil || !d.ofThisRun(time.UnixMilli(ms)) {
			return s
		}
		return `"{time}"`
	})
	return sortSameAge(text)
}

func (d *goldenDemo) ofThisRun(at time.Time) bool { return !at.Before(d.from) && at.Before(d.to) }

// sortSameAge sorts neighbours of one age in the list of an answer. The order of ages stays.
func sortSameAge(text string) string {
	var list struct {
		DataList []json.RawMessage `json:"data_list"`
		Items    []json.RawMessage `json:"items"`
	}
	if json.Unmarshal([]byte(text), &list) != nil {
		return text
	}
	var old, sorted []string
	var ages []string
	for _, row := range append(list.DataList, list.Items...) {
		var age struct {
			Contract json.RawMessage `json:"latest_update_time"`
			Own      json.RawMessage `json:"updated_at"`
		}
		if json.Unmarshal(row, &age) != nil {
			return text
		}
		old, ages = append(old, string(row)), append(ages, string(age.Contract)+string(age.Own))
	}
	sorted = slices.Clone(old)
	for i := 0; i < len(sorted); {
		end := i + 1
		for end < len(sorted) && ages[i] != "" && ages[end] == ages[i] {
			end++
		}
		slices.Sort(sorted[i:end])
		i = end
	}
	return strings.Replace(text, strings.Join(old, ","), strings.Join(sorted, ","), 1)
}
