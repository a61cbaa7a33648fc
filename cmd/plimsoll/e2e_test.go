package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

const sharedData = "../../../shared/data"

// corpus skips where the test material is absent, and fails instead in CI.
func corpus(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(sharedData); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the test material %s is missing", sharedData)
		}
		t.Skipf("needs the test material %s, which is not part of the project", sharedData)
	}
}

// registryProcess starts Debian's docker-registry on a free loopback port.
func registryProcess(t *testing.T) string {
	t.Helper()
	binary, err := exec.LookPath("docker-registry")
	if err != nil {
		if os.Getenv("PLIMSOLL_TEST_REGISTRY") == "required" {
			t.Fatal("docker-registry is not installed (apt-get install docker-registry)")
		}
		t.Skip("needs a real registry process: apt-get install docker-registry")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s}, delete: {enabled: true}}\nhttp: {addr: %s}\n", dir, host)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "serve", config)
	var logs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &logs, &logs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	deadline := time.Now().Add(20 * time.Second)
	for {
		resp, err := http.Get("http://" + host + "/v2/")
		if err == nil {
			resp.Body.Close()
			return host
		}
		if time.Now().After(deadline) {
			t.Fatalf("docker-registry does not answer: %v\n%s", err, logs.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// rootImage packs a real root tree of the corpus as an image of two layers: the tree,
// and an application layer above it.
func rootImage(t *testing.T, root string) v1.Image {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	base := filepath.Join(sharedData, "roots", root)
	err := filepath.WalkDir(base, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == base {
			return err
		}
		rel, err := filepath.Rel(base, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		link := ""
		if info.Mode()&fs.ModeSymlink != 0 {
			if link, err = os.Readlink(path); err != nil {
				return err
			}
		}
		h, err := tar.FileInfoHeader(info, link)
		if err != nil {
			return err
		}
		h.Name, h.ModTime = filepath.ToSlash(rel), time.Unix(1700000000, 0)
		h.Mode |= 0o200
		h.Uid, h.Gid, h.Uname, h.Gname = 0, 0, "", "" // files of an image belong to root, also where the corpus does not
		if err := w.WriteHeader(h); err != nil || !info.Mode().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		_, err = w.Write(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	img := empty.Image
	for _, content := range [][]byte{buf.Bytes(), appLayer(t, root)} {
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil })
		if err != nil {
			t.Fatal(err)
		}
		if img, err = mutate.AppendLayers(img, layer); err != nil {
			t.Fatal(err)
		}
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", "amd64"
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	return img
}

func appLayer(t *testing.T, root string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	body := "application on " + root + "\n"
	if err := w.WriteHeader(&tar.Header{Name: "srv/app/README", Mode: 0o644, Size: int64(len(body))}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// finding is a row of the expected lists: a CVE, the package that advisories name, and the version that fixes it.
type finding struct{ CVE, Package, Fixed string }

// byBinary tells roots whose expected findings name binary packages.
func byBinary(root string) bool { return strings.HasPrefix(root, "al") }

// fixedIn leaves out the fixed version of AlmaLinux: the list has a row for each erratum,
// and where two errata fix one CVE the finding has the later version.
func fixedIn(root, version string) string {
	if strings.HasPrefix(root, "almalinux") {
		return ""
	}
	return version
}

// expected reads the expected findings of a root. Alpine rows are one a binary package
// ("libssl3 (origin openssl)"), the others one a source package.
func expected(t *testing.T, root string) []finding {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(sharedData, "expected", root+".tsv"))
	if err != nil {
		t.Fatal(err)
	}
	out := []finding{}
	for _, line := range strings.Split(strings.TrimSpace(string(raw)), "\n")[1:] {
		f := strings.Split(line, "\t")
		if byBinary(root) {
			name, _, _ := strings.Cut(f[1], " ")
			for _, cve := range strings.Split(f[4], ",") {
				out = append(out, finding{cve, name, fixedIn(root, f[3])})
			}
			continue
		}
		out = append(out, finding{f[0], f[1], f[3]})
	}
	return normal(out)
}

func normal(f []finding) []finding {
	slices.SortFunc(f, func(a, b finding) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return slices.Compact(f)
}

// cli runs the program in this process and returns its standard output.
func cli(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(t.Context(), args, strings.NewReader(stdin), &out, &errs); code != exitOK {
		t.Fatalf("plimsoll %v: exit %d\n%s\n%s", args, code, out.String(), errs.String())
	}
	return out.String()
}

func roots() []string {
	return []string{"alpine-3.8.5", "alpine-3.10.3", "alpine-3.18.9", "alpine-3.20.3", "debian-11.11", "debian-13", "ubuntu-18.04", "ubuntu-22.04-web",
		"almalinux-8.8-s390x", "almalinux-9.0-arm64", "almalinux-9.2-arm64"}
}

// TestEndToEndFindings is the main job on real input: images of real package
// databases, pushed to a real registry process, synchronised, scanned, listed through
// the API, and scanned once more from an archive; every finding is the expected one.
func TestEndToEndFindings(t *testing.T) {
	corpus(t)
	host := registryProcess(t)
	data := t.TempDir()
	archives := t.TempDir()
	for _, root := range roots() {
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
	for _, root := range roots() {
		t.Run(root, func(t *testing.T) {
			want := expected(t, root)
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
	var got scanOutput
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
	return normal(out)
}

// server is a running program with a token for it.
type server struct {
	url, token, project string
}

// startServer runs serve in this process on a free port and signs in as admin.
func startServer(t *testing.T, data, allow string) server {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	lines := &lineWatcher{prefix: "listening on ", found: make(chan string, 1)}
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"--data", data, "--allow-host", allow, "serve", "--listen", "127.0.0.1:0"}, strings.NewReader(""), lines, io.Discard)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	var s server
	select {
	case s.url = <-lines.found:
	case code := <-done:
		done <- code
		t.Fatalf("serve ended with %d before it listened", code)
	}
	body := `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"admin","password":"correct horse battery staple","domain":{"name":"plimsoll"}}}},"scope":{"project":{"name":"default"}}}}`
	resp, err := http.Post(s.url+"/v3/auth/tokens", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		raw, _ := io.ReadAll(resp.Body)
		t.Fatalf("sign in: %s %s", resp.Status, raw)
	}
	var signedIn struct {
		Token struct{ Project struct{ ID string } }
	}
	if err := json.NewDecoder(resp.Body).Decode(&signedIn); err != nil {
		t.Fatal(err)
	}
	s.token, s.project = resp.Header.Get("X-Subject-Token"), signedIn.Token.Project.ID
	return s
}

// lineWatcher reports the rest of the first line that starts with prefix.
type lineWatcher struct {
	prefix string
	found  chan string
	buf    bytes.Buffer
}

func (w *lineWatcher) Write(p []byte) (int, error) {
	w.buf.Write(p)
	for {
		line, err := w.buf.ReadString('\n')
		if err != nil {
			w.buf.WriteString(line)
			return len(p), nil
		}
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), w.prefix); ok {
			select {
			case w.found <- rest:
			default:
			}
		}
	}
}

func (s server) get(t *testing.T, path string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/v5/"+s.project+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Auth-Token", s.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v %s", path, resp.Status, err, raw)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
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
func (s server) findings(t *testing.T, root string) []finding {
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
	return normal(out)
}

// fixedVersion takes the version from "Upgrade libssl3 to 3.3.3-r0 or later."
func fixedVersion(solution string) string {
	_, rest, _ := strings.Cut(solution, " to ")
	version, _, _ := strings.Cut(rest, " or later")
	return version
}

// sourceOf reads the source package of a binary package from the root's dpkg database.
func sourceOf(t *testing.T, root, binary string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(sharedData, "roots", root, "var/lib/dpkg/status"))
	if err != nil {
		t.Fatal(err)
	}
	for _, stanza := range strings.Split(string(raw), "\n\n") {
		if !strings.HasPrefix(stanza, "Package: "+binary+"\n") {
			continue
		}
		for _, line := range strings.Split(stanza, "\n") {
			if rest, ok := strings.CutPrefix(line, "Source: "); ok {
				return strings.Fields(rest)[0]
			}
		}
		return binary
	}
	t.Fatalf("%s: no package %s", root, binary)
	return ""
}
