package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll"
	"plimsoll/store/sqlite"
)

// canary makes a token that is told from all others, in two parts, so that this source holds none.
func canary(n int) string { return "ghp_" + fmt.Sprintf("q7Zr2KpX9vLm4TnB8wYc3HdF6sJgA1eR%04d", n) }

// sawCanary tells which planted values a text holds a part of.
func sawCanary(text string) []string {
	var out []string
	for _, part := range [...]string{"q7Zr2KpX", "9vLm4TnB", "8wYc3HdF", "6sJgA1eR", "ALmZpTnWqYxKdRbS"} {
		if strings.Contains(text, part) {
			out = append(out, part)
		}
	}
	return out
}

// pushCanaries makes an image with secrets wherever rules look, one of them under a whiteout.
func pushCanaries(t *testing.T, e *evil, repository string) []plimsoll.Digest {
	t.Helper()
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	member, err := w.Create("conf/.env")
	if err == nil {
		_, err = io.WriteString(member, "TOKEN="+canary(0)+"\n")
	}
	if err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	key := "-----BEGIN RSA PRIVATE KEY-----\n" + strings.Repeat("MIIEpAIBAAKCAQEALmZpTnWqYxKdRbSvUcHgJfEo2i8s9a7w6t5r4e3y1u0p\n", 12) + "-----END RSA PRIVATE KEY-----\n"
	bottom := tarOf(t, regular("etc/os-release", debianRelease), regular("var/lib/dpkg/status", dpkg("bash", "5.2.15-2")),
		regular("srv/.env", "GITHUB_TOKEN="+canary(1)+"\nDB_PASSWORD="+canary(2)[4:30]+"\n"), regular("root/.ssh/id_rsa", key), regular("srv/app.jar", archive.String()))
	top := tarOf(t, regular("root/.ssh/.wh.id_rsa", ""), regular("srv/name", repository))
	diffIDs := []plimsoll.Digest{plimsoll.DigestOf(bottom), plimsoll.DigestOf(top)}
	config, err := json.Marshal(map[string]any{
		"os": "linux", "architecture": "amd64",
		"config": map[string]any{
			"Env": []string{"PATH=/bin", "API_TOKEN=" + canary(3)}, "Labels": map[string]string{"deploy": canary(4)},
			"Cmd": []string{"serve", "--token", canary(5)}, "Entrypoint": []string{"/bin/sh", "-c", "TOKEN=" + canary(6) + " exec \"$@\""},
		},
		"history": []map[string]any{{"created_by": "RUN curl -H 'Authorization: token " + canary(7) + "' https://example.org/x | sh"}, {"created_by": "RUN |1 TOKEN=" + canary(8) + " /bin/sh -c make"}},
		"rootfs":  map[string]any{"type": "layers", "diff_ids": diffIDs},
	})
	if err != nil {
		t.Fatal(err)
	}
	e.push(t, repository, [][]byte{zipped(t, bottom), zipped(t, top)}, nil, func(m *pushedManifest) {
		c := described(e.put(ociConfig, config))
		m.Config = &c
	})
	return diffIDs
}

