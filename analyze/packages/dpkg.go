package packages

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"strings"

	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/os/dpkg"
	dpkgmeta "github.com/google/osv-scalibr/extractor/filesystem/os/dpkg/metadata"

	"plimsoll"
)

// parseDpkg reads var/lib/dpkg/status, or with single a file of status.d, whose stanza has no Status
// field.
//
// The extractor gets a fixed path and returns every stanza. For a path in status.d it would return an
// empty list and no error for a malformed file, and it treats only one state as installed.
func parseDpkg(ctx context.Context, r io.ReadSeeker, single bool, limit int) ([]plimsoll.Package, vendorList, error) {
	stanzas, incomplete, err := countStanzas(r)
	if err != nil {
		return nil, nil, err
	}
	if stanzas > limit {
		return nil, nil, tooLargeError("database of %d packages, at most %d are read", stanzas, limit)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, nil, err
	}
	extractor := dpkg.Extractor{IncludeNotInstalled: true}
	found, failed := extractor.Extract(ctx, &filesystem.ScanInput{FS: noFiles{}, Path: dpkgStatus, Reader: r})
	var list []plimsoll.Package
	vendors := vendorList{}
	stateless := 0
	for _, p := range found.Packages {
		meta, ok := p.Metadata.(*dpkgmeta.Metadata)
		if !ok {
			continue
		}
		if meta.Status == "" && !single {
			stateless++
			continue
		}
		if meta.Status != "" && !isInstalledStatus(meta.Status) {
			continue
		}
		q := plimsoll.Package{
			Name: p.Name, Version: p.Version, Arch: meta.Architecture,
			Source: meta.SourceName, SourceVersion: meta.SourceVersion,
		}
		list = append(list, dropEqualSource(q))
		if meta.Maintainer != "" {
			vendors[q.Name] = meta.Maintainer
		}
	}
	switch {
	case failed != nil:
		return list, nil, plimsoll.Errorf(plimsoll.Invalid, "read dpkg database, %d packages before: %w", len(list), failed)
	case incomplete > 0:
		return list, nil, plimsoll.Errorf(plimsoll.Invalid, "%d installed packages without name or version", incomplete)
	case stateless > 0:
		return list, nil, plimsoll.Errorf(plimsoll.Invalid, "%d packages without a status", stateless)
	}
	return list, vendors.byMaintainer(), nil
}

// isInstalledStatus reports whether files of a package in this state are installed (dpkg(1), "Package
// states"): in every state but not-installed and config-files.
func isInstalledStatus(status string) bool {
	fields := strings.Fields(status)
	if len(fields) != 3 {
		return true // an unknown state must not hide the package
	}
	return fields[2] != "not-installed" && fields[2] != "config-files"
}

// countStanzas counts stanzas, and those of installed packages without a name or a version. The
// extractor drops the latter and only logs it.
func countStanzas(r io.Reader) (stanzas, incomplete int, err error) {
	lines := bufio.NewReaderSize(r, 64<<10)
	var some, name, version, gone bool
	end := func() {
		if some {
			stanzas++
		}
		if some && !gone && !(name && version) {
			incomplete++
		}
		some, name, version, gone = false, false, false, false
	}
	continued := false // inside a line longer than the buffer
	for {
		line, more, err := lines.ReadLine()
		if err == io.EOF {
			end()
			return stanzas, incomplete, nil
		}
		if err != nil {
			return stanzas, incomplete, err
		}
		switch field, value, ok := bytes.Cut(line, []byte(":")); {
		case continued:
		case len(line) == 0:
			end()
		case !ok:
			some = true
		default:
			some = true
			value = bytes.TrimSpace(value)
			switch strings.ToLower(string(field)) {
			case "package":
				name = len(value) > 0
			case "version":
				version = len(value) > 0
			case "status":
				gone = !isInstalledStatus(string(value))
			}
		}
		continued = more
	}
}
