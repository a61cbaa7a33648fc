package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/store/sqlite"
)

// demoRows is what the demo finds: image, tag, state, vulnerabilities, unsafe settings,
// malware. Sorted: images of the same age come in the order they were stored in.
func demoRows() []string {
	rows := []string{
		"shop/frontend stable done 3 0 0",
		"legacy/php-site 5.6 done 4 1 1",
		"ops/toolbox latest done 3 1 1",
		"ops/windows ltsc not scanned: not_linux - - -",
		"base/alpine 3.20 done 3 1 0",
		"shop/web 1.5.0 done 0 0 0",
		"shop/web 1.4.0 done 4 0 0",
		"legacy/ftp old done 4 8 0",
		"base/debian 12 done 4 1 0",
		"shop/worker 7 done 2 0 0",
		"base/static 1 done 0 0 0",
		"shop/api 2.1 done 4 0 0",
		"ops/broken 1 unreachable: download - - -",
	}
	slices.Sort(rows)
	return rows
}

// rowsOf drops digest, size and time from the printed list, and sorts it.
func rowsOf(out string) []string {
	var rows []string
	gaps := regexp.MustCompile(`  +`)
	for line := range strings.Lines(out) {
		cells := gaps.Split(strings.TrimSpace(line), -1)
		if len(cells) == 9 && cells[0] != "IMAGE" {
			rows = append(rows, strings.Join([]string{cells[0], cells[1], cells[4], cells[5], cells[6], cells[7]}, " "))
		}
	}
	slices.Sort(rows)
	return rows
}

// stored is what must not grow when the demo runs again.
type stored struct {
	Images []plimsoll.Image
	Scans  []plimsoll.Task
}

