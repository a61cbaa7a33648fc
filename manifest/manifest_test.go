package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/manifest"
)

const (
	ociManifest = "application/vnd.oci.image.manifest.v1+json"
	ociIndex    = "application/vnd.oci.image.index.v1+json"
	ociConfig   = "application/vnd.oci.image.config.v1+json"
	ociLayer    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

func digest(c string) string { return "sha256:" + strings.Repeat(c, 64) }

func descriptor(mediaType, c string, size int) string {
	return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, mediaType, digest(c), size)
}

func image(config string, layers ...string) string {
	return fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":%s,"layers":[%s]}`, ociManifest, config, strings.Join(layers, ","))
}

func TestParseManifestImage(t *testing.T) {
	raw := image(descriptor(ociConfig, "c", 7), descriptor(ociLayer, "1", 10), descriptor(ociLayer, "2", 20))
	got, err := manifest.Parse(ociManifest, []byte(raw), plimsoll.DefaultBudget())
	if err != nil {
		t.Fatal(err)
	}
	want := plimsoll.Artifact{
		Digest: plimsoll.DigestOf([]byte(raw)), MediaType: ociManifest, Kind: plimsoll.KindImage, Size: 37,
		Config: plimsoll.Descriptor{MediaType: ociConfig, Digest: plimsoll.Digest(digest("c")), Size: 7},
		Layers: []plimsoll.Layer{
			{Descriptor: plimsoll.Descriptor{MediaType: ociLayer, Digest: plimsoll.Digest(digest("1")), Size: 10}},
			{Descriptor: plimsoll.Descriptor{MediaType: ociLayer, Digest: plimsoll.Digest(digest("2")), Size: 20}},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestParseManifestIndex(t *testing.T) {
	child := func(c, os, arch, annotations string) string {
		return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":5,"platform":{"os":%q,"architecture":%q},"annotations":{%s}}`,
			ociManifest, digest(c), os, arch, annotations)
	}
	raw := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[%s]}`, ociIndex, strings.Join([]string{
		child("1", "linux", "amd64", ""),
		child("2", "windows", "amd64", ""),
		child("3", "unknown", "unknown", `"vnd.docker.reference.type":"attestation-manifest"`),
		child("1", "linux", "amd64", ""),
		fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":5}`, ociIndex, digest("4")),
	}, ","))
	got, err := manifest.Parse(ociIndex, []byte(raw), plimsoll.DefaultBudget())
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for _, c := range got.Children {
		reasons = append(reasons, c.Unscannable)
	}
	want := []string{"", plimsoll.ReasonNotLinux, plimsoll.ReasonAttestation, plimsoll.ReasonNotAnImage}
	if d := cmp.Diff(want, reasons); d != "" || got.Unscannable != "" {
		t.Errorf("children (repeated members once): %s, unscannable %q", d, got.Unscannable)
	}
}

func TestParseManifestRefuses(t *testing.T) {
	tight := plimsoll.DefaultBudget()
	tight.Layers, tight.ManifestBytes = 1, 600
	config, layer := descriptor(ociConfig, "c", 1), descriptor(ociLayer, "1", 1)
	tests := []struct {
		name, mediaType, raw string
		code                 plimsoll.FailureCode
	}{
		{"no JSON", ociManifest, `<html>`, plimsoll.FailureDownload},
		{"hybrid", ociManifest, `{"schemaVersion":2,"config":` + config + `,"manifests":[` + layer + `]}`, plimsoll.FailureDownload},
		{"contradicted type", ociIndex, image(config, layer), plimsoll.FailureDownload},
		{"no config", ociManifest, `{"schemaVersion":2,"mediaType":"` + ociManifest + `"}`, plimsoll.FailureDownload},
		{"foreign digest", ociManifest, image(`{"digest":"md5:00","size":1}`), plimsoll.FailureDownload},
		{"negative size", ociManifest, image(config, descriptor(ociLayer, "1", -1)), plimsoll.FailureDownload},
		{"too many layers", ociManifest, image(config, layer, descriptor(ociLayer, "2", 1)), plimsoll.FailureLayers},
		{"too long", ociManifest, image(config) + strings.Repeat(" ", 700), plimsoll.FailureOversized},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := manifest.Parse(tt.mediaType, []byte(tt.raw), tight)
			if got := plimsoll.FailureOf(err); got != tt.code {
				t.Errorf("failure %q (%v), want %q", got, err, tt.code)
			}
		})
	}
}

