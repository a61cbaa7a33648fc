package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/klauspost/compress/zip"
	"golang.org/x/sync/errgroup"
)

// maxCopies is the number of copies that renameRecord can distinguish: it replaces the first two digits of a CVE's year.
const maxCopies = 79

// multiplyDumps writes the dumps in the folder from to the folder to, with several copies of every record.
func multiplyDumps(from, to string, copies int) error {
	dumps, err := filepath.Glob(filepath.Join(from, "*.zip"))
	if err != nil || len(dumps) == 0 {
		return fmt.Errorf("no dumps in %s: %w", from, err)
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, dump := range dumps {
		g.Go(func() error { return multiplyDump(dump, filepath.Join(to, filepath.Base(dump)), copies) })
	}
	return g.Wait()
}

func multiplyDump(from, to string, copies int) error {
	in, err := zip.OpenReader(from)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read from
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	out := zip.NewWriter(f)
	for _, entry := range in.File {
		r, err := entry.Open()
		if err != nil {
			return err
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		for k := range copies {
			w, err := out.Create(fmt.Sprintf("%02d/%s", 20+k, entry.Name))
			if err != nil {
				return err
			}
			if _, err := w.Write(renameRecord(raw, k)); err != nil {
				return err
			}
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	return f.Close()
}

// renameRecord returns copy k of a record, with other ids, package names and versions. Copy 0 is the record itself.
func renameRecord(raw []byte, k int) []byte {
	if k == 0 {
		return raw
	}
	raw = bytes.ReplaceAll(raw, []byte("CVE-20"), fmt.Appendf(nil, "CVE-%d", 20+k))
	suffix := fmt.Sprintf(".%d", k)
	for _, key := range []string{`"id"`, `"name"`, `"fixed"`, `"last_affected"`} {
		raw = appendToValues(raw, key, suffix)
	}
	return raw
}

// appendToValues appends a suffix to every string value of a key.
func appendToValues(raw []byte, key, suffix string) []byte {
	out := make([]byte, 0, len(raw)+256)
	for {
		at := bytes.Index(raw, []byte(key))
		if at < 0 {
			return append(out, raw...)
		}
		at += len(key)
		out, raw = append(out, raw[:at]...), raw[at:]
		from := bytes.IndexByte(raw, '"') // of the value, if only a colon is between
		if from < 0 || len(bytes.TrimLeft(raw[:from], ": \n\t\r")) > 0 {
			continue
		}
		to := bytes.IndexByte(raw[from+1:], '"')
		if to < 0 || bytes.IndexByte(raw[from+1:from+1+to], '\\') >= 0 {
			continue
		}
		out = append(append(out, raw[:from+1+to]...), suffix...)
		raw = raw[from+1+to:]
	}
}
