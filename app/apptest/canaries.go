package apptest

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"plimsoll"
	"plimsoll/analyze/all"
)

// Canary makes a token that occurs nowhere else, in two parts, so that this source has none.
func Canary(n int) string { return "ghp_" + fmt.Sprintf("q7Zr2KpX9vLm4TnB8wYc3HdF6sJgA1eR%04d", n) }

// FindCanaries returns the parts of planted values that a text contains.
func FindCanaries(text string) []string {
	var out []string
	for _, part := range [...]string{"q7Zr2KpX", "9vLm4TnB", "8wYc3HdF", "6sJgA1eR", "ALmZpTnWqYxKdRbS"} {
		if strings.Contains(text, part) {
			out = append(out, part)
		}
	}
	return out
}

// PushCanaries makes an image with secrets wherever rules look, one of them under a whiteout.
func PushCanaries(t *testing.T, e *Registry, repository string) []plimsoll.Digest {
	t.Helper()
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	member, err := w.Create("conf/.env")
	if err == nil {
		_, err = io.WriteString(member, "TOKEN="+Canary(0)+"\n")
	}
	if err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	key := "-----BEGIN RSA PRIVATE KEY-----\n" + strings.Repeat("MIIEpAIBAAKCAQEALmZpTnWqYxKdRbSvUcHgJfEo2i8s9a7w6t5r4e3y1u0p\n", 12) + "-----END RSA PRIVATE KEY-----\n"
	bottom := Tar(t, File("etc/os-release", DebianRelease), File("var/lib/dpkg/status", Dpkg("bash", "5.2.15-2")),
		File("srv/.env", "GITHUB_TOKEN="+Canary(1)+"\nDB_PASSWORD="+Canary(2)[4:30]+"\n"), File("root/.ssh/id_rsa", key), File("srv/app.jar", archive.String()))
	top := Tar(t, File("root/.ssh/.wh.id_rsa", ""), File("srv/name", repository))
	diffIDs := []plimsoll.Digest{plimsoll.DigestOf(bottom), plimsoll.DigestOf(top)}
	config, err := json.Marshal(map[string]any{
		"os": "linux", "architecture": "amd64",
		"config": map[string]any{
			"Env": []string{"PATH=/bin", "API_TOKEN=" + Canary(3)}, "Labels": map[string]string{"deploy": Canary(4)},
			"Cmd": []string{"serve", "--token", Canary(5)}, "Entrypoint": []string{"/bin/sh", "-c", "TOKEN=" + Canary(6) + " exec \"$@\""},
		},
		"history": []map[string]any{{"created_by": "RUN curl -H 'Authorization: token " + Canary(7) + "' https://example.org/x | sh"}, {"created_by": "RUN |1 TOKEN=" + Canary(8) + " /bin/sh -c make"}},
		"rootfs":  map[string]any{"type": "layers", "diff_ids": diffIDs},
	})
	if err != nil {
		t.Fatal(err)
	}
	e.Push(t, repository, [][]byte{Gzip(t, bottom), Gzip(t, top)}, nil, func(m *Manifest) {
		c := Describe(e.Put(OCIConfig, config))
		m.Config = &c
	})
	return diffIDs
}

// ReportReader is a store of layer reports.
type ReportReader interface {
	LayerReports(ctx context.Context, diffIDs []plimsoll.Digest, analyzers []plimsoll.AnalyzerID) (map[plimsoll.Digest][]plimsoll.LayerReport, error)
}

// KeptReports reads the reports of all blobs of a registry, which are stored compressed.
func KeptReports(t *testing.T, kept ReportReader, e *Registry, diffIDs []plimsoll.Digest) string {
	t.Helper()
	analyzers, err := all.Names(all.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var ids []plimsoll.AnalyzerID
	for _, a := range analyzers {
		ids = append(ids, a.ID())
	}
	digests := append(slices.Clone(diffIDs), e.Blobs()...)
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
