package main

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"plimsoll"
	"plimsoll/advisory"
	"plimsoll/advisory/bundle"
)

// ImportAdvisories uploads a zip or a bundle; a folder is packed on the way.
func (r *remoteBackend) ImportAdvisories(ctx context.Context, path, feed string, trust bundle.Trust, _ func(int)) (plimsoll.ImportOutcome, error) {
	if trust.Unsigned || len(trust.Keys) > 0 {
		return plimsoll.ImportOutcome{}, plimsoll.Errorf(plimsoll.Invalid, "which bundles are trusted is for the server to say").
			WithHint("start it with --verify-key")
	}
	if feed == "" && bundle.IsBundle(path) {
		feed = "bundle"
	}
	if feed == "" {
		feed = advisory.FeedName(path)
	}
	body, err := feedBody(path)
	if err != nil {
		return plimsoll.ImportOutcome{}, err
	}
	defer body.Close() //nolint:errcheck // read to its end
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, r.base+"/api/v1/advisories/"+url.PathEscape(feed), body)
	if err != nil {
		return plimsoll.ImportOutcome{}, err
	}
	req.Header.Set("Content-Type", "application/zip")
	var outcome plimsoll.ImportOutcome
	_, err = r.do(req, &outcome)
	return outcome, err
}

func feedBody(path string) (io.ReadCloser, error) {
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
