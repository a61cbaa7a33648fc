package main

import (
	"archive/tar"
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
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/demo"
)

// shownImage is what ListSwrImageRepository tells of an image, with what is stored about its failure.
type shownImage struct {
	Status, Failed string               // the vendor's words
	Code           plimsoll.FailureCode // ours
}

// hostileCase puts an image under the name "evil/<name>".
type hostileCase struct {
	name   string
	push   func(t *testing.T, e *evil, repository string)
	want   shownImage
	detail string // a part of the sentence for people
}

var (
	shownFine      = shownImage{Status: "success"}
	shownOversized = shownImage{"image_oversized", "image_oversized", plimsoll.FailureOversized}
	shownDownload  = shownImage{"download_failed", "download_failed", plimsoll.FailureDownload}
	shownLayer     = shownImage{"failed", "failed_to_scan_file", plimsoll.FailureLayer}
)

// layerCase is an image whose one layer is the archive of headers.
func layerCase(name string, want shownImage, detail string, headers ...tar.Header) hostileCase {
	return hostileCase{name: name, want: want, detail: detail, push: func(t *testing.T, e *evil, repository string) {
		headers := append([]tar.Header{regular("etc/os-release", debianRelease), regular("var/lib/dpkg/status", dpkg("bash", "5.2.15-2"))}, headers...)
		e.pushLayer(t, repository, tarOf(t, headers...))
	}}
}

// editCase is a good image whose manifest was changed.
func editCase(name string, want shownImage, detail string, edit func(*pushedManifest)) hostileCase {
	return hostileCase{name: name, want: want, detail: detail, push: func(t *testing.T, e *evil, repository string) {
		plain := goodLayer(t, repository)
		e.push(t, repository, [][]byte{zipped(t, plain)}, []plimsoll.Digest{plimsoll.DigestOf(plain)}, edit)
	}}
}

// blobCase is a good image whose layer is answered for by h.
func blobCase(name string, want shownImage, detail string, h func(layer []byte) http.HandlerFunc) hostileCase {
	return hostileCase{name: name, want: want, detail: detail, push: func(t *testing.T, e *evil, repository string) {
		plain := goodLayer(t, repository)
		layer := zipped(t, plain)
		e.push(t, repository, [][]byte{layer}, []plimsoll.Digest{plimsoll.DigestOf(plain)}, nil)
		e.answer("/v2/"+repository+"/blobs/"+string(plimsoll.DigestOf(layer)), h(layer))
	}}
}

func goodLayer(t *testing.T, salt string) []byte {
	t.Helper()
	return tarOf(t, regular("etc/os-release", debianRelease), regular("var/lib/dpkg/status", dpkg("bash", "5.2.15-2")), regular("srv/name", salt))
}

func redirectTo(address string) func([]byte) http.HandlerFunc {
	return func([]byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", address)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}
	}
}

// bombs meet a budget. The test's budgets are small so that the bombs can be, too.
func bombs() []hostileCase {
	const size = 32 << 20
	var many []tar.Header
	for i := range 30_000 {
		many = append(many, regular("srv/"+strconv.Itoa(i), ""))
	}
	bomb := func(t *testing.T) []byte { return tarOf(t, regular("srv/zeros", strings.Repeat("\x00", size))) }
	return []hostileCase{
		{name: "gzip-bomb", want: shownOversized, detail: "compression ratio too high", push: func(t *testing.T, e *evil, repository string) {
			e.pushLayer(t, repository, bomb(t))
		}},
		{name: "zstd-bomb", want: shownOversized, detail: "compression ratio too high", push: func(t *testing.T, e *evil, repository string) {
			plain := bomb(t)
			e.push(t, repository, [][]byte{zstded(t, plain)}, []plimsoll.Digest{plimsoll.DigestOf(plain)}, nil)
		}},
		layerCase("entries", shownOversized, "too many entries", many...),
		layerCase("long-path", shownOversized, "path too long", regular(strings.Repeat("a", 5000), "")),
		layerCase("deep-path", shownOversized, "path too deep", regular(strings.Repeat("a/", 300)+"b", "")),
		{name: "manifest-100-mb", want: shownOversized, detail: "over the budget", push: func(_ *testing.T, e *evil, repository string) {
			raw := bytes.Repeat([]byte(" "), 100<<20)
			e.tag(repository, "1", plimsoll.DigestOf(raw), doc{ociManifest, raw})
		}},
		{name: "config-20-mb", want: shownOversized, detail: "over the budget", push: func(t *testing.T, e *evil, repository string) {
			plain := goodLayer(t, repository)
			e.push(t, repository, [][]byte{zipped(t, plain)}, []plimsoll.Digest{plimsoll.DigestOf(plain)}, func(m *pushedManifest) {
				c := described(e.put(ociConfig, bytes.Repeat([]byte(" "), 20<<20)))
				m.Config = &c
			})
		}},
	}
}

