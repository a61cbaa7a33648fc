package packages

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/osv-scalibr/extractor/filesystem"
	scalibrlog "github.com/google/osv-scalibr/log"

	"plimsoll"
	"plimsoll/analyze"
)

// silenceLibraryLog replaces the library's process-wide logger, which writes text from the layer to
// standard error. The same problems are in our failures.
var silenceLibraryLog = sync.OnceFunc(func() { scalibrlog.SetLogger(silentLogger{}) })

type silentLogger struct{}

func (silentLogger) Errorf(string, ...any) {}
func (silentLogger) Error(...any)          {}
func (silentLogger) Warnf(string, ...any)  {}
func (silentLogger) Warn(...any)           {}
func (silentLogger) Infof(string, ...any)  {}
func (silentLogger) Info(...any)           {}
func (silentLogger) Debugf(string, ...any) {}
func (silentLogger) Debug(...any)          {}

// extractPackages reads one file with an extractor of the library. With an error it also returns the
// packages found before it.
func extractPackages(ctx context.Context, e filesystem.Extractor, f analyze.File, limit int) ([]plimsoll.Package, error) {
	found, failed := e.Extract(ctx, &filesystem.ScanInput{FS: noFiles{}, Path: f.Path, Reader: f, Info: fileInfo{f}})
	var list []plimsoll.Package
	for _, p := range found.Packages {
		q := plimsoll.Package{Ecosystem: p.Ecosystem().String(), Name: p.Name, Version: p.Version}
		if url := p.PURL(); url != nil {
			url.Qualifiers = nil // the library's own, about where it found the package
			q.PURL = url.String()
		}
		if q.Name == "" || q.Version == "" {
			continue // a part of the project itself, or a package without a release
		}
		list = append(list, q)
	}
	list, err := sortAndLimit(list, limit)
	if failed != nil {
		err = plimsoll.Errorf(plimsoll.Invalid, "%d packages before: %w", len(list), failed)
	}
	return list, err
}

// newLanguagePackage returns a package of a language with its package URL of type kind. A slash in
// the name separates namespace and name in the URL.
func newLanguagePackage(ecosystem, kind, name, version string) plimsoll.Package {
	var url strings.Builder
	url.WriteString("pkg:" + kind + "/")
	for i, part := range strings.Split(name, "/") {
		if i > 0 {
			url.WriteByte('/')
		}
		writeEscaped(&url, part)
	}
	url.WriteByte('@')
	writeEscaped(&url, version)
	return plimsoll.Package{Ecosystem: ecosystem, Name: name, Version: version, PURL: url.String()}
}

// maxField is the maximum length of a name or a version, in bytes.
const maxField = 1024

// sortAndLimit sorts the packages of one file and removes duplicates. It leaves out packages without
// a name or a version and those beyond the limit, and returns an error if there are any.
func sortAndLimit(list []plimsoll.Package, limit int) ([]plimsoll.Package, error) {
	slices.SortFunc(list, plimsoll.Package.Compare)
	list = slices.CompactFunc(list, func(a, b plimsoll.Package) bool { return a == b })
	all := len(list)
	list = slices.DeleteFunc(list, func(p plimsoll.Package) bool {
		return p.Name == "" || p.Version == "" || len(p.Name) > maxField || len(p.Version) > maxField
	})
	switch incomplete := all - len(list); {
	case len(list) > limit:
		return list[:limit], tooLargeError("file of %d packages, at most %d are read", len(list), limit)
	case incomplete > 0:
		return list, plimsoll.Errorf(plimsoll.Invalid, "%d packages without name or version, or with one over %d bytes", incomplete, maxField)
	}
	return list, nil
}

// fileInfo implements fs.FileInfo for extractors.
type fileInfo struct{ analyze.File }

func (i fileInfo) Name() string       { return path.Base(i.Path) }
func (i fileInfo) Mode() fs.FileMode  { return fs.FileMode(i.Entry.Mode & 0o777) }
func (i fileInfo) ModTime() time.Time { return time.Time{} }
func (i fileInfo) IsDir() bool        { return false }
func (i fileInfo) Sys() any           { return nil }

// dropEqualSource clears the source name and version where they equal those of the package.
func dropEqualSource(p plimsoll.Package) plimsoll.Package {
	if p.Source == p.Name {
		p.Source = ""
	}
	if p.SourceVersion == p.Version {
		p.SourceVersion = ""
	}
	return p
}

// noFiles is the empty file system that extractors get. They look for os-release in it, which is not
// known before folding.
type noFiles struct{}

func (noFiles) Open(string) (fs.File, error)          { return nil, fs.ErrNotExist }
func (noFiles) Stat(string) (fs.FileInfo, error)      { return nil, fs.ErrNotExist }
func (noFiles) ReadDir(string) ([]fs.DirEntry, error) { return nil, fs.ErrNotExist }
