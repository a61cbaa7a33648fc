package app_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"plimsoll"
	"plimsoll/app/apptest"
)

// TestPlantedSecretsLeakNowhere syncs, scans, lists, scans again, and fails. No log, answer or stored byte contains any part of
// what was planted.
func TestPlantedSecretsLeakNowhere(t *testing.T) {
	e := apptest.NewRegistry(t)
	diffIDs := apptest.PushCanaries(t, e, "canary/good")
	broken := apptest.Gzip(t, apptest.Tar(t, apptest.File("srv/.env", strings.Repeat("GITHUB_TOKEN="+apptest.Canary(1)+"\n", 50)), apptest.File("srv/more", apptest.Canary(2))))
	e.Push(t, "canary/broken", [][]byte{broken[:len(broken)-20]}, []plimsoll.Digest{plimsoll.DigestOf([]byte("lie"))}, nil)

	log, config := &lockedBuffer{}, testConfig(t, e)
	config.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	d := openServed(t, config)
	reg, err := d.Registries.Add(t.Context(), plimsoll.RegistrySpec{Registry: plimsoll.Registry{Tenant: plimsoll.Tenant{ProjectID: d.Project.ID}, Name: "canary", URL: e.URL, ScanOnSync: true}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Registries.Sync(t.Context(), reg.ProjectID, reg.Name, func(plimsoll.Task) {}); err != nil {
		t.Fatal(err)
	}
	said := askForCanaries(t, d)
	task, err := d.Scans.ScanImages(t.Context(), "test", plimsoll.PriorityInteractive, plimsoll.ImageFilter{ProjectID: d.Project.ID}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Tasks.Wait(t.Context(), d.Project.ID, task.ID, func(plimsoll.Task) {}); err != nil {
		t.Fatal(err)
	}
	if again := askForCanaries(t, d); again != said {
		t.Errorf("another scan changed the answers:\n%s\n%s", said, again)
	}
	reports := apptest.KeptReports(t, d.Inventory(), e, diffIDs)
	raw := apptest.RawFiles(t, config.Data)
	d.close(t)
	texts := map[string]string{"log": log.String(), "answers": said, "reports": reports, "files": raw, "files after the end": apptest.RawFiles(t, config.Data)}
	for name, text := range texts {
		if got := apptest.FindCanaries(text); len(got) > 0 || text == "" {
			t.Errorf("%s (%d bytes): %q", name, len(text), got)
		}
	}
	if len(apptest.FindCanaries(apptest.Canary(0))) == 0 {
		t.Error("nothing was looked for")
	}
}

// askForCanaries returns every answer of the API about the images, and checks that the planted secrets were found.
func askForCanaries(t *testing.T, d *servedSite) string {
	t.Helper()
	c := d.signIn(t, "admin", d.FirstUser.Password, "")
	token, project := c.Token(), c.ProjectID()
	get := func(path string) string { return d.mustRequest(t, token, http.MethodGet, path, "") }
	page, err := d.Inventory().Images(t.Context(), plimsoll.ImageFilter{ProjectID: d.Project.ID})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, img := range page.Items {
		one, own := fmt.Sprintf("/v5/%s/image/%d/", project, img.ID), fmt.Sprintf("/api/v1/images/%d/", img.ID)
		secrets := get(own + "secrets?profile=all&limit=200")
		out = append(out, secrets, get(one+"sensitive?image_type=private_image&limit=200"), get(one+"files?image_type=private_image"), get(own+"settings?limit=200"), get(own+"files"))
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
