package app_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"plimsoll"
	"plimsoll/app/apptest"
)

// shownImage is what ListSwrImageRepository returns for an image, with what is stored about its failure.
type shownImage struct {
	Status, Failed string               // the vendor's words
	Code           plimsoll.FailureCode // ours
}

// hostileCase puts an image under the name "evil/<name>".
type hostileCase struct {
	name   string
	push   func(t *testing.T, e *apptest.Registry, repository string)
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
	return hostileCase{name: name, want: want, detail: detail, push: func(t *testing.T, e *apptest.Registry, repository string) {
		headers := append([]tar.Header{apptest.File("etc/os-release", apptest.DebianRelease), apptest.File("var/lib/dpkg/status", apptest.Dpkg("bash", "5.2.15-2"))}, headers...)
		e.PushLayer(t, repository, apptest.Tar(t, headers...))
	}}
}

// editCase is a good image whose manifest was changed.
func editCase(name string, want shownImage, detail string, edit func(*apptest.Manifest)) hostileCase {
	return hostileCase{name: name, want: want, detail: detail, push: func(t *testing.T, e *apptest.Registry, repository string) {
		plain := goodLayer(t, repository)
		e.Push(t, repository, [][]byte{apptest.Gzip(t, plain)}, []plimsoll.Digest{plimsoll.DigestOf(plain)}, edit)
	}}
}

// blobCase is a good image whose layer is answered for by h.
func blobCase(name string, want shownImage, detail string, h func(layer []byte) http.HandlerFunc) hostileCase {
	return hostileCase{name: name, want: want, detail: detail, push: func(t *testing.T, e *apptest.Registry, repository string) {
		plain := goodLayer(t, repository)
		layer := apptest.Gzip(t, plain)
		e.Push(t, repository, [][]byte{layer}, []plimsoll.Digest{plimsoll.DigestOf(plain)}, nil)
		e.Answer("/v2/"+repository+"/blobs/"+string(plimsoll.DigestOf(layer)), h(layer))
	}}
}

func goodLayer(t *testing.T, salt string) []byte {
	t.Helper()
	return apptest.Tar(t, apptest.File("etc/os-release", apptest.DebianRelease), apptest.File("var/lib/dpkg/status", apptest.Dpkg("bash", "5.2.15-2")), apptest.File("srv/name", salt))
}

func redirectTo(address string) func([]byte) http.HandlerFunc {
	return func([]byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", address)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}
	}
}

// bombCases meet a budget. The test's budgets are small so that the bombs can be, too.
func bombCases() []hostileCase {
	const size = 32 << 20
	var many []tar.Header
	for i := range 30_000 {
		many = append(many, apptest.File("srv/"+strconv.Itoa(i), ""))
	}
	bomb := func(t *testing.T) []byte {
		return apptest.Tar(t, apptest.File("srv/zeros", strings.Repeat("\x00", size)))
	}
	return []hostileCase{
		{name: "gzip-bomb", want: shownOversized, detail: "compression ratio too high", push: func(t *testing.T, e *apptest.Registry, repository string) {
			e.PushLayer(t, repository, bomb(t))
		}},
		{name: "zstd-bomb", want: shownOversized, detail: "compression ratio too high", push: func(t *testing.T, e *apptest.Registry, repository string) {
			plain := bomb(t)
			e.Push(t, repository, [][]byte{apptest.Zstd(t, plain)}, []plimsoll.Digest{plimsoll.DigestOf(plain)}, nil)
		}},
		layerCase("entries", shownOversized, "too many entries", many...),
		layerCase("long-path", shownOversized, "path too long", apptest.File(strings.Repeat("a", 5000), "")),
		layerCase("deep-path", shownOversized, "path too deep", apptest.File(strings.Repeat("a/", 300)+"b", "")),
		{name: "manifest-100-mb", want: shownOversized, detail: "over the budget", push: func(_ *testing.T, e *apptest.Registry, repository string) {
			raw := bytes.Repeat([]byte(" "), 100<<20)
			e.Tag(repository, "1", plimsoll.DigestOf(raw), apptest.Document{MediaType: apptest.OCIManifest, Raw: raw})
		}},
		{name: "config-20-mb", want: shownOversized, detail: "over the budget", push: func(t *testing.T, e *apptest.Registry, repository string) {
			plain := goodLayer(t, repository)
			e.Push(t, repository, [][]byte{apptest.Gzip(t, plain)}, []plimsoll.Digest{plimsoll.DigestOf(plain)}, func(m *apptest.Manifest) {
				c := apptest.Describe(e.Put(apptest.OCIConfig, bytes.Repeat([]byte(" "), 20<<20)))
				m.Config = &c
			})
		}},
	}
}

