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

// quiet takes the library's process-wide logger away: it writes text of the layer to
// standard error. What it would say is in our failures.
var quiet = sync.OnceFunc(func() { scalibrlog.SetLogger(silent{}) })

type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Error(...any)          {}
func (silent) Warnf(string, ...any)  {}
func (silent) Warn(...any)           {}
func (silent) Infof(string, ...any)  {}
func (silent) Info(...any)           {}
func (silent) Debugf(string, ...any) {}
func (silent) Debug(...any)          {}

// extract reads one file by an extractor of the library. With an error it returns what
// came before.
func extract(ctx context.Context, e filesystem.Extractor, f analyze.File, limit int) ([]plimsoll.Package, error) {
	found, failed := e.Extract(ctx, &filesystem.ScanInput{FS: noFiles{}, Path: f.Path, Reader: f, Info: info{f}})
	var list []plimsoll.Package
	for _, p := range found.Packages {
		q := plimsoll.Package{Ecosystem: p.Ecosystem().String(), Name: p.Name, Version: p.Version}
		if url := p.PURL(); url != nil {
			url.Qualifiers = nil // the library's own, of where it found the package
			q.PURL = url.String()
		}
		if q.Name == "" || q.Version == "" {
			continue // a part of the project itself, or one without a release
		}
		list = append(list, q)
	}
	list, err := tidy(list, limit)
	if failed != nil {
		err = plimsoll.Errorf(plimsoll.Invalid, "%d packages before: %w", len(list), failed)
	}
	return list, err
}

// pkg makes a package of a language with its URL. A slash in a name parts its namespace.
func pkg(ecosystem, kind, name, version string) plimsoll.Package {
	var url strings.Builder
	url.WriteString("pkg:" + kind + "/")
	for i, part := range strings.Split(name, "/") {
		if i > 0 {
			url.WriteByte('/')
		}
		escapeTo(&url, part)
	}
	url.WriteByte('@')
	escapeTo(&url, version)
	return plimsoll.Package{Ecosystem: ecosystem, Name: name, Version: version, PURL: url.String()}
}

// maxField bounds a name or a version, in bytes.
const maxField = 1024

// tidy sorts the packages of one file and names each once. One without a name or a version
// is an error, and so are more than the limit.
func tidy(list []plimsoll.Package, limit int) ([]plimsoll.Package, error) {
	slices.SortFunc(list, plimsoll.Package.Compare)
	list = slices.CompactFunc(list, func(a, b plimsoll.Package) bool { return a == b })
	all := len(list)
	list = slices.DeleteFunc(list, func(p plimsoll.Package) bool {
		return p.Name == "" || p.Version == "" || len(p.Name) > maxField || len(p.Version) > maxField
	})
	switch incomplete := all - len(list); {
	case len(list) > limit:
		return list[:limit], tooLarge("file of %d packages, at most %d are read", len(list), limit)
	case incomplete > 0:
		return list, plimsoll.Errorf(plimsoll.Invalid, "%d packages without name or version, or with one over %d bytes", incomplete, maxField)
	}
	return list, nil
}

// info is what extractors ask of a file.
type info struct{ analyze.File }

func (i info) Name() string       { return path.Base(i.Path) }
func (i info) Mode() fs.FileMode  { return fs.FileMode(i.Entry.Mode & 0o777) }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return false }
func (i info) Sys() any           { return nil }

// withSource leaves out a source that says nothing new.
func withSource(p plimsoll.Package) plimsoll.Package {
	if p.Source == p.Name {
		p.Source = ""
	}
	if p.SourceVersion == p.Version {
		p.SourceVersion = ""
	}
	return p
}

// noFiles is the file system the extractor may look around in. It looks for os-release,
// and at layer time nobody knows which one that is.
type noFiles struct{}

func (noFiles) Open(string) (fs.File, error)          { return nil, fs.ErrNotExist }
func (noFiles) Stat(string) (fs.FileInfo, error)      { return nil, fs.ErrNotExist }
func (noFiles) ReadDir(string) ([]fs.DirEntry, error) { return nil, fs.ErrNotExist }