func storedBy(t *testing.T, data string) stored {
	t.Helper()
	inventory, err := sqlite.Inventory(t.Context(), filepath.Join(data, "plimsoll.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer inventory.Close()
	d, err := inventory.Domain(t.Context(), "plimsoll")
	if err != nil {
		t.Fatal(err)
	}
	projects, err := inventory.Projects(t.Context(), d.ID)
	if err != nil {
		t.Fatal(err)
	}
	images, err := inventory.Images(t.Context(), plimsoll.ImageFilter{ProjectID: projects[0].ID})
	if err != nil {
		t.Fatal(err)
	}
	scans, err := inventory.Tasks(t.Context(), projects[0].ID, nil, plimsoll.WorkScan, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	return stored{images.Items, scans.Items}
}

func TestDemoTwice(t *testing.T) {
	data := t.TempDir()
	args := []string{"--data", data, "serve", "--demo", "--exit", "--listen", "127.0.0.1:0"}
	var seen []stored
	var envs []map[string]string
	for range 2 {
		out := cli(t, "", args...)
		if d := cmp.Diff(demoRows(), rowsOf(out)); d != "" {
			t.Errorf("list (-want +got):\n%s", d)
		}
		seen, envs = append(seen, storedBy(t, filepath.Join(data, "demo"))), append(envs, demoEnv(t, data))
	}
	if d := cmp.Diff(seen[0], seen[1]); d != "" {
		t.Errorf("the second run changed what is stored: %s", d)
	}
	for _, name := range []string{"PLIMSOLL_PROJECT_ID", "PLIMSOLL_TOKEN", "PLIMSOLL_ACCESS_KEY", "PLIMSOLL_SECRET_KEY"} {
		if envs[0][name] != envs[1][name] {
			t.Errorf("the second run changed %s", name)
		}
	}
}

// demoEnv reads demo.env, which stands in two places for its owner alone.
func demoEnv(t *testing.T, data string) map[string]string {
	t.Helper()
	var texts []string
	for _, path := range []string{filepath.Join(data, "demo.env"), filepath.Join(data, "demo", "demo.env")} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o", path, mode)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(raw))
	}
	if texts[0] != texts[1] {
		t.Errorf("two kinds of demo.env:\n%s\n%s", texts[0], texts[1])
	}
	env := readEnv(filepath.Join(data, "demo.env"))
	for _, name := range []string{"PLIMSOLL_ENDPOINT", "PLIMSOLL_PROJECT_ID", "PLIMSOLL_TOKEN", "PLIMSOLL_ACCESS_KEY", "PLIMSOLL_SECRET_KEY"} {
		if env[name] == "" {
			t.Errorf("demo.env lacks %s", name)
		}
	}
	if len(env) != 5 {
		t.Errorf("demo.env has %d variables", len(env))
	}
	return env
}

// TestDemoServes asks a running demo in the ways it tells: with the printed line, with
// demo.env and this program, and with the access key.
func TestDemoServes(t *testing.T) {
	data := t.TempDir()
	line := startDemo(t, data)
	env := demoEnv(t, data)
	parts := regexp.MustCompile(`^-H 'X-Auth-Token: (\S+)' '(\S+)'$`).FindStringSubmatch(line)
	if parts == nil {
		t.Fatalf("the printed line is %q", line)
	}
	if parts[1] != env["PLIMSOLL_TOKEN"] || !strings.HasPrefix(parts[2], env["PLIMSOLL_ENDPOINT"]+"/v5/"+env["PLIMSOLL_PROJECT_ID"]+"/") {
		t.Errorf("the printed line %q does not fit demo.env", line)
	}
	byToken, err := http.NewRequestWithContext(t.Context(), http.MethodGet, parts[2], nil)
	if err != nil {
		t.Fatal(err)
	}
	byToken.Header.Set("X-Auth-Token", parts[1])
	bySignature, err := http.NewRequestWithContext(t.Context(), http.MethodGet, parts[2], nil)
	if err != nil {
		t.Fatal(err)
	}
	signRequest(bySignature, env["PLIMSOLL_ACCESS_KEY"], env["PLIMSOLL_SECRET_KEY"], time.Now())
	for how, req := range map[string]*http.Request{"token": byToken, "signature": bySignature} {
		if n := countListed(t, req); n != len(demoRows()) {
			t.Errorf("by %s: %d images", how, n)
		}
	}
	if curl, err := exec.LookPath("curl"); err == nil {
		raw, err := exec.CommandContext(t.Context(), "sh", "-c", curl+" -sf "+line).Output()
		if err != nil || !bytes.Contains(raw, []byte(`"total_num":13`)) {
			t.Errorf("curl: %v %s", err, raw)
		}
	}
	port, err := os.ReadFile(filepath.Join(data, "demo", "registry", "port"))
	if err != nil {
		t.Fatal(err)
	}
	if said := fails(t, "--data", data, "serve", "--demo", "--exit", "--listen", "127.0.0.1:0"); !strings.Contains(said, "is in use by another plimsoll") {
		t.Errorf("a second demo: %s", said)
	}
	if again, err := os.ReadFile(filepath.Join(data, "demo", "registry", "port")); err != nil || !bytes.Equal(port, again) {
		t.Errorf("a second demo took the samples' port from the first: %v", err)
	}
	for name, value := range env {
		t.Setenv(name, value)
	}
	if d := cmp.Diff(demoRows(), rowsOf(cli(t, "", "images"))); d != "" {
		t.Errorf("through demo.env: %s", d)
	}
}

// startDemo serves the demo until the test ends and returns what follows curl in its output.
func startDemo(t *testing.T, data string) string {
	t.Helper()
	b := &background{errs: &lockedBuffer{}, code: make(chan int, 1)}
	lines := &lineWatcher{prefix: "curl ", found: make(chan string, 1)}
	b.start([]string{"--data", data, "serve", "--demo", "--listen", "127.0.0.1:0"}, lines)
	select {
	case line := <-lines.found:
		t.Cleanup(func() {
			if code := b.stop(); code != exitOK {
				t.Errorf("the demo ended with %d: %s", code, b.errs.String())
			}
		})
		return line
	case code := <-b.code:
		t.Fatalf("the demo ended with %d: %s", code, b.errs.String())
		return ""
	}
}

func countListed(t *testing.T, req *http.Request) int {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		TotalNum int `json:"total_num"`
	}
	if err := json.Unmarshal(raw, &list); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s", resp.Status, raw)
	}
	return list.TotalNum
}

// signRequest signs a request without a body by SDK-HMAC-SHA256, as clients of the vendor do.
func signRequest(r *http.Request, access, secret string, at time.Time) {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	}
	stamp := at.UTC().Format("20060102T150405Z")
	r.Header.Set("X-Sdk-Date", stamp)
	canonical := strings.Join([]string{
		r.Method, (&url.URL{Path: r.URL.Path}).EscapedPath() + "/", r.URL.Query().Encode(),
		"host:" + r.URL.Host, "x-sdk-date:" + stamp, "", "host;x-sdk-date", hash(""),
	}, "\n")
	mac := hmac.New(sha256.New, []byte(secret))
	io.WriteString(mac, "SDK-HMAC-SHA256\n"+stamp+"\n"+hash(canonical))
	r.Header.Set("Authorization", "SDK-HMAC-SHA256 Access="+access+", SignedHeaders=host;x-sdk-date, Signature="+hex.EncodeToString(mac.Sum(nil)))
}