// treeCases are layers whose paths want out, or in a circle.
func treeCases() []hostileCase {
	return []hostileCase{
		layerCase("dot-dot", shownLayer, "parent segment", apptest.File("../../etc/cron.d/owned", "* * * * * root true\n")),
		layerCase("dot-dot-link", shownLayer, "parent segment", apptest.Link(tar.TypeLink, "srv/shadow", "../../../etc/shadow")),
		layerCase("absolute", shownFine, "", apptest.File("/etc/cron.d/owned", "* * * * * root true\n"), apptest.Link(tar.TypeSymlink, "/srv/out", "/proc/self/environ")),
		layerCase("symlink-loop", shownFine, "", apptest.Link(tar.TypeSymlink, "usr/a", "b"), apptest.Link(tar.TypeSymlink, "usr/b", "a"), apptest.Link(tar.TypeSymlink, "usr/self", "self")),
		layerCase("hard-link-loop", shownFine, "", apptest.Link(tar.TypeLink, "usr/x", "usr/y"), apptest.Link(tar.TypeLink, "usr/y", "usr/x"), apptest.Link(tar.TypeLink, "usr/z", "usr/z")),
		layerCase("devices", shownFine, "",
			tar.Header{Typeflag: tar.TypeBlock, Name: "dev/sda", Devmajor: 8}, tar.Header{Typeflag: tar.TypeChar, Name: "dev/mem", Devmajor: 1, Devminor: 1},
			tar.Header{Typeflag: tar.TypeFifo, Name: "dev/pipe"}),
		{name: "not-a-tar", want: shownLayer, detail: "not a valid layer archive", push: func(t *testing.T, e *apptest.Registry, repository string) {
			e.PushLayer(t, repository, bytes.Repeat([]byte("plimsoll"), 1000))
		}},
	}
}

// lyingCases are manifests and blobs that are not what they say.
func lyingCases() []hostileCase {
	return []hostileCase{
		blobCase("wrong-digest", shownDownload, "holds other bytes", func(layer []byte) http.HandlerFunc {
			other := append(bytes.Clone(layer[:len(layer)-1]), layer[len(layer)-1]^1)
			return func(w http.ResponseWriter, _ *http.Request) { w.Write(other) } //nolint:errcheck // the client reports it
		}),
		editCase("wrong-size", shownDownload, "the manifest says", func(m *apptest.Manifest) { m.Layers[0].Size++ }),
		editCase("no-size", shownDownload, "negative size", func(m *apptest.Manifest) { m.Layers[0].Size = -1 }),
		{name: "wrong-diff-id", want: shownDownload, detail: "the config claims diff ID", push: func(t *testing.T, e *apptest.Registry, repository string) {
			e.Push(t, repository, [][]byte{apptest.Gzip(t, goodLayer(t, repository))}, []plimsoll.Digest{plimsoll.DigestOf(nil)}, nil)
		}},
		editCase("layer-count", shownDownload, "the manifest", func(m *apptest.Manifest) { m.Layers = append(m.Layers, m.Layers[0]) }),
		blobCase("truncated-blob", shownDownload, "", func(layer []byte) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Range") != "" {
					w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
					return
				}
				w.Header().Set("Content-Length", strconv.Itoa(len(layer)))
				w.Write(layer[:len(layer)/2]) //nolint:errcheck // the client reports it
			}
		}),
		{name: "truncated-gzip", want: shownLayer, detail: "not a valid layer archive", push: func(t *testing.T, e *apptest.Registry, repository string) {
			plain := goodLayer(t, repository)
			whole := apptest.Gzip(t, plain)
			e.Push(t, repository, [][]byte{whole[:len(whole)-20]}, []plimsoll.Digest{plimsoll.DigestOf(plain)}, nil)
		}},
		blobCase("missing-blob", shownImage{"failed", "download_failed", plimsoll.FailureNotFound}, "404", func([]byte) http.HandlerFunc { return http.NotFound }),
		{name: "index-of-itself", want: shownDownload, detail: "answers with digest", push: func(_ *testing.T, e *apptest.Registry, repository string) {
			itself := plimsoll.DigestOf([]byte(repository))
			raw := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[{"mediaType":%q,"digest":%q,"size":300}]}`, apptest.OCIIndex, apptest.OCIIndex, itself)
			e.Tag(repository, "1", itself, apptest.Document{MediaType: apptest.OCIIndex, Raw: []byte(raw)})
		}},
		{name: "index-of-indexes", want: shownImage{Status: "unscan"}, push: func(_ *testing.T, e *apptest.Registry, repository string) {
			next := apptest.Descriptor{MediaType: apptest.OCIManifest, Digest: "sha256:" + strings.Repeat("0", 64), Size: 1}
			for range 50 { // each names the one below as an image
				raw := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"manifests":[{"mediaType":%q,"digest":%q,"size":%d}]}`,
					apptest.OCIIndex, apptest.OCIManifest, next.Digest, next.Size)
				next.Digest, next.Size = string(plimsoll.DigestOf(raw)), int64(len(raw))
				e.Tag(repository, "1", plimsoll.Digest(next.Digest), apptest.Document{MediaType: apptest.OCIIndex, Raw: raw})
			}
		}},
		editCase("image-and-index", shownDownload, "an image and an index at once", func(m *apptest.Manifest) {
			m.Manifests = []apptest.Descriptor{m.Layers[0]}
		}),
		{name: "schema-1", want: shownImage{Status: "unscan"}, push: func(_ *testing.T, e *apptest.Registry, repository string) {
			raw := []byte(`{"schemaVersion":1,"name":"evil","tag":"1","fsLayers":[{"blobSum":"sha256:` + strings.Repeat("a", 64) + `"}],"history":[{"v1Compatibility":"{}"}]}`)
			e.Tag(repository, "1", plimsoll.DigestOf(raw), apptest.Document{MediaType: "application/vnd.docker.distribution.manifest.v1+json", Raw: raw})
		}},
	}
}

// detourCases are registries that send us elsewhere.
func detourCases(secretPort string) []hostileCase {
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
