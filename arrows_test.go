package plimsoll_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// arrows lists which room may import which other room. Every room may import the
// root and its own folders; cmd may import everything. What is not here is forbidden.
var arrows = map[string][]string{
	"bench":   {"advisory", "analyze", "archive", "auth", "identity", "match", "scan", "seal", "store"}, // whole runs, wired like cmd
	"intake":  {"registry"},
	"scan":    {"analyze", "layer", "match"},
	"layer":   {"inflate"},
	"archive": {"scratch"},
	"analyze": {"inflate", "scratch"},
}

// testArrows are further arrows that only tests may take: they use real parts.
var testArrows = map[string][]string{
	"sandbox":  {"scan", "analyze", "store", "queue"},
	"api":      {"store", "auth", "identity", "seal"},
	"auth":     {"store", "identity", "seal"},
	"identity": {"store", "seal"},
	"advisory": {"store", "match", "outbound"},
	"queue":    {"store"},
	"scan":     {"archive", "store", "advisory", "seal"},
	"intake":   {"store", "seal", "outbound"},
	"match":    {"advisory", "store"},
	"seal":     {"store"},
	"store":    {"match", "advisory"},
}

func TestArrows(t *testing.T) {
	seen := 0
	for _, file := range goFiles(t) {
		room, _, _ := strings.Cut(filepath.ToSlash(file), "/")
		if !strings.Contains(file, "/") {
			room = ""
		}
		if room == "cmd" {
			continue
		}
		allowed := slices.Clone(arrows[room])
		if strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "store/storetest/") {
			allowed = append(allowed, testArrows[room]...)
		}
		for _, target := range roomsImportedBy(t, file) {
			seen++
			if target != room && !slices.Contains(allowed, target) {
				t.Errorf("%s imports room %q: no such arrow from %q", file, target, room)
			}
		}
	}
	if seen == 0 {
		t.Fatal("no import between rooms was read: the test looks in the wrong place")
	}
}

// TestRootImportsNoRoom keeps the nouns free of what serves them.
func TestRootImportsNoRoom(t *testing.T) {
	for _, file := range goFiles(t) {
		if strings.Contains(file, "/") || strings.HasSuffix(file, "_test.go") {
			continue
		}
		if rooms := roomsImportedBy(t, file); len(rooms) > 0 {
			t.Errorf("%s imports %v", file, rooms)
		}
	}
}

// TestOnlyQueueKnowsRiver keeps the queue's library behind one door.
func TestOnlyQueueKnowsRiver(t *testing.T) {
	for _, file := range goFiles(t) {
		if strings.HasPrefix(file, "queue/") {
			continue
		}
		for _, path := range importsOf(t, file) {
			if strings.HasPrefix(path, "github.com/riverqueue/") {
				t.Errorf("%s imports %s", file, path)
			}
		}
	}
}

func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "tools" || d.Name() == "testdata" || d.Name() == "conformance") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			files = append(files, filepath.ToSlash(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func importsOf(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, spec := range f.Imports {
		paths = append(paths, strings.Trim(spec.Path.Value, `"`))
	}
	return paths
}

func roomsImportedBy(t *testing.T, file string) []string {
	t.Helper()
	var rooms []string
	for _, path := range importsOf(t, file) {
		if rest, ok := strings.CutPrefix(path, "plimsoll/"); ok {
			room, _, _ := strings.Cut(rest, "/")
			rooms = append(rooms, room)
		}
	}
	return rooms
}
