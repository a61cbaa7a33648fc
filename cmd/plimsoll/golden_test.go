package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Golden files pin what users see: scans.json what scan prints about real images, demo.json
// what the API answers about the demo's images. A change of structure changes neither.
// After a change that is meant, renew them and review the difference:
//
//	go test ./cmd/plimsoll -run TestGolden -update

// maxGoldenDiffs limits the differences that a failure shows in full.
const maxGoldenDiffs = 5

func goldenFile(name string) string { return filepath.Join("testdata", "golden", name) }

// readGolden returns the entries of a golden file; there are none if the file does not exist.
func readGolden[V any](t *testing.T, name string) map[string]V {
	t.Helper()
	entries := map[string]V{}
	raw, err := os.ReadFile(goldenFile(name))
	if errors.Is(err, fs.ErrNotExist) {
		return entries
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &entries); err != nil {
		t.Fatalf("%s: %v", goldenFile(name), err)
	}
	return entries
}

// writeGolden writes one line per entry, sorted, so that a review shows which entries changed.
func writeGolden[V any](t *testing.T, name string, entries map[string]V) {
	t.Helper()
	var out bytes.Buffer
	separator := "{\n"
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		fmt.Fprintf(&out, "%s%s: %s", separator, goldenLine(t, key), goldenLine(t, entries[key]))
		separator = ",\n"
	}
	out.WriteString("\n}\n")
	if err := os.MkdirAll(filepath.Dir(goldenFile(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(goldenFile(name), out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// goldenLine encodes a value as JSON on one line, without escapes for HTML.
func goldenLine(t *testing.T, v any) string {
	t.Helper()
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// compareGolden fails for every entry that differs from the golden file, is missing in it,
// or is only there. With -update it writes the file instead.
func compareGolden[V any](t *testing.T, name string, got map[string]V) {
	t.Helper()
	if *update {
		writeGolden(t, name, got)
		return
	}
	want := readGolden[V](t, name)
	shown := 0
	for _, key := range slices.Sorted(maps.Keys(want)) {
		entry, ok := got[key]
		if !ok {
			t.Errorf("%s: there is no longer an answer for %q", name, key)
			continue
		}
		before, after := goldenLine(t, want[key]), goldenLine(t, entry)
		if before == after {
			continue
		}
		if shown++; shown > maxGoldenDiffs {
			t.Errorf("%s: %q differs", name, key)
			continue
		}
		t.Errorf("%s: %q differs (-want +got):\n%s", name, key, cmp.Diff(indented(before), indented(after)))
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[key]; !ok {
			t.Errorf("%s does not contain %q: review the answer and renew the file with -update", name, key)
		}
	}
}

// indented returns JSON as lines, members in their order.
func indented(line string) []string {
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(line), "", " "); err != nil {
		return []string{line}
	}
	return strings.Split(out.String(), "\n")
}
