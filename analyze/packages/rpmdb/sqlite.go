package rpmdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

const sqliteMagic = "SQLite format 3\x00"

func isSQLite(head []byte) bool { return strings.HasPrefix(string(head), sqliteMagic) }

// readSQLite reads the table Packages of rpm's SQLite backend, one header per row. SQLite needs a file
// with a name, so the database is copied to a temporary directory during the reading. Changes in a
// write-ahead log beside the database are not read.
func readSQLite(ctx context.Context, r io.ReaderAt, size int64, each func([]byte) error) (err error) {
	dir, err := os.MkdirTemp("", "plimsoll-rpm-*")
	if err != nil {
		return fmt.Errorf("make a temporary directory: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // nothing depends on it
	path := filepath.Join(dir, "db")
	if err := writeTempFile(path, io.NewSectionReader(r, 0, size)); err != nil {
		return err
	}
	dsn := url.URL{Scheme: "file", Opaque: filepath.ToSlash(path), RawQuery: url.Values{
		"mode": {"ro"}, "immutable": {"1"}, "_pragma": {"trusted_schema(0)", "query_only(1)", "cell_size_check(1)"},
	}.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // read only
	db.SetMaxOpenConns(1)
	// The schema is hostile too: a view or a virtual table could run any query.
	var statement string
	err = db.QueryRowContext(ctx, "SELECT sql FROM sqlite_schema WHERE name = 'Packages' COLLATE NOCASE AND type = 'table' AND rootpage > 0").Scan(&statement)
	if errors.Is(err, sql.ErrNoRows) {
		return errors.New("no table of packages")
	}
	if err != nil {
		return fmt.Errorf("read the schema: %w", err)
	}
	if strings.Contains(strings.ToUpper(statement), " AS ") {
		return errors.New("the table of packages has computed columns")
	}
	return readRows(ctx, db, each)
}

// readRows reads the headers. The length of a blob is known without reading it, so none over maxHeader
// is read.
func readRows(ctx context.Context, db *sql.DB, each func([]byte) error) error {
	var raw sql.RawBytes
	var length sql.NullInt64
	found, err := db.QueryContext(ctx, "SELECT length(blob), CASE WHEN length(blob) <= ? THEN blob END FROM Packages", maxHeader)
	if err != nil {
		return fmt.Errorf("read packages: %w", err)
	}
	defer found.Close() //nolint:errcheck // Err reports it
	for n := 0; found.Next(); n++ {
		if err := found.Scan(&length, &raw); err != nil {
			return fmt.Errorf("row %d: %w", n, err)
		}
		if length.Int64 > maxHeader {
			return fmt.Errorf("row %d: header of %d bytes", n, length.Int64)
		}
		if err := each(raw); err != nil {
			return fmt.Errorf("row %d: %w", n, err)
		}
	}
	if err := found.Err(); err != nil {
		return fmt.Errorf("read packages: %w", err)
	}
	return nil
}

func writeTempFile(path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make a temporary file: %w", err)
	}
	if _, err := io.Copy(f, r); err != nil {
		f.Close() //nolint:errcheck // the copy's error is returned
		return fmt.Errorf("copy the database: %w", err)
	}
	return f.Close()
}
