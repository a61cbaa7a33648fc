package feed

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

func mirror(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func gzipped(t testing.TB, write func(io.Writer)) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	write(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func catalogue(cves ...string) []byte {
	var entries []string
	for _, cve := range cves {
		entries = append(entries, fmt.Sprintf(`{"cveID":%q,"knownRansomwareCampaignUse":"Known","dueDate":"2026-02-01"}`, cve))
	}
	return fmt.Appendf(nil, `{"title":"x","count":%d,"vulnerabilities":[%s]}`, len(cves), strings.Join(entries, ","))
}

// TestThreats follows both lists: what they change, and that they change nothing twice.
func TestThreats(t *testing.T) {
	b := newBucket(t)
	r := newRig(t, b)
	kev := Feed{Name: "kev", Kind: KindKEV, Upstreams: []string{b.URL + "/kev.json"}}
	epss := Feed{Name: "epss", Kind: KindEPSS, Upstreams: []string{b.URL + "/epss.csv.gz"}}
	scores := func(lines ...string) {
		b.put("/epss.csv.gz", gzipped(t, func(w io.Writer) {
			fmt.Fprintf(w, "#model_version:v1,score_date:2026-01-01T00:00:00Z\ncve,epss,percentile\n%s\n", strings.Join(lines, "\n"))
		}))
	}
	step := func(f Feed, want plimsoll.ImportOutcome, changed ...string) {
		t.Helper()
		since := plimsoll.Revision(r.revision(t))
		got, err := r.Update(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		want.Feed = f.Name
		if len(got.Skipped) == 0 {
			got.Skipped = nil
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if since == 0 {
			return
		}
		changes, known, err := r.db.ChangedSince(t.Context(), since)
		if err != nil || !known {
			t.Fatal(known, err)
		}
		if diff := cmp.Diff(changed, changes.CVEs); diff != "" {
			t.Errorf("changed CVEs (-want +got):\n%s", diff)
		}
	}
	b.put("/kev.json", catalogue("CVE-2026-0001", "CVE-2026-0002", "x"))
	scores("CVE-2026-0001,0.00001,0.1", "CVE-2026-0003,0.0994,0.9", "CVE-2026-0004,0.6,0.99", "y,0.1,0.1")
	step(kev, plimsoll.ImportOutcome{Revision: 1, Records: 2, New: 2, Skipped: map[string]int{SkippedCVE: 1}})
	step(epss, plimsoll.ImportOutcome{Revision: 2, Records: 2, New: 2, Skipped: map[string]int{SkippedCVE: 1}}, "CVE-2026-0004")
	step(kev, plimsoll.ImportOutcome{})
	b.put("/kev.json", append(catalogue("CVE-2026-0001", "CVE-2026-0002"), '\n'))
	step(kev, plimsoll.ImportOutcome{Revision: 2, Records: 2, Unchanged: 2})
	scores("CVE-2026-0003,0.0999,0.9", "CVE-2026-0004,0.7,0.99")
	step(epss, plimsoll.ImportOutcome{Revision: 3, Records: 2, Changed: 2}, "CVE-2026-0003") // 0.0999 is kept as 0.1
	b.put("/kev.json", catalogue("CVE-2026-0001"))
	step(kev, plimsoll.ImportOutcome{Revision: 4, Records: 1, Unchanged: 1, Withdrawn: 1}, "CVE-2026-0002")

	b.put("/kev.json", catalogue("CVE-2026-0001", "CVE-2026-0005", "CVE-2026-0006", "CVE-2026-0007"))
	step(kev, plimsoll.ImportOutcome{Revision: 5, Records: 4, New: 3, Unchanged: 1}, "CVE-2026-0005", "CVE-2026-0006", "CVE-2026-0007")
	b.put("/kev.json", catalogue("CVE-2026-0001"))
	if _, err := r.Update(t.Context(), kev); plimsoll.ErrorCode(err) != plimsoll.Invalid {
		t.Errorf("a list that lost most of its entries: %v", err)
	}
	got, err := r.db.Threats(t.Context(), "kev")
	if err != nil || len(got) != 4 || !got["CVE-2026-0001"].Ransomware {
		t.Errorf("%v, %v", got, err)
	}
}

func TestThreatsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		raw  []byte
		want plimsoll.Code
	}{
		"zeros": {gzipped(t, func(w io.Writer) { io.CopyN(w, zeros{}, 64<<20) }), plimsoll.Invalid}, //nolint:errcheck // a buffer
		"lines": {gzipped(t, func(w io.Writer) {
			fmt.Fprintln(w, "cve,epss")
			io.CopyN(w, &repeated{line: "CVE-2026-0001,0\n"}, 16*(maxThreats+1)) //nolint:errcheck // a buffer
		}), plimsoll.TooLarge},
		"comments":  {gzipped(t, func(w io.Writer) { io.CopyN(w, &repeated{line: "#\n"}, maxEPSS+1) }), plimsoll.TooLarge}, //nolint:errcheck // a buffer
		"cut":       {gzipped(t, func(w io.Writer) { fmt.Fprintln(w, "cve,epss\nCVE-2026-0001,0.5") })[:30], plimsoll.Invalid},
		"no header": {[]byte("CVE-2026-0001,0.5\n"), plimsoll.Invalid},
		"no score":  {[]byte("cve,epss\nCVE-2026-0001,NaN\n"), plimsoll.Invalid},
		"too much":  {[]byte("cve,epss\nCVE-2026-0001,1.5\n"), plimsoll.Invalid},
		"empty":     {nil, plimsoll.Invalid},
	} {
		if _, err := readEPSS(bytes.NewReader(c.raw)); plimsoll.ErrorCode(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, raw := range map[string]string{
		"empty": "", "no list": `{}`, "empty list": `{"count":0,"vulnerabilities":[]}`, "cut": `{"vulnerabilities":[{"cveID":"CVE-2026-0001"}`,
		"another count": `{"count":2,"vulnerabilities":[{"cveID":"CVE-2026-0001"}]}`,
	} {
		if _, err := readKEV(strings.NewReader(raw)); plimsoll.ErrorCode(err) != plimsoll.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := readKEV(io.LimitReader(zeros{}, maxKEV+1)); plimsoll.ErrorCode(err) != plimsoll.TooLarge {
		t.Errorf("a large catalogue: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type repeated struct {
	line string
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.line[r.at]
		r.at = (r.at + 1) % len(r.line)
	}
	return len(p), nil
}

func TestParseSettings(t *testing.T) {
	got, err := Parse([]string{"Debian", "Red Hat", "kev", "in-house=https://a.test/x.zip", "in-house=https://b.test/x.zip", "epss=/mirror/epss.csv"},
		[]string{"https://mirror.test/osv/", "/mirror"})
	if err != nil {
		t.Fatal(err)
	}
	buckets := []string{"https://mirror.test/osv/", "/mirror"}
	want := []Feed{
		{"Debian", KindOSV, buckets}, {"Red Hat", KindOSV, buckets}, {"kev", KindKEV, []string{kevAddress}},
		{"in-house", KindDump, []string{"https://a.test/x.zip", "https://b.test/x.zip"}}, {"epss", KindEPSS, []string{"/mirror/epss.csv"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if at := bucketFile(buckets[0], "Red Hat", "all.zip"); at != "https://mirror.test/osv/Red%20Hat/all.zip" {
		t.Error(at)
	}
	if at := bucketFile("/mirror", "Red Hat", "all.zip"); at != "/mirror/Red Hat/all.zip" {
		t.Error(at)
	}
	for _, entries := range [][]string{{""}, {"../x"}, {"a/b"}, {"x=ftp://a.test"}, {"x=relative"}, {"x=https://u:p@a.test/x"}, {"Debian", "Debian"}, {"Debian", "Debian=https://a.test"}} {
		if _, err := Parse(entries, nil); plimsoll.ErrorCode(err) != plimsoll.Invalid {
			t.Errorf("%q: %v", entries, err)
		}
	}
	if _, err := Parse(nil, []string{"osv"}); plimsoll.ErrorCode(err) != plimsoll.Invalid {
		t.Errorf("a bucket: %v", err)
	}
}

// TestSchedule: rounds go on after a failure, and Changed is called only after a change.
func TestSchedule(t *testing.T) {
	b := newBucket(t)
	r := newRig(t, b)
	b.put("/dump.zip", zipOf(t, map[string][]byte{"A-1": record("A-1", "1")}))
	changes, slept := 0, []time.Duration{}
	end := errors.New("end")
	s := Schedule{
		Updater: r.Updater, Every: time.Hour,
		Feeds:   []Feed{{"absent", KindDump, []string{b.URL + "/no.zip"}}, {"x", KindDump, []string{b.URL + "/dump.zip"}}},
		Changed: func(context.Context) error { changes++; return errors.New("not now") },
		Sleep: func(_ context.Context, d time.Duration) error {
			if slept = append(slept, d); len(slept) == 4 {
				return end
			}
			return nil
		},
	}
	if err := s.Run(t.Context()); !errors.Is(err, end) {
		t.Error(err)
	}
	if changes != 1 || r.revision(t) != 1 {
		t.Errorf("%d changes reported, revision %d", changes, r.revision(t))
	}
	for i, d := range slept {
		if i == 0 && d > time.Minute || i > 0 && (d < 54*time.Minute || d > 66*time.Minute) {
			t.Errorf("pause %d is %s", i, d)
		}
	}
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte("2026-04-02T00:00:00.123456Z,A-2\n2026-04-01T00:00:00Z,A-1\n"))
	f.Add([]byte("2026-04-02T00:00:00Z,../x\r\n,\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := readIndex(bytes.NewReader(raw), time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC))
		if err != nil && plimsoll.ErrorCode(err) != plimsoll.Invalid {
			t.Errorf("%v", err)
		}
		for _, id := range c.ids {
			if filepath.Base(id) != id || !filepath.IsLocal(id+".json") {
				t.Errorf("id %q as a file", id)
			}
		}
	})
}

func FuzzEPSS(f *testing.F) {
	f.Add([]byte("#x\ncve,epss,percentile\nCVE-2026-0001,0.5,0.9\n"))
	f.Add(gzipped(f, func(w io.Writer) { fmt.Fprintln(w, "cve,epss\nCVE-2026-0001,1e-3") }))
	f.Fuzz(func(t *testing.T, raw []byte) {
		checkThreats(t, readEPSS, raw)
	})
}

func FuzzKEV(f *testing.F) {
	f.Add(catalogue("CVE-2026-0001"))
	f.Add([]byte(`{"vulnerabilities":[null,{"cveID":"CVE-2026-00000000000000000000000000000001"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		checkThreats(t, readKEV, raw)
	})
}

func checkThreats(t *testing.T, read func(io.Reader) (threatList, error), raw []byte) {
	t.Helper()
	got, err := read(bytes.NewReader(raw))
	if err != nil {
		if c := plimsoll.ErrorCode(err); c != plimsoll.Invalid && c != plimsoll.TooLarge {
			t.Errorf("code %q: %v", c, err)
		}
		return
	}
	for _, threat := range got.list {
		if !plimsoll.IsCVE(threat.CVE) || len(threat.CVE) > maxCVE || threat.EPSS < 0 || threat.EPSS > 1000 {
			t.Errorf("%+v", threat)
		}
	}
}
