package rpmdb

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sqliteFile returns a database made by statements; their parameter ? is a good header.
func sqliteFile(t *testing.T, statements ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	value, _ := bashHeader(2)
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

const (
	createTable = "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)"
	insertRow   = "INSERT INTO Packages (blob) VALUES (?)"
)

func TestSQLite(t *testing.T) {
	_, want := bashHeader(2)
	raw := sqliteFile(t, "PRAGMA journal_mode = WAL", createTable, insertRow)
	list, err := readPackages(t.Context(), raw)
	if diff := cmp.Diff([]Package{want}, list); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for name, raw := range map[string][]byte{
		"no table":    sqliteFile(t, "CREATE TABLE t (x)"),
		"a view":      sqliteFile(t, "CREATE VIEW Packages AS SELECT 1 AS blob"),
		"computed":    sqliteFile(t, "CREATE TABLE Packages (x, blob BLOB AS (zeroblob(100)))"),
		"null":        sqliteFile(t, "CREATE TABLE Packages (blob)", "INSERT INTO Packages VALUES (NULL)"),
		"not headers": sqliteFile(t, createTable, "INSERT INTO Packages (blob) VALUES ('text')"),
		"cut":         raw[:len(raw)/2],
	} {
		if list, err := readPackages(t.Context(), raw); err == nil {
			t.Errorf("%s: %+v", name, list)
		}
	}
}

func TestSQLiteStopsAtTheDeadline(t *testing.T) {
	raw := sqliteFile(t, createTable, insertRow)
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	if _, err := readPackages(ctx, raw); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
