package store_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// severalWriters are the tables that more than one subject writes, with the reason.
var severalWriters = map[string]string{
	"set_vulnerability": "a scan stores the first judgement of a new set, a rematch changes that of stored sets",
	"set_not_judged":    "as set_vulnerability",
}

// writingSQL matches the verb and the table of a statement that writes. The SET of an upsert
// names no table.
var writingSQL = regexp.MustCompile(`(?:INSERT INTO|DELETE FROM|\bUPDATE) "?([a-z_]+)"?`)

// TestOneWriter: a table is written by one folder of the store, and there by files of one
// subject, which is their name up to the first underscore.
func TestOneWriter(t *testing.T) {
	writers := tableWriters(t)
	if len(writers) < 40 {
		t.Fatalf("only %d tables with a writer were found", len(writers))
	}
	for _, table := range slices.Sorted(maps.Keys(writers)) {
		by := slices.Sorted(maps.Keys(writers[table]))
		_, excepted := severalWriters[table]
		if len(by) > 1 && !excepted {
			t.Errorf("table %s is written by %s: call a function of the one that owns it", table, strings.Join(by, " and "))
		}
		if len(by) == 1 && excepted {
			t.Errorf("table %s has one writer: remove it from severalWriters", table)
		}
	}
}

// tableWriters returns the folder and subject of every file with SQL that writes, by table.
func tableWriters(t *testing.T) map[string]map[string]bool {
	t.Helper()
	writers := map[string]map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "storetest" || d.Name() == "testdata"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		tables, err := tablesWrittenBy(path)
		subject, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".go"), "_")
		for _, table := range tables {
			if writers[table] == nil {
				writers[table] = map[string]bool{}
			}
			writers[table][fmt.Sprintf("%s/%s", filepath.Dir(path), subject)] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return writers
}

func tablesWrittenBy(path string) (tables []string, err error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		lit, ok := n.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return true
		}
		text, unquoteErr := strconv.Unquote(lit.Value)
		if unquoteErr != nil {
			err = unquoteErr
		}
		for _, m := range writingSQL.FindAllStringSubmatch(text, -1) {
			tables = append(tables, m[1])
		}
		if strings.HasSuffix(text, "DELETE FROM ") || strings.HasSuffix(text, "INSERT INTO ") || strings.HasSuffix(text, "UPDATE ") {
			err = fmt.Errorf("%s: the table of %q is not in the same text", path, text)
		}
		return true
	})
	return tables, err
}
