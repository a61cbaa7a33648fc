package app_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/app/apptest"
	"plimsoll/demo"
)

// TestHostileImagesAreRefused syncs a registry full of images that are made to do harm. Each
// ends in its own state with its own words, the good ones among them are scanned, the server
// lives, and no temporary file is left.
func TestHostileImagesAreRefused(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	e := apptest.NewRegistry(t)
	cases := append(append(append(bombCases(), treeCases()...), lyingCases()...), detourCases(apptest.UntouchedPort(t))...)
	for i := range 3 {
		cases = append(cases, layerCase(fmt.Sprint("good-", i), shownFine, "", apptest.File("srv/n", strconv.Itoa(i))))
	}
	for _, c := range cases {
		c.push(t, e, "evil/"+c.name)
	}
	d := serveSite(t, e)
	reg, err := d.Registries.Add(t.Context(), plimsoll.RegistrySpec{Secret: "correct horse", Registry: plimsoll.Registry{
		Tenant: plimsoll.Tenant{ProjectID: d.Project.ID}, Name: "evil", URL: e.URL, Username: "robot", ScanOnSync: true,
	}})
	if err != nil {
		t.Fatal(err)
	}
	task, err := d.Registries.Sync(t.Context(), reg.ProjectID, reg.Name, func(plimsoll.Task) {})
	if err != nil {
		t.Fatal(err)
	}
	if task.Done != 1 {
		t.Errorf("the sync itself failed: %+v", task)
	}
	shown, details := showImages(t, d)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, shown["evil/"+c.name]); diff != "" {
				t.Errorf("-want +got:\n%s%s", diff, details["evil/"+c.name])
			}
			if !strings.Contains(details["evil/"+c.name], c.detail) {
				t.Errorf("said %q, want %q in it", details["evil/"+c.name], c.detail)
			}
		})
	}
	for _, dir := range []string{temporary, d.TempDir()} {
		if left := apptest.Leftovers(t, dir); len(left) > 0 {
			t.Errorf("temporary files: %v", left)
		}
	}
}

// showImages lists every image through the API, together with what is stored.
func showImages(t *testing.T, d *servedSite) (shown map[string]shownImage, details map[string]string) {
	t.Helper()
	var list struct {
		TotalNum int `json:"total_num"`
		DataList []struct {
			Namespace  string `json:"namespace"`
			ImageName  string `json:"image_name"`
			ScanStatus string `json:"scan_status"`
			ScanFailed string `json:"scan_failed_desc"`
		} `json:"data_list"`
	}
	c := d.signIn(t, "admin", d.FirstUser.Password, "")
	d.get(t, c, "/v5/"+c.ProjectID()+"/image/swr-repository?image_type=private_image&limit=200", &list)
	page, err := d.Inventory().Images(t.Context(), plimsoll.ImageFilter{ProjectID: d.Project.ID})
	if err != nil {
		t.Fatal(err)
	}
	shown, details = map[string]shownImage{}, map[string]string{}
	for _, i := range list.DataList {
		shown[i.Namespace+"/"+i.ImageName] = shownImage{Status: i.ScanStatus, Failed: i.ScanFailed}
	}
	for _, i := range page.Items {
		row := shown[i.Repository]
		row.Code = i.Failure
		shown[i.Repository], details[i.Repository] = row, i.Detail
	}
	return shown, details
}

// TestRegistryThatResolvesToLoopbackIsRefused adds a registry by a name of this host.
func TestRegistryThatResolvesToLoopbackIsRefused(t *testing.T) {
	d := serveSite(t, apptest.NewRegistry(t))
	for _, host := range []string{"localhost:" + apptest.UntouchedPort(t), "[::1]:80", "169.254.169.254", "0x7f.1:80", "2130706433"} {
		_, err := d.Registries.Add(t.Context(), plimsoll.RegistrySpec{Registry: plimsoll.Registry{
			Tenant: plimsoll.Tenant{ProjectID: d.Project.ID}, Name: "inner", URL: "http://" + host,
		}})
		if err == nil {
			t.Errorf("%s was added", host)
		}
	}
}

// TestUploadsGoToTheDataDirectory uploads advisories where the system has no place for temporary files.
func TestUploadsGoToTheDataDirectory(t *testing.T) {
	records := t.TempDir()
	if err := demo.WriteAdvisories(records); err != nil {
		t.Fatal(err)
	}
	var feed bytes.Buffer
	w := zip.NewWriter(&feed)
	if err := errors.Join(w.AddFS(os.DirFS(records)), w.Close()); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", filepath.Join(records, "none"))
	d := serveSite(t)
	token := d.signIn(t, "admin", d.FirstUser.Password, "").Token()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, d.URL+"/api/v1/advisories/demo", &feed)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Auth-Token", token)
	req.Header.Set("Content-Type", "application/zip")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(raw), `"new"`) {
		t.Errorf("%s %v %s", resp.Status, err, raw)
	}
	if left := apptest.Leftovers(t, d.TempDir()); len(left) > 0 {
		t.Errorf("temporary files: %v", left)
	}
}
