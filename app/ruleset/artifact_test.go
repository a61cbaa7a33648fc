package ruleset

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"plimsoll"
)

// offered is an artifact whose every layer has the same bytes.
type offered struct {
	manifest string
	layer    []byte
}

func (o offered) Manifest(context.Context, plimsoll.Digest) (string, []byte, error) {
	return "", []byte(o.manifest), nil
}

func (o offered) Blob(context.Context, plimsoll.Descriptor) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(o.layer)), nil
}

func tarOfRules(t testing.TB, heads ...tar.Header) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, h := range heads {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, h.Size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func titledManifest(names ...string) string {
	var layers []string
	for _, n := range names {
		layers = append(layers, fmt.Sprintf(`{"mediaType":"x","digest":"sha256:%064d","size":3,"annotations":{%q:%q}}`, 1, TitleAnnotation, n))
	}
	return `{"layers":[` + strings.Join(layers, ",") + `]}`
}

const tarLayer = `{"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar"}]}`

func TestArtifactsThatAreRefused(t *testing.T) {
	for want, o := range map[string]offered{
		"manifest is not valid":    {manifest: "{"},
		"has no layers":            {manifest: `{"manifests":[]}`},
		`"a.yar" twice`:            {manifest: titledManifest("a.yar", "a.yar")},
		"no name for a file":       {manifest: titledManifest("/etc/passwd")},
		"more than 48 MiB":         {manifest: `{"layers":[{"mediaType":"x","size":999999999}]}`},
		`type "x" has no title`:    {manifest: `{"layers":[{"mediaType":"x","size":3}]}`},
		`"link.yar" is not a file`: {manifest: tarLayer, layer: tarOfRules(t, tar.Header{Typeflag: tar.TypeSymlink, Name: "link.yar", Linkname: "/etc/passwd"})},
		"larger than 48 MiB":       {manifest: tarLayer, layer: tarOfRules(t, tar.Header{Name: "a.yar", Size: 30 << 20, Mode: 0o600}, tar.Header{Name: "b.yar", Size: 30 << 20, Mode: 0o600})},
	} {
		files, err := ReadArtifact(t.Context(), o, "", plimsoll.DefaultBudget())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %d files", want, err, len(files))
		}
	}
}

func FuzzReadArtifact(f *testing.F) {
	f.Add(titledManifest("a.yar", "b/c.ndb"), []byte("abc"))
	f.Add(titledManifest("../a"), []byte("abc"))
	f.Add(tarLayer, tarOfRules(f, tar.Header{Name: "a/b.yar", Size: 5, Mode: 0o600}, tar.Header{Typeflag: tar.TypeDir, Name: "a/"}))
	f.Fuzz(func(t *testing.T, manifest string, layer []byte) {
		files, err := ReadArtifact(t.Context(), offered{manifest, layer}, "", plimsoll.DefaultBudget())
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, r := range files {
			if seen[r.Name] || checkName(r.Name) != nil || isHidden(r.Name) || len(r.Data) > maxBytes {
				t.Errorf("file %q of %d bytes", r.Name, len(r.Data))
			}
			seen[r.Name] = true
		}
	})
}
