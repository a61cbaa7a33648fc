package packages

import (
	"io/fs"
	"sync"

	scalibrlog "github.com/google/osv-scalibr/log"

	"plimsoll"
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