// trees are layers whose paths want out, or in a circle.
func trees() []hostileCase {
	return []hostileCase{
		layerCase("dot-dot", shownLayer, "parent segment", regular("../../etc/cron.d/owned", "* * * * * root true\n")),
		layerCase("dot-dot-link", shownLayer, "parent segment", link(tar.TypeLink, "srv/shadow", "../../../etc/shadow")),
		layerCase("absolute", shownFine, "", regular("/etc/cron.d/owned", "* * * * * root true\n"), link(tar.TypeSymlink, "/srv/out", "/proc/self/environ")),
		layerCase("symlink-loop", shownFine, "", link(tar.TypeSymlink, "usr/a", "b"), link(tar.TypeSymlink, "usr/b", "a"), link(tar.TypeSymlink, "usr/self", "self")),
		layerCase("hard-link-loop", shownFine, "", link(tar.TypeLink, "usr/x", "usr/y"), link(tar.TypeLink, "usr/y", "usr/x"), link(tar.TypeLink, "usr/z", "usr/z")),
		layerCase("devices", shownFine, "",
			tar.Header{Typeflag: tar.TypeBlock, Name: "dev/sda", Devmajor: 8}, tar.Header{Typeflag: tar.TypeChar, Name: "dev/mem", Devmajor: 1, Devminor: 1},
			tar.Header{Typeflag: tar.TypeFifo, Name: "dev/pipe"}),
		{name: "not-a-tar", want: shownLayer, detail: "not a valid layer archive", push: func(t *testing.T, e *evil, repository string) {
			e.pushLayer(t, repository, bytes.Repeat([]byte("plimsoll"), 1000))
		}},
	}
}