// TestPlantedSecretsLeakNowhere syncs, scans, lists, scans again, and fails, and then reads everything
// that was said and kept for any part of what was planted.
func TestPlantedSecretsLeakNowhere(t *testing.T) {
	e := newEvil(t)
	diffIDs := pushCanaries(t, e, "canary/good")
	broken := zipped(t, tarOf(t, regular("srv/.env", strings.Repeat("GITHUB_TOKEN="+canary(1)+"\n", 50)), regular("srv/more", canary(2))))
	e.push(t, "canary/broken", [][]byte{broken[:len(broken)-20]}, []plimsoll.Digest{plimsoll.DigestOf([]byte("lie"))}, nil)

	log, data := &lockedBuffer{}, t.TempDir()
	a := &app{out: log, errs: log, env: func(string) (string, bool) { return "", false }, data: data, logLevel: "debug"}
	s, err := a.openSite(t.Context(), e.host())
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.start(t.Context(), serveOptions{listen: "127.0.0.1:0", workers: 2, parallel: 2})
	if err != nil {
		t.Fatal(err)
	}
	s.inventory.DB().Now = func() time.Time { return time.Now().Add(time.Hour) }
	reg, err := d.registries.Add(t.Context(), plimsoll.RegistrySpec{Registry: plimsoll.Registry{Tenant: plimsoll.Tenant{ProjectID: d.project.ID}, Name: "canary", URL: e.URL, ScanOnSync: true}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := syncAndScan(t.Context(), d.site, d.queue, reg, func(plimsoll.Task) {}); err != nil {
		t.Fatal(err)
	}
	said := askForCanaries(t, d)
	task, err := d.inventory.ScanImages(t.Context(), "test", plimsoll.PriorityInteractive, plimsoll.ImageFilter{ProjectID: d.project.ID}, nil)
	if err != nil {
		t.Fatal(err)
	}
	d.queue.Wake()
	if _, err := d.queue.WaitTask(t.Context(), d.project.ID, task.ID, func(plimsoll.Task) {}); err != nil {
		t.Fatal(err)
	}
	if again := askForCanaries(t, d); again != said {
		t.Errorf("another scan changed the answers:\n%s\n%s", said, again)
	}
	reports := keptReports(t, d.inventory, d.analysis, e, diffIDs)
	d.cancel()
	if err := d.wait(); err != nil {
		t.Error(err)
	}
	raw := rawFiles(t, data)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	texts := map[string]string{"log": log.String(), "answers": said, "reports": reports, "files": raw, "files after the end": rawFiles(t, data)}
	for i, output := range []string{"json", "table", "json"} {
		var out, errs bytes.Buffer
		args := []string{"scan", "--data", filepath.Join(data, "alone"), "--log-level", "debug", "--allow-not-judged", "--output", output, e.host() + "/canary/good:1"}
		if code := run(t.Context(), args, strings.NewReader(""), &out, &errs); code != exitOK {
			t.Errorf("scan: exit %d: %s", code, errs.String())
		}
		if !strings.Contains(out.String(), "image-config://env/API_TOKEN") || !strings.Contains(out.String(), "srv/app.jar!/conf/.env") {
			t.Errorf("scan finds too little: %s", out.String())
		}
		texts[fmt.Sprint("scan ", i)] = out.String() + errs.String()
	}
	cache, err := sqlite.Cache(t.Context(), filepath.Join(data, "alone", "layers.db"))
	if err != nil {
		t.Fatal(err)
	}
	texts["cached reports"] = keptReports(t, cache, d.analysis, e, diffIDs)
	if err := cache.Close(); err != nil {
		t.Error(err)
	}
	texts["cache"] = rawFiles(t, filepath.Join(data, "alone"))
	for name, text := range texts {
		if got := sawCanary(text); len(got) > 0 || text == "" {
			t.Errorf("%s (%d bytes): %q", name, len(text), got)
		}
	}
	if len(sawCanary(canary(0))) == 0 {
		t.Error("nothing was looked for")
	}
}

// askForCanaries lists all that the API tells of the images, and checks that it found what was planted.
func askForCanaries(t *testing.T, d *daemon) string {
	t.Helper()
	token, project, err := signIn(d.url, "admin", d.bootstrapped.Password)
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Auth-Token", token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s %v %s", path, resp.Status, err, raw)
		}
		return string(raw)
	}
	page, err := d.inventory.Images(t.Context(), plimsoll.ImageFilter{ProjectID: d.project.ID})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, img := range page.Items {
		one, own := fmt.Sprintf("/v5/%s/image/%d/", project, img.ID), fmt.Sprintf("/api/v1/projects/%s/images/%d/", project, img.ID)
		secrets := get(own + "secrets?profile=all")
		out = append(out, secrets, get(one+"sensitive?image_type=private_image&limit=200"), get(one+"files?image_type=private_image"), get(own+"settings"), get(own+"files"))
		if img.Repository != "canary/good" {
			if img.State == plimsoll.ScanDone || img.State == plimsoll.ScanNone {
				t.Errorf("the broken image is %s", img.State)
			}
			continue
		}
		for _, path := range []string{
			`"srv/app.jar!/conf/.env"`, `"srv/.env"`, `"root/.ssh/id_rsa"`, "config://env/API_TOKEN", "config://label/deploy", "config://cmd", "config://entrypoint", "config://history/0", "config://history/1",
		} {
			if !strings.Contains(secrets, path) {
				t.Errorf("no secret in %s: %s", path, secrets)
			}
		}
	}
	for _, path := range []string{"swr-repository?image_type=private_image", "sensitive-information?limit=200", "malwares?image_type=registry", "build-command-risks?image_type=registry&limit=200"} {
		out = append(out, get("/v5/"+project+"/image/"+path))
	}
	return strings.Join(out, "\n")
}

type reportReader interface {
	LayerReports(ctx context.Context, diffIDs []plimsoll.Digest, analyzers []plimsoll.AnalyzerID) (map[plimsoll.Digest][]plimsoll.LayerReport, error)
}

// keptReports reads the reports of all blobs, which are kept compressed.
func keptReports(t *testing.T, kept reportReader, n *analysis, e *evil, diffIDs []plimsoll.Digest) string {
	t.Helper()
	var ids []plimsoll.AnalyzerID
	for _, a := range n.analyzers {
		ids = append(ids, a.ID())
	}
	digests := slices.Clone(diffIDs)
	e.mu.Lock()
	defer e.mu.Unlock()
	for d := range e.blobs {
		digests = append(digests, plimsoll.Digest(d))
	}
	reports, err := kept.LayerReports(t.Context(), digests, ids)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(reports)
	if err != nil || len(reports) < 2 {
		t.Fatalf("%d reports: %v", len(reports), err)
	}
	return string(text)
}

// rawFiles is every byte below a directory, write-ahead logs too.
func rawFiles(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	var names []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		names = append(names, entry.Name())
		raw, err := os.ReadFile(path)
		out.Write(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(name, ".db") }) {
		t.Errorf("no database among %q", names)
	}
	return out.String()
}
