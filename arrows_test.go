package plimsoll_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// leaves are packages that import nothing of the project; the root and every package may import them.
var leaves = []string{"inflate", "pathlist", "purl", "scratch"}

// arrows lists which package may import which other one, by top-level folder. Every package may import the
// root, the leaves and its own folders. What is not here is forbidden.
var arrows = map[string][]string{
	"cmd":      {"app", "client", "server"},
	"server":   {"api", "app"},
	"app":      {"advisory", "analyze", "archive", "auth", "demo", "identity", "intake", "layer", "manifest", "match", "outbound", "queue", "registry", "rematch", "sandbox", "scan", "seal", "store", "vex"},
	"bench":    {"advisory", "analyze", "archive", "auth", "identity", "manifest", "match", "rematch", "scan", "seal", "store"}, // whole runs, wired like app
	"analyze":  {"layer"},                                                                                                       // kinds of findings read the folded image
	"intake":   {"registry", "manifest"},
	"scan":     {"analyze", "layer", "manifest", "match"},
	"rematch":  {"match"},
	"archive":  {"manifest", "verify"},
	"registry": {"manifest", "verify"},
}

// testArrows are further arrows that only tests may take: they use real parts.
var testArrows = map[string][]string{
	"cmd":      {"advisory", "analyze", "demo", "store"},
	"app":      {"client", "server"},
	"client":   {"app", "server"},
	"sandbox":  {"scan", "analyze", "store", "queue", "manifest"},
	"api":      {"store", "auth", "identity", "seal"},
	"auth":     {"store", "identity", "seal"},
	"demo":     {"manifest"},
	"identity": {"store", "seal"},
	"advisory": {"store", "match", "outbound"},
	"queue":    {"store"},
	"scan":     {"archive", "store", "advisory", "seal", "verify"},
	"rematch":  {"store"},
	"intake":   {"store", "seal", "outbound"},
	"match":    {"advisory", "store"},
	"seal":     {"store"},
	"store":    {"match", "advisory"},
}

func TestArrows(t *testing.T) {
	seen := 0
	for _, file := range goFiles(t) {
		folder, _, _ := strings.Cut(filepath.ToSlash(file), "/")
		if !strings.Contains(file, "/") {
			folder = ""
		}
		allowed := slices.Clone(leaves)
		if slices.Contains(leaves, folder) {
			allowed = nil
		}
		allowed = append(allowed, arrows[folder]...)
		if strings.HasSuffix(file, "_test.go") || isTestSupport(file) {
			allowed = append(allowed, testArrows[folder]...)
		}
		for _, target := range foldersImportedBy(t, file) {
			seen++
			if target != folder && !slices.Contains(allowed, target) {
				t.Errorf("%s imports package %q: no such arrow from %q", file, target, folder)
			}
		}
	}
	if seen == 0 {
		t.Fatal("no import between packages was read: the test looks in the wrong place")
	}
}

// isTestSupport reports packages that only tests import.
func isTestSupport(file string) bool {
	return strings.HasPrefix(file, "store/storetest/") || strings.HasPrefix(file, "app/apptest/")
}

// maxFiles is how many Go files a folder may have, tests aside.
const maxFiles = 25

func TestFoldersStaySmall(t *testing.T) {
	files := map[string]int{}
	for _, file := range goFiles(t) {
		if !strings.HasSuffix(file, "_test.go") && !isTestSupport(file) {
			files[path.Dir(file)]++
		}
	}
	for folder, n := range files {
		if n > maxFiles {
			t.Errorf("%s has %d Go files, the limit is %d", folder, n, maxFiles)
		}
	}
}

// TestRootImportsOnlyLeaves keeps the nouns free of the packages that work on them.
func TestRootImportsOnlyLeaves(t *testing.T) {
	for _, file := range goFiles(t) {
		if strings.Contains(file, "/") || strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, target := range foldersImportedBy(t, file) {
			if !slices.Contains(leaves, target) {
				t.Errorf("%s imports %q, which is no leaf", file, target)
			}
		}
	}
}

func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && file != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "tools" || d.Name() == "testdata" || d.Name() == "conformance") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(file, ".go") {
			files = append(files, filepath.ToSlash(file))
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

func foldersImportedBy(t *testing.T, file string) []string {
	t.Helper()
	var folders []string
	for _, path := range importsOf(t, file) {
		if rest, ok := strings.CutPrefix(path, "plimsoll/"); ok {
			folder, _, _ := strings.Cut(rest, "/")
			folders = append(folders, folder)
		}
	}
	return folders
}
