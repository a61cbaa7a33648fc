package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"plimsoll/app/apptest"
	"plimsoll/store/sqlite"
)

// TestScanLeaksNoSecrets scans an image with secrets wherever rules look. Neither what is printed nor what is kept for
// the next scan contains any part of them.
func TestScanLeaksNoSecrets(t *testing.T) {
	e := apptest.NewRegistry(t)
	diffIDs := apptest.PushCanaries(t, e, "canary/good")
	data, texts := t.TempDir(), map[string]string{}
	for i, output := range []string{"json", "table", "json"} {
		var out, errs bytes.Buffer
		args := []string{"scan", "--data", data, "--log-level", "debug", "--allow-not-judged", "--output", output, e.Host() + "/canary/good:1"}
		if code := runProgram(t.Context(), args, strings.NewReader(""), &out, &errs); code != exitOK {
			t.Errorf("scan: exit %d: %s", code, errs.String())
		}
		if !strings.Contains(out.String(), "image-config://env/API_TOKEN") || !strings.Contains(out.String(), "srv/app.jar!/conf/.env") {
			t.Errorf("scan finds too little: %s", out.String())
		}
		texts[fmt.Sprint("scan ", i)] = out.String() + errs.String()
	}
	cache, err := sqlite.Cache(t.Context(), filepath.Join(data, "layers.db"))
	if err != nil {
		t.Fatal(err)
	}
	texts["cached reports"] = apptest.KeptReports(t, cache, e, diffIDs)
	if err := cache.Close(); err != nil {
		t.Error(err)
	}
	texts["cache"] = apptest.RawFiles(t, data)
	for name, text := range texts {
		if got := apptest.FindCanaries(text); len(got) > 0 || text == "" {
			t.Errorf("%s (%d bytes): %q", name, len(text), got)
		}
	}
	if len(apptest.FindCanaries(apptest.Canary(0))) == 0 {
		t.Error("nothing was looked for")
	}
}
