package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plimsoll"
	"plimsoll/demo"
)

// writeMirror makes a folder with the demo's advisories as the ecosystem Debian, and a
// catalogue of exploited vulnerabilities.
func writeMirror(dir string) error {
	records := filepath.Join(dir, "records")
	if err := demo.WriteAdvisories(records); err != nil {
		return err
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if err := errors.Join(z.AddFS(os.DirFS(records)), z.Close(), os.MkdirAll(filepath.Join(dir, "Debian"), 0o755)); err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "Debian", "all.zip"), b.Bytes(), 0o644),
		os.WriteFile(filepath.Join(dir, "kev.json"), []byte(`{"count":1,"vulnerabilities":[{"cveID":"CVE-2099-1001"}]}`), 0o644),
	)
}

// TestServeReadsFeeds: a server reads its feeds on schedule and judges by what they bring.
func TestServeReadsFeeds(t *testing.T) {
	dir := t.TempDir()
	if err := writeMirror(dir); err != nil {
		t.Fatal(err)
	}
	asked := make(chan string, 100)
	files := http.FileServer(http.Dir(dir))
	mirror := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		files.ServeHTTP(w, r)
		select {
		case asked <- r.URL.Path:
		default:
		}
	}))
	defer mirror.Close()
	data := t.TempDir()
	b, err := serveInBackground([]string{"--data", data, "serve", "--listen", "127.0.0.1:0", "--feeds", "Debian", "--feeds", "kev=" + mirror.URL + "/kev.json",
		"--feeds-from", mirror.URL, "--feeds-every", "10ms", "--allow-host", mirror.Listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < 2; {
		if path := <-asked; strings.HasSuffix(path, "all.zip") { // the second round follows the first
			n++
		}
	}
	if code := b.stop(); code != exitOK {
		t.Fatalf("serve ended with %d: %s", code, b.errs.String())
	}
	var status plimsoll.AdvisoryStatus
	err = json.Unmarshal([]byte(cli(t, "", "--data", data, "advisories", "status", "--output", "json")), &status)
	if err != nil || status.Revision != 2 || len(status.Feeds) != 2 || status.Feeds[0].Records != 8 || status.Feeds[1].Records != 1 {
		t.Errorf("%+v, %v", status, err)
	}
}

func TestFeedSettingsRefused(t *testing.T) {
	for _, flags := range [][]string{{"--feeds", "../x"}, {"--feeds", "x=ftp://a.test/x"}, {"--feeds-from", "osv"}, {"--feeds-every", "-1s"}, {"--verify-key", "/nosuch"}} {
		said := fails(t, append([]string{"--data", t.TempDir(), "serve", "--listen", "127.0.0.1:0"}, flags...)...)
		if !strings.Contains(said, "error") && said == "" {
			t.Errorf("%v: %s", flags, said)
		}
	}
}