// lies are manifests and blobs that are not what they say.
func lies() []hostileCase {
	return []hostileCase{
		blobCase("wrong-digest", shownDownload, "holds other bytes", func(layer []byte) http.HandlerFunc {
			other := append(bytes.Clone(layer[:len(layer)-1]), layer[len(layer)-1]^1)
			return func(w http.ResponseWriter, _ *http.Request) { w.Write(other) } //nolint:errcheck // the client tells
		}),
		editCase("wrong-size", shownDownload, "the manifest says", func(m *pushedManifest) { m.Layers[0].Size++ }),
		editCase("no-size", shownDownload, "negative size", func(m *pushedManifest) { m.Layers[0].Size = -1 }),
		{name: "wrong-diff-id", want: shownDownload, detail: "the config claims diff ID", push: func(t *testing.T, e *evil, repository string) {
			e.push(t, repository, [][]byte{zipped(t, goodLayer(t, repository))}, []plimsoll.Digest{plimsoll.DigestOf(nil)}, nil)
		}},
		editCase("layer-count", shownDownload, "the manifest", func(m *pushedManifest) { m.Layers = append(m.Layers, m.Layers[0]) }),
		blobCase("truncated-blob", shownDownload, "", func(layer []byte) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Range") != "" {
					w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
					return
				}
				w.Header().Set("Content-Length", strconv.Itoa(len(layer)))
				w.Write(layer[:len(layer)/2]) //nolint:errcheck // the client tells
			}
		}),
		{name: "truncated-gzip", want: shownLayer, detail: "not a valid layer archive", push: func(t *testing.T, e *evil, repository string) {
			plain := goodLayer(t, repository)
			whole := zipped(t, plain)
			e.push(t, repository, [][]byte{whole[:len(whole)-20]}, []plimsoll.Digest{plimsoll.DigestOf(plain)}, nil)
		}},
		blobCase("missing-blob", shownImage{"failed", "download_failed", plimsoll.FailureNotFound}, "404", func([]byte) http.HandlerFunc { return http.NotFound }),
		{name: "index-of-itself", want: shownDownload, detail: "answers with digest", push: func(_ *testing.T, e *evil, repository string) {
			itself := plimsoll.DigestOf([]byte(repository))
			raw := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[{"mediaType":%q,"digest":%q,"size":300}]}`, ociIndex, ociIndex, itself)
			e.tag(repository, "1", itself, doc{ociIndex, []byte(raw)})
		}},
		{name: "index-of-indexes", want: shownImage{Status: "unscan"}, push: func(_ *testing.T, e *evil, repository string) {
			next := descriptor{MediaType: ociManifest, Digest: "sha256:" + strings.Repeat("0", 64), Size: 1}
			for range 50 { // each names the one below as an image
				raw := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"manifests":[{"mediaType":%q,"digest":%q,"size":%d}]}`,
					ociIndex, ociManifest, next.Digest, next.Size)
				next.Digest, next.Size = string(plimsoll.DigestOf(raw)), int64(len(raw))
				e.tag(repository, "1", plimsoll.Digest(next.Digest), doc{ociIndex, raw})
			}
		}},
		editCase("image-and-index", shownDownload, "an image and an index at once", func(m *pushedManifest) {
			m.Manifests = []descriptor{m.Layers[0]}
		}),
		{name: "schema-1", want: shownImage{Status: "unscan"}, push: func(_ *testing.T, e *evil, repository string) {
			raw := []byte(`{"schemaVersion":1,"name":"evil","tag":"1","fsLayers":[{"blobSum":"sha256:` + strings.Repeat("a", 64) + `"}],"history":[{"v1Compatibility":"{}"}]}`)
			e.tag(repository, "1", plimsoll.DigestOf(raw), doc{"application/vnd.docker.distribution.manifest.v1+json", raw})
		}},
	}
}

// detours are registries that send us elsewhere.
func detours(secretPort string) []hostileCase {
	return []hostileCase{
		blobCase("redirect-metadata", shownDownload, "cloud", redirectTo("http://169.254.169.254/latest/meta-data/")),
		blobCase("redirect-loopback", shownDownload, "is loopback", redirectTo("http://127.0.0.1:"+secretPort+"/admin")),
		blobCase("redirect-localhost", shownDownload, "is loopback", redirectTo("http://localhost:"+secretPort+"/admin")),
		blobCase("redirect-mapped", shownDownload, "is loopback", redirectTo("http://[::ffff:127.0.0.1]:"+secretPort+"/admin")),
		blobCase("redirect-file", shownDownload, "cannot be used", redirectTo("file:///etc/passwd")),
		blobCase("foreign-realm", shownImage{"failed", "authentication_failed", plimsoll.FailureAuth}, "which is not listed", func([]byte) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Www-Authenticate", `Bearer realm="http://127.0.0.1:`+secretPort+`/token",service="evil"`)
				w.WriteHeader(http.StatusUnauthorized)
			}
		}),
	}
}

