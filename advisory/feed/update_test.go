package feed

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/advisory"
)

func debian(b ...*bucket) Feed {
	f := Feed{Name: "Debian"}
	for _, b := range b {
		f.Upstreams = append(f.Upstreams, b.URL)
	}
	return f
}

// TestOSV follows a feed through a dump, changes, and a record that goes.
func TestOSV(t *testing.T) {
	b := newBucket(t)
	r := newRig(t, b)
	one, two := record("A-1", "1"), record("A-2", "1")
	b.put("/Debian/all.zip", zipOf(t, map[string][]byte{"A-1": one, "A-2": two}))
	b.put("/Debian/modified_id.csv", []byte("2026-04-02T00:00:00.5Z,A-2\n2026-04-01T00:00:00Z,A-1\n"))
	step := func(what string, want plimsoll.ImportOutcome, requests ...string) {
		t.Helper()
		got, err := r.Update(t.Context(), debian(b))
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		want.Feed = "Debian"
		if len(got.Skipped) == 0 {
			got.Skipped = nil
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
		if diff := cmp.Diff(requests, b.requests()); diff != "" {
			t.Errorf("%s: requests (-want +got):\n%s", what, diff)
		}
	}
	step("first", plimsoll.ImportOutcome{Revision: 1, Records: 2, New: 2}, "/Debian/all.zip", "/Debian/modified_id.csv")

	b.put("/Debian/A-2.json", two)
	step("nothing new", plimsoll.ImportOutcome{Revision: 1, Records: 1, Unchanged: 1}, "/Debian/A-2.json", "/Debian/modified_id.csv")

	b.put("/Debian/A-1.json", record("A-1", "2"))
	b.put("/Debian/A-3.json", record("A-3", "1"))
	b.put("/Debian/modified_id.csv", []byte("2026-04-04T00:00:00Z,A-4\n2026-04-04T00:00:00Z,../A-5\n2026-04-03T00:00:00Z,A-3\n2026-04-03T00:00:00Z,A-1\n2026-04-02T00:00:00.5Z,A-2\n2026-04-01T00:00:00Z,A-1\n"))
	step("changes", plimsoll.ImportOutcome{Revision: 2, Records: 3, New: 1, Changed: 1, Unchanged: 1, Skipped: map[string]int{SkippedAbsent: 1, advisory.SkippedName: 1}},
		"/Debian/A-1.json", "/Debian/A-2.json", "/Debian/A-3.json", "/Debian/A-4.json 404", "/Debian/modified_id.csv")

	// A week later the dump is the same: not a second look at what is missing.
	b.put("/Debian/modified_id.csv", []byte("2026-04-04T00:00:00Z,A-4\n"))
	r.clock.at = r.clock.at.Add(fullDumpInterval)
	step("same dump", plimsoll.ImportOutcome{}, "/Debian/all.zip 304", "/Debian/modified_id.csv")

	b.put("/Debian/all.zip", zipOf(t, map[string][]byte{"A-1": record("A-1", "2")}))
	r.clock.at = r.clock.at.Add(fullDumpInterval)
	step("a dump that lacks two", plimsoll.ImportOutcome{Revision: 2, Records: 1, Unchanged: 1, Missing: 2}, "/Debian/all.zip", "/Debian/modified_id.csv")

	b.put("/Debian/all.zip", zipOf(t, map[string][]byte{"A-1": record("A-1", "3"), "A-2": two}))
	r.clock.at = r.clock.at.Add(fullDumpInterval)
	step("one is back, one is gone", plimsoll.ImportOutcome{Revision: 3, Records: 2, Changed: 1, Unchanged: 1, Withdrawn: 1}, "/Debian/all.zip", "/Debian/modified_id.csv")

	b.put("/Debian/all.zip", zipOf(t, map[string][]byte{"A-1": record("A-1", "3")}))
	r.clock.at = r.clock.at.Add(fullDumpInterval)
	step("one goes again, for the first time", plimsoll.ImportOutcome{Revision: 3, Records: 1, Unchanged: 1, Missing: 1}, "/Debian/all.zip", "/Debian/modified_id.csv")
}

// TestDumpOlderThanIndex: what changed after the dump was made is fetched, at the latest
// with the next dump.
func TestDumpOlderThanIndex(t *testing.T) {
	b := newBucket(t)
	r := newRig(t, b)
	b.times = map[string]string{"/Debian/all.zip": "Wed, 01 Apr 2026 12:00:00 GMT"}
	b.put("/Debian/all.zip", zipOf(t, map[string][]byte{"A-1": record("A-1", "1")}))
	b.put("/Debian/modified_id.csv", []byte("2026-04-02T00:00:00Z,A-2\n2026-04-01T11:30:00Z,A-1\n2026-04-01T10:00:00Z,A-0\n"))
	b.put("/Debian/A-1.json", record("A-1", "2"))
	b.put("/Debian/A-2.json", record("A-2", "1"))
	if out, err := r.Update(t.Context(), debian(b)); err != nil || out.New != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	if out, err := r.Update(t.Context(), debian(b)); err != nil || out.New != 1 || out.Changed != 1 {
		t.Errorf("what the dump lacks: %+v, %v", out, err)
	}
	var index strings.Builder
	for i := range maxChanges + 1 {
		fmt.Fprintf(&index, "2026-04-03T00:00:00Z,B-%d\n", i)
	}
	b.put("/Debian/modified_id.csv", []byte(index.String()))
	if out, err := r.Update(t.Context(), debian(b)); err != nil || out.New != 0 {
		t.Errorf("many changes, and the dump is still the old one: %+v, %v", out, err)
	}
	b.put("/Debian/all.zip", zipOf(t, map[string][]byte{"A-1": record("A-1", "2"), "A-2": record("A-2", "1"), "B-1": record("B-1", "1")}))
	if out, err := r.Update(t.Context(), debian(b)); err != nil || out.New != 1 {
		t.Errorf("the next dump: %+v, %v", out, err)
	}
}

// TestManyChanges reads the dump if the index lists too much.
func TestManyChanges(t *testing.T) {
	b := newBucket(t)
	r := newRig(t, b)
	b.put("/Debian/all.zip", zipOf(t, map[string][]byte{"A-1": record("A-1", "1")}))
	b.put("/Debian/modified_id.csv", []byte("2026-04-01T00:00:00Z,A-1\n"))
	if _, err := r.Update(t.Context(), debian(b)); err != nil {
		t.Fatal(err)
	}
	var index strings.Builder
	for i := range maxChanges + 1 {
		fmt.Fprintf(&index, "2026-04-02T00:00:00Z,B-%d\n", i)
	}
	b.put("/Debian/modified_id.csv", []byte(index.String()))
	b.put("/Debian/all.zip", zipOf(t, map[string][]byte{"A-1": record("A-1", "1"), "B-1": record("B-1", "1")}))
	b.requests()
	if out, err := r.Update(t.Context(), debian(b)); err != nil || out.New != 1 || len(b.requests()) != 2 {
		t.Errorf("%+v, %v", out, err)
	}
}

// TestUpstreams: the second is asked if the first fails, and if both do, what was read stays.
func TestUpstreams(t *testing.T) {
	first, second := newBucket(t), newBucket(t)
	r := newRig(t, first, second)
	first.serve = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }
	second.put("/Debian/all.zip", zipOf(t, map[string][]byte{"A-1": record("A-1", "1")}))
	if out, err := r.Update(t.Context(), debian(first, second)); err != nil || out.New != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	second.requests()
	if out, err := r.Update(t.Context(), debian(first, second)); err != nil || out.New != 0 {
		t.Errorf("%+v, %v", out, err)
	}
	if diff := cmp.Diff([]string{"/Debian/all.zip 304", "/Debian/modified_id.csv 404"}, second.requests()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	second.serve = first.serve
	if _, err := r.Update(t.Context(), debian(first, second)); plimsoll.ErrorCode(err) != plimsoll.Unavailable {
		t.Errorf("both fail: %v", err)
	}
	status, err := r.db.Status(t.Context())
	if err != nil || len(status.Feeds) != 1 {
		t.Fatal(err, status)
	}
	f := status.Feeds[0]
	if f.Records != 1 || !strings.Contains(f.Failure, "answered 500") || !f.FailedAt.Equal(r.clock.at) || f.Source != second.URL+"/Debian/all.zip" {
		t.Errorf("%+v", f)
	}
	second.serve = nil
	if _, err := r.Update(t.Context(), debian(first, second)); err != nil {
		t.Error(err)
	}
	if status, err = r.db.Status(t.Context()); err != nil || status.Feeds[0].Failure != "" {
		t.Errorf("%+v, %v", status, err)
	}
}

// TestHostileUpstreams: whatever an upstream does, what was read stays, and the error says what it was.
func TestHostileUpstreams(t *testing.T) {
	elsewhere := newBucket(t)
	released := make(chan struct{})
	defer close(released)
	body := zipOf(t, map[string][]byte{"A-1": record("A-1", "2")})
	var bomb bytes.Buffer
	z := zip.NewWriter(&bomb)
	for i := range 3 {
		if _, err := z.CreateRaw(&zip.FileHeader{Name: fmt.Sprintf("%d.json", i), Method: zip.Deflate, UncompressedSize64: 12 << 30}); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	silent := func(w http.ResponseWriter, r *http.Request, part []byte) {
		w.Write(part)            //nolint:errcheck // the client reports it
		w.(http.Flusher).Flush() //nolint:forcetypeassert // it is one
		select {                 // the client gives up, or the test ends
		case <-r.Context().Done():
		case <-released:
		}
	}
	for name, c := range map[string]struct {
		serve func(http.ResponseWriter, *http.Request)
		is    error
		code  plimsoll.Code
	}{
		"truncated": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			w.Write(body) //nolint:errcheck // as above
		}, nil, plimsoll.Unavailable},
		"slow":         {func(w http.ResponseWriter, r *http.Request) { silent(w, r, body[:10]) }, ErrStalled, plimsoll.Unavailable},
		"never begins": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, ErrStalled, plimsoll.Unavailable},
		"redirected inside": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/x", http.StatusFound)
		}, nil, plimsoll.Forbidden},
		"redirected to metadata": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
		}, nil, plimsoll.Forbidden},
		"bomb": {func(w http.ResponseWriter, _ *http.Request) { w.Write(bomb.Bytes()) }, advisory.ErrBomb, plimsoll.TooLarge}, //nolint:errcheck // as above
		"huge": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(int64(maxDump)+1))
			w.WriteHeader(http.StatusOK)
		}, nil, plimsoll.TooLarge},
		"garbage":  {func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) }, advisory.ErrNoDump, plimsoll.Invalid}, //nolint:errcheck // as above
		"login":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, nil, plimsoll.Unavailable},
		"unasked":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) }, nil, plimsoll.Unavailable},
		"no files": {func(w http.ResponseWriter, _ *http.Request) { w.Write(zipOf(t, nil)) }, nil, plimsoll.Invalid}, //nolint:errcheck // as above
	} {
		t.Run(name, func(t *testing.T) {
			good, bad := newBucket(t), newBucket(t)
			r := newRig(t, good, bad)
			good.put("/dump.zip", zipOf(t, map[string][]byte{"A-1": record("A-1", "1")}))
			f := Feed{Name: "x", Kind: KindDump, Upstreams: []string{good.URL + "/dump.zip"}}
			if _, err := r.Update(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			bad.serve = c.serve
			r.Remote.Stall = 50 * time.Millisecond
			f.Upstreams = []string{bad.URL + "/dump.zip?signature=secret"}
			_, err := r.Update(t.Context(), f)
			if plimsoll.ErrorCode(err) != c.code || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%v (code %s), want %s", err, plimsoll.ErrorCode(err), c.code)
			}
			if strings.Contains(fmt.Sprint(err), "secret") {
				t.Errorf("the error tells the query: %v", err)
			}
			if r.revision(t) != 1 {
				t.Errorf("revision %d", r.revision(t))
			}
		})
	}
	if got := elsewhere.requests(); len(got) > 0 {
		t.Errorf("a redirect went through: %v", got)
	}
}

// TestFolder reads a mirror in a folder of this machine.
func TestFolder(t *testing.T) {
	r := newRig(t)
	dir := mirror(t, map[string][]byte{
		"Debian/all.zip": zipOf(t, map[string][]byte{"A-1": record("A-1", "1")}), "Debian/modified_id.csv": []byte("2026-04-01T00:00:00Z,A-1\n"),
	})
	f := Feed{Name: "Debian", Upstreams: []string{dir}}
	if out, err := r.Update(t.Context(), f); err != nil || out.New != 1 {
		t.Errorf("%+v, %v", out, err)
	}
	r.clock.at = r.clock.at.Add(fullDumpInterval)
	if out, err := r.Update(t.Context(), f); err != nil || out.Records != 0 {
		t.Errorf("an unchanged mirror: %+v, %v", out, err)
	}
}
