package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"plimsoll/app/imagescan"
)

// TestEndToEndFindings is the main job on real input: images of real package
// databases, pushed to a real registry process, synchronised, scanned, listed through
// the API, and scanned once more from an archive; every finding is the expected one.
func TestEndToEndFindings(t *testing.T) {
	requireCorpus(t)
	host := registryProcess(t)
	data := t.TempDir()
	archives := t.TempDir()
	for _, root := range corpusRoots() {
		img := rootImage(t, root)
		ref, err := name.NewTag(host+"/roots/"+root+":1", name.Insecure)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, img); err != nil {
			t.Fatal(err)
		}
		if err := tarball.WriteToFile(filepath.Join(archives, root+".tar"), ref, img); err != nil {
			t.Fatal(err)
		}
	}
	cli(t, "", "--data", data, "registry", "add", "real", "http://"+host, "--allow-host", host)
	for _, zip := range []string{"Alpine", "Debian", "Ubuntu", "AlmaLinux"} {
		cli(t, "", "--data", data, "advisories", "import", filepath.Join(sharedData, "osv", zip+".zip"))
	}
	cli(t, "", "--data", data, "--allow-host", host, "sync")
	cli(t, "correct horse battery staple\n", "--data", data, "user", "password", "admin")
	server := startServer(t, data, host)
	for _, root := range corpusRoots() {
		t.Run(root, func(t *testing.T) {
			want := expectedFindings(t, root)
			if d := cmp.Diff(want, server.findings(t, root)); d != "" {
				t.Errorf("through the API (-want +got):\n%s", d)
			}
			if d := cmp.Diff(want, archiveFindings(t, data, root, filepath.Join(archives, root+".tar"))); d != "" {
				t.Errorf("from the archive (-want +got):\n%s", d)
			}
		})
	}
}

func archiveFindings(t *testing.T, data, root, path string) []finding {
	t.Helper()
	var got imagescan.Result
	args := []string{"--data", data, "scan", "--archive", path, "--output", "json"}
	if strings.HasSuffix(path, "debian-13.tar") {
		// The records know no Debian 13: its packages are not judged, which is said and not called clean.
		args = append(args, "--allow-not-judged")
	}
	raw := cli(t, "", args...)
	if err := json.Unmarshal([]byte(raw), &got); err != nil {
		t.Fatal(err)
	}
	source := map[string]string{}
	for _, p := range got.Packages {
		source[p.Name] = p.Source
	}
	out := []finding{}
	for _, v := range got.Vulnerabilities {
		f := finding{v.ID, v.Package, fixedIn(root, v.FixedVersion)}
		if !byBinary(root) {
			f.Package = source[v.Package]
		}
		out = append(out, f)
	}
	return sortFindings(out)
}

type wireImage struct {
	ImageID    string `json:"image_id"`
	ImageName  string `json:"image_name"`
	ScanStatus string `json:"scan_status"`
	VulNum     *int   `json:"vul_num"`
}

type wireVulnerability struct {
	VulID    string `json:"vul_id"`
	AppName  string `json:"app_name"`
	Solution string `json:"solution"`
}

// findings lists an image and pages through its vulnerabilities. The API names binary
// packages and fixed versions in words, so both are looked up in the answer's text.
func (s apiServer) findings(t *testing.T, root string) []finding {
	t.Helper()
	var list struct {
		TotalNum int         `json:"total_num"`
		DataList []wireImage `json:"data_list"`
	}
	s.get(t, "/image/swr-repository?image_type=private_image&namespace=roots&image_name="+root, &list)
	if list.TotalNum != 1 || list.DataList[0].ScanStatus != "success" {
		t.Fatalf("list of %s: %+v", root, list)
	}
	image := list.DataList[0]
	ids := map[string]bool{}
	out := []finding{}
	for offset := 0; ; offset += 200 {
		var page struct {
			TotalNum int                 `json:"total_num"`
			DataList []wireVulnerability `json:"data_list"`
		}
		s.get(t, fmt.Sprintf("/image/%s/vulnerabilities?image_type=private_image&namespace=roots&image_name=%s&tag_name=1&limit=200&offset=%d",
			image.ImageID, root, offset), &page)
		for _, v := range page.DataList {
			ids[v.VulID] = true
			name, fixed := v.AppName, fixedIn(root, fixedVersion(v.Solution))
			if !byBinary(root) {
				name = sourceOf(t, root, v.AppName)
			}
			out = append(out, finding{v.VulID, name, fixed})
		}
		if len(page.DataList) == 0 {
			break
		}
	}
	if image.VulNum == nil || *image.VulNum != len(ids) {
		t.Errorf("%s: vul_num %v, but %d distinct ids are listed", root, image.VulNum, len(ids))
	}
	return sortFindings(out)
}

// fixedVersion takes the version from "Upgrade libssl3 to 3.3.3-r0 or later."
func fixedVersion(solution string) string {
	_, rest, _ := strings.Cut(solution, " to ")
	version, _, _ := strings.Cut(rest, " or later")
	return version
}
