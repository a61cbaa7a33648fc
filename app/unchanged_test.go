package app

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/app/apptest"
	"plimsoll/demo"
)

// witness records what registries are asked.
type witness struct {
	inner http.RoundTripper
	mu    sync.Mutex
	asked []string
}

func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.asked = append(w.asked, r.Method+" "+r.URL.Path)
	w.mu.Unlock()
	return w.inner.RoundTrip(r)
}

// since returns the requests since the last call.
func (w *witness) since() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.asked
	w.asked = nil
	return asked
}

// works is a site over the demo's samples with a running queue.
type works struct {
	*Site
	witness *witness
	records string
}

func newWorks(t *testing.T) *works {
	t.Helper()
	samples, err := StartSamples(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { samples.Close() })
	c := DefaultConfig()
	c.Data, c.AllowHosts = t.TempDir(), []string{samples.Host()}
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	w := &works{Site: s, witness: &witness{inner: s.connector.Transport}, records: filepath.Join(t.TempDir(), "advisories")}
	s.connector.Transport = w.witness
	if err := s.Tasks.Prepare(DefaultWork()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Tasks.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	if err := demo.WriteAdvisories(w.records); err != nil {
		t.Fatal(err)
	}
	w.imports(t)
	if err := s.addSamples(t.Context(), samples); err != nil {
		t.Fatal(err)
	}
	w.sync(t)
	return w
}

// imports imports the records and judges by them before it returns.
func (w *works) imports(t *testing.T) plimsoll.ImportOutcome {
	t.Helper()
	outcome, err := w.Advisories.importFile(t.Context(), Import{Path: w.records, Feed: demo.FeedName})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Advisories.rematcher.Work(t.Context(), plimsoll.Work{}); err != nil {
		t.Fatal(err)
	}
	return outcome
}

func (w *works) sync(t *testing.T) {
	t.Helper()
	if _, err := w.Registries.Sync(t.Context(), w.Project.ID, demoRegistry, nil); err != nil {
		t.Fatal(err)
	}
}

// rescan asks for a scan of every image, as the API does, and waits for it.
func (w *works) rescan(t *testing.T) plimsoll.Task {
	t.Helper()
	task, err := w.Scans.ScanImages(t.Context(), "test", plimsoll.PriorityInteractive, plimsoll.ImageFilter{ProjectID: w.Project.ID}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if task, err = w.Tasks.Wait(t.Context(), task.ProjectID, task.ID, nil); err != nil {
		t.Fatal(err)
	}
	return task
}

// jobTable matches the tables that record work itself.
func jobTable(name string) bool {
	return slices.Contains([]string{"task", "task_work", "backlog", "dispatch_turn", "feed_check"}, name) ||
		strings.HasPrefix(name, "sqlite_")
}

// dumpTables reads every row of every table that is not a job table, so that a new table is compared too.
func dumpTables(t *testing.T, db *sql.DB) map[string][]string {
	t.Helper()
	names := apptest.Query(t, db, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
	out := map[string][]string{}
	for _, row := range names {
		name := strings.Trim(row, "[]")
		if !jobTable(name) {
			out[name] = apptest.Query(t, db, `SELECT * FROM "`+name+`"`)
			slices.Sort(out[name])
		}
	}
	if len(out) < 3 {
		t.Fatalf("only %d tables compared", len(out))
	}
	return out
}

// TestUnchangedWritesNoRows syncs and scans everything again, and imports the same
// advisories again: no row outside task and job tables changes, and of the registry
// nothing is read but what tags point to, and the one image that is broken.
func TestUnchangedWritesNoRows(t *testing.T) {
	w := newWorks(t)
	inventory, advisories := w.inventory.DB().Reader, filepath.Join(w.config.Data, "advisories.db")
	adb, err := sql.Open("sqlite", advisories)
	if err != nil {
		t.Fatal(err)
	}
	defer adb.Close()
	before, beforeAdvisories := dumpTables(t, inventory), dumpTables(t, adb)
	if len(before["image"]) != 13 || len(before["set_vulnerability"]) == 0 || len(before["layer_report"]) == 0 {
		t.Fatalf("the inventory is not what the test needs: %d images", len(before["image"]))
	}
	w.witness.since()

	w.sync(t)
	if task := w.rescan(t); task.Total != 12 || task.Failed != 1 {
		t.Errorf("rescan: %+v", task)
	}
	if outcome := w.imports(t); outcome.New+outcome.Changed+outcome.Withdrawn != 0 {
		t.Errorf("import: %+v", outcome)
	}

	if d := cmp.Diff(before, dumpTables(t, inventory)); d != "" {
		t.Errorf("inventory rows changed: %s", d)
	}
	if d := cmp.Diff(beforeAdvisories, dumpTables(t, adb)); d != "" {
		t.Errorf("advisory rows changed: %s", d)
	}
	for _, r := range w.witness.since() {
		if strings.HasPrefix(r, "GET ") && (strings.Contains(r, "/manifests/") || strings.Contains(r, "/blobs/")) && !strings.Contains(r, "/ops/broken/") {
			t.Errorf("the registry was asked again for %s", r)
		}
	}
}

// TestChangedAdvisoryReachesEveryImage changes one advisory: the images it concerns are
// current afterwards, in counts and lists, and the registry was not asked.
func TestChangedAdvisoryReachesEveryImage(t *testing.T) {
	w := newWorks(t)
	before := w.counts(t)
	w.witness.since()
	w.fixIn(t, "DEMO-CVE-2099-1004.json", "2.36-9+deb12u4")
	if outcome := w.imports(t); outcome.Changed != 1 || outcome.New+outcome.Withdrawn != 0 {
		t.Fatalf("import: %+v", outcome)
	}
	if asked := w.witness.since(); len(asked) != 0 {
		t.Errorf("the registry was asked: %v", asked)
	}
	after := w.counts(t)
	changed := 0
	for image, n := range before {
		if after[image] != n {
			changed++
			if after[image] != n-1 {
				t.Errorf("%s: %d vulnerabilities, were %d", image, after[image], n)
			}
		}
	}
	if changed != 4 {
		t.Errorf("%d images changed, want the 4 with the old glibc", changed)
	}
}

// fixIn rewrites the first fixed version of a sample advisory.
func (w *works) fixIn(t *testing.T, name, version string) {
	t.Helper()
	path := filepath.Join(w.records, name)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var record map[string]any
	if err := json.Unmarshal(raw, &record); err != nil {
		t.Fatal(err)
	}
	affected := record["affected"].([]any)[0].(map[string]any)
	events := affected["ranges"].([]any)[0].(map[string]any)["events"].([]any)
	events[1].(map[string]any)["fixed"] = version
	if raw, err = json.Marshal(record); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// counts returns the shown number of vulnerabilities of every judged image, after
// checking that it is the number of distinct ids in the image's list.
func (w *works) counts(t *testing.T) map[string]int {
	t.Helper()
	page, err := w.inventory.Images(t.Context(), plimsoll.ImageFilter{ProjectID: w.Project.ID})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, i := range page.Items {
		if i.Counts == nil {
			continue
		}
		name := i.Repository + ":" + i.Tag
		out[name] = i.Counts.Vulnerabilities
		ids := map[string]bool{}
		for offset := 0; ; offset += plimsoll.MaxLimit {
			found, err := w.inventory.ImageVulnerabilities(t.Context(), i, plimsoll.VulnerabilityFilter{Offset: offset, Limit: plimsoll.MaxLimit})
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range found.Items {
				ids[v.ID] = true
			}
			if offset+len(found.Items) >= found.Total {
				break
			}
		}
		if len(ids) != out[name] {
			t.Errorf("%s: counts %d, lists %d", name, out[name], len(ids))
		}
	}
	return out
}