func TestParseManifestSchema1(t *testing.T) {
	for _, raw := range []string{`{"schemaVersion":1,"fsLayers":[{}]}`, `{"fsLayers":[{}]}`} {
		a, err := manifest.Parse("application/vnd.docker.distribution.manifest.v1+prettyjws", []byte(raw), plimsoll.DefaultBudget())
		if err != nil || a.Kind != plimsoll.KindSchema1 || a.Unscannable != plimsoll.ReasonSchema1 {
			t.Errorf("%s: %+v, %v", raw, a, err)
		}
	}
}

func TestWithConfig(t *testing.T) {
	raw := image(descriptor(ociConfig, "c", 7), descriptor(ociLayer, "1", 10), descriptor(ociLayer, "2", 20))
	a, err := manifest.Parse(ociManifest, []byte(raw), plimsoll.DefaultBudget())
	if err != nil {
		t.Fatal(err)
	}
	config, err := manifest.ParseConfig([]byte(`{"os":"linux","architecture":"arm64","created":"2024-05-06T07:08:09Z",
		"config":{"User":"app","Healthcheck":{"Test":["NONE"]}},
		"rootfs":{"diff_ids":["`+digest("a")+`","`+digest("b")+`"]},
		"history":[{"created_by":"ADD base"},{"created_by":"USER app","empty_layer":true},{"created_by":"COPY app"}]}`), plimsoll.DefaultBudget())
	if err != nil {
		t.Fatal(err)
	}
	if config.Healthcheck {
		t.Error(`a health check of "NONE" is none`)
	}
	joined, err := manifest.WithConfig(a, config)
	if err != nil {
		t.Fatal(err)
	}
	if joined.Layers[1].DiffID != plimsoll.Digest(digest("b")) || joined.Layers[1].CreatedBy != "COPY app" {
		t.Errorf("second layer: %+v", joined.Layers[1])
	}
	if a.Layers[1].DiffID != "" {
		t.Error("the artifact it was made from changed")
	}
	config.DiffIDs = config.DiffIDs[:1]
	if _, err := manifest.WithConfig(a, config); plimsoll.FailureOf(err) != plimsoll.FailureDownload {
		t.Errorf("one diff ID for two layers: %v", err)
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add(ociManifest, []byte(image(descriptor(ociConfig, "c", 7), descriptor(ociLayer, "1", 10))))
	f.Add(ociIndex, []byte(`{"schemaVersion":2,"manifests":[`+descriptor(ociManifest, "1", 3)+`]}`))
	f.Add("", []byte(`{"schemaVersion":1,"fsLayers":[{}]}`))
	f.Fuzz(func(t *testing.T, mediaType string, raw []byte) {
		a, err := manifest.Parse(mediaType, raw, plimsoll.DefaultBudget())
		if err != nil {
			if plimsoll.FailureOf(err) == plimsoll.FailureUnknown {
				t.Fatalf("error without a failure code: %v", err)
			}
			return
		}
		if a.Size < 0 || a.Kind == "" {
			t.Fatalf("accepted %+v", a)
		}
	})
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(`{"os":"linux","rootfs":{"diff_ids":["` + digest("a") + `"]},"history":[{"created_by":"x"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := manifest.ParseConfig(raw, plimsoll.DefaultBudget()); err != nil && plimsoll.FailureOf(err) == plimsoll.FailureUnknown {
			t.Fatalf("error without a failure code: %v", err)
		}
	})
}