// hostileSite is a server that may ask evil registries, with small budgets.
func hostileSite(t *testing.T, evils ...*evil) *daemon {
	t.Helper()
	a := &app{out: io.Discard, errs: io.Discard, env: func(string) (string, bool) { return "", false }, data: t.TempDir(), logLevel: "error"}
	var hosts []string
	for _, e := range evils {
		hosts = append(hosts, e.host())
	}
	s, err := a.openSite(t.Context(), hosts...)
	if err != nil {
		t.Fatal(err)
	}
	s.budget.LayerEntries, s.budget.RatioGrace = 20_000, 1<<20
	s.connector.Budget = s.budget
	s.inventory.DB().Now = func() time.Time { return time.Now().Add(time.Hour) } // what waits to be tried again has waited
	d, err := s.start(t.Context(), serveOptions{listen: "127.0.0.1:0", workers: 2, parallel: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.cancel()
		if err := d.wait(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// TestHostileImagesAreRefused syncs a registry full of images that are made to do harm. Each
// ends in its own state with its own words, the good ones among them are scanned, the server
// lives, and no temporary file is left.
func TestHostileImagesAreRefused(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	e := newEvil(t)
	cases := append(append(append(bombs(), trees()...), lies()...), detours(untouched(t))...)
	for i := range 3 {
		cases = append(cases, layerCase(fmt.Sprint("good-", i), shownFine, "", regular("srv/n", strconv.Itoa(i))))
	}
	for _, c := range cases {
		c.push(t, e, "evil/"+c.name)
	}
	d := hostileSite(t, e)
	reg, err := d.registries.Add(t.Context(), plimsoll.RegistrySpec{Secret: "correct horse", Registry: plimsoll.Registry{
		Tenant: plimsoll.Tenant{ProjectID: d.project.ID}, Name: "evil", URL: e.URL, Username: "robot", ScanOnSync: true,
	}})
	if err != nil {
		t.Fatal(err)
	}
	task, err := syncAndScan(t.Context(), d.site, d.queue, reg, func(plimsoll.Task) {})
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
	for _, dir := range []string{temporary, filepath.Join(filepath.Dir(d.lock.Name()), "tmp")} {
		if left := leftovers(t, dir); len(left) > 0 {
			t.Errorf("temporary files: %v", left)
		}
	}
}

// showImages lists every image through the API, together with what is stored.
func showImages(t *testing.T, d *daemon) (shown map[string]shownImage, details map[string]string) {
	t.Helper()
	s := server{url: d.url}
	var err error
	if s.token, s.project, err = signIn(d.url, "admin", d.bootstrapped.Password); err != nil {
		t.Fatal(err)
	}
	var list struct {
		TotalNum int `json:"total_num"`
		DataList []struct {
			Namespace  string `json:"namespace"`
			ImageName  string `json:"image_name"`
			ScanStatus string `json:"scan_status"`
			ScanFailed string `json:"scan_failed_desc"`
		} `json:"data_list"`
	}
	s.get(t, "/image/swr-repository?image_type=private_image&limit=200", &list)
	page, err := d.inventory.Images(t.Context(), plimsoll.ImageFilter{ProjectID: d.project.ID})
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
	d := hostileSite(t, newEvil(t))
	for _, host := range []string{"localhost:" + untouched(t), "[::1]:80", "169.254.169.254", "0x7f.1:80", "2130706433"} {
		_, err := d.registries.Add(t.Context(), plimsoll.RegistrySpec{Registry: plimsoll.Registry{
			Tenant: plimsoll.Tenant{ProjectID: d.project.ID}, Name: "inner", URL: "http://" + host,
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
	d := hostileSite(t)
	token, _, err := signIn(d.url, "admin", d.bootstrapped.Password)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, d.url+"/api/v1/advisories/demo", &feed)
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
	if left := leftovers(t, filepath.Join(filepath.Dir(d.lock.Name()), "tmp")); len(left) > 0 {
		t.Errorf("temporary files: %v", left)
	}
}
