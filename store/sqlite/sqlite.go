// Package sqlite opens the embedded engine: one writing connection, a reading pool
// as large as the cores, write-ahead log, and the migrations of every database.
package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/pressly/goose/v3"
	sqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"plimsoll"
	"plimsoll/store"
	"plimsoll/store/advisories"
	"plimsoll/store/layers"
	"plimsoll/store/sqldb"
)

//go:embed migrations/*.sql advisories/*.sql cache/*.sql
var files embed.FS

// Inventory opens, and migrates, the inventory database at path.
func Inventory(ctx context.Context, path string) (*store.Store, error) {
	db, err := openDB(ctx, path, "migrations", 64<<10, "_txlock=immediate")
	if err != nil {
		return nil, err
	}
	return store.New(db), nil
}

// Advisories opens, and migrates, the advisory database at path.
func Advisories(ctx context.Context, path string) (*advisories.Store, error) {
	// An import appends; 16 MiB of pages are copied into the file at once. It reads the whole
	// file, which is larger than any cache.
	db, err := openDB(ctx, path, "advisories", 24<<10, "_txlock=immediate&_pragma=wal_autocheckpoint(4096)")
	if err != nil {
		return nil, err
	}
	return advisories.New(db), nil
}

// Cache opens, and migrates, the database at path that keeps scans without a server.
func Cache(ctx context.Context, path string) (*layers.Cache, error) {
	db, err := openDB(ctx, path, "cache", 64<<10, "_txlock=immediate")
	if err != nil {
		return nil, err
	}
	return layers.NewCache(db), nil
}

// openDB opens the pools; cache is the page cache of a connection, in KiB.
func openDB(ctx context.Context, path, migrations string, cache int, writing string) (*sqldb.DB, error) {
	if err := makePrivate(path); err != nil {
		return nil, err
	}
	if err := migrateFile(ctx, path, migrations, cache, writing); err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	writer, err := openPool(path, 1, cache, true, writing)
	if err != nil {
		return nil, err
	}
	reader, err := openPool(path, max(2, runtime.NumCPU()), cache, true, "_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	return &sqldb.DB{Dialect: Dialect{}, Writer: writer, Reader: reader, Now: time.Now}, nil
}

// makePrivate makes the file readable by its owner only; SQLite gives its side files the same mode.
func makePrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return plimsoll.Errorf(plimsoll.Unavailable, "database: %w", err)
	}
	return f.Close()
}

// fileNameFunction is the SQL function by which a migration fills in the names of files.
const fileNameFunction = "plimsoll_file_name"

// registerFunctions adds, once per process, the SQL functions that migrations call.
var registerFunctions = sync.OnceValue(func() error {
	return sqlite.RegisterDeterministicScalarFunction(fileNameFunction, 1, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		path, _ := args[0].(string)
		return plimsoll.FoldedFileName(path), nil
	})
})

func openPool(path string, size, cache int, foreignKeys bool, option string) (*sql.DB, error) {
	if err := registerFunctions(); err != nil {
		return nil, err
	}
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}).String() +
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)" +
		fmt.Sprintf("&_pragma=foreign_keys(%t)&_pragma=cache_size(-%d)&_pragma=temp_store(MEMORY)&", foreignKeys, cache) + option
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// migrateFile upgrades the database at path. A migration may replace a table that others refer to, so foreign keys are
// not enforced meanwhile (https://sqlite.org/lang_altertable.html, section 7).
func migrateFile(ctx context.Context, path, migrations string, cache int, writing string) error {
	db, err := openPool(path, 1, cache, false, writing)
	if err != nil {
		return err
	}
	return errors.Join(migrateSchema(ctx, db, migrations), db.Close())
}

// migrateSchema upgrades the schema to that of this program, and refuses one that is newer.
func migrateSchema(ctx context.Context, db *sql.DB, dir string) error {
	sub, err := fs.Sub(files, dir)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, sub, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	sources := p.ListSources()
	switch newest := sources[len(sources)-1].Version; {
	case have > newest:
		return plimsoll.Errorf(plimsoll.Conflict, "schema %d is newer than this program's %d", have, newest).
			WithHint("use the newer program that wrote it, or restore a backup")
	case have < newest:
		_, err = p.Up(ctx)
	}
	return err
}

// Dialect is SQLite's.
type Dialect struct{}

// Name returns "sqlite".
func (Dialect) Name() string { return "sqlite" }

// Rebind returns the query unchanged.
func (Dialect) Rebind(query string) string { return query }

// IsUniqueViolation reports a broken UNIQUE or PRIMARY KEY.
func (Dialect) IsUniqueViolation(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && (e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}
