package client

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"plimsoll"
)

// AdvisoryStatus returns revision, age and feeds of the server's advisories.
func (c *Client) AdvisoryStatus(ctx context.Context) (status plimsoll.AdvisoryStatus, err error) {
	err = c.get(ctx, pathAdvisories, nil, &status)
	return status, err
}

// UploadAdvisories sends all records of a feed: a zip of OSV records, a bundle, or a folder of OSV records, which is
// packed on the way. Records of the feed that are not in it are withdrawn. Only ctx bounds the time.
func (c *Client) UploadAdvisories(ctx context.Context, feed, path string) (outcome plimsoll.ImportOutcome, err error) {
	body, err := openUpload(path)
	if err != nil {
		return outcome, err
	}
	defer body.Close() //nolint:errcheck // read to its end
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, c.base+pathFeed(feed), body)
	if err != nil {
		return outcome, err
	}
	req.Header.Set("Content-Type", "application/zip")
	_, err = c.do(req, &outcome)
	return outcome, err
}

func openUpload(path string) (io.ReadCloser, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.NotFound, "advisories: %w", err)
	}
	if !info.IsDir() {
		return os.Open(path)
	}
	pr, pw := io.Pipe()
	go func() { pw.CloseWithError(zipFolder(pw, path)) }()
	return pr, nil
}

func zipFolder(w io.Writer, dir string) error {
	z := zip.NewWriter(w)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || filepath.Ext(path) != ".json" {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		entry, err := z.Create(filepath.ToSlash(rel))
		if err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		_, err = io.Copy(entry, f)
		return errors.Join(err, f.Close())
	})
	return errors.Join(err, z.Close())
}
