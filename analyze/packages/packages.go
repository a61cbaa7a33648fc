package packages

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"plimsoll"
	"plimsoll/analyze"
)

// Name is the name of the analyzer.
const Name = "packages"

// version is raised when output changes, ours or that of the osv-scalibr release in go.mod.
const version = "3"

// The places of package databases.
const (
	dpkgStatus    = "var/lib/dpkg/status"
	dpkgStatusDir = "var/lib/dpkg/status.d/"
	apkInstalled  = "lib/apk/db/installed"
	apkInstalled2 = "usr/lib/apk/db/installed"

	md5sumsEnd = ".md5sums" // of files in dpkgStatusDir that are no databases
)

// databasePaths are the usual paths of databases of all packages, but for rpm's.
var databasePaths = [...]string{dpkgStatus, apkInstalled, apkInstalled2}

// releasePaths are the usual paths of os-release; the first one counts.
var releasePaths = [...]string{"etc/os-release", "usr/lib/os-release"}

const (
	maxDatabase  = 64 << 20 // bytes of one database; Debian's whole archive is 50 MiB
	maxPackages  = 200_000  // of one layer; Debian's whole archive has 65,000
	maxOSRelease = 64 << 10 // bytes; real ones are under 1 KiB
)

// fileDeadline bounds the reading of one database whose format lets it lead a reader in circles.
const fileDeadline = 60 * time.Second

// Analyzer finds installed packages, of systems and of languages, and os-release files.
type Analyzer struct {
	deadline time.Duration // for one rpm database
}

// New makes the analyzer.
func New() Analyzer {
	quiet()
	return Analyzer{deadline: fileDeadline}
}

// ID implements analyze.Analyzer.
func (Analyzer) ID() plimsoll.AnalyzerID { return plimsoll.AnalyzerID{Name: Name, Version: version} }

// Failure implements analyze.Analyzer.
func (Analyzer) Failure() plimsoll.FailureCode { return plimsoll.FailurePackages }

// Wants implements analyze.FileAnalyzer. A file called os-release… is wanted wherever it
// stands, because /etc/os-release may be a link to it.
func (Analyzer) Wants(e plimsoll.Entry) bool {
	if format(e.Path) != "" || isRPMLog(e.Path) || manifestOf(e.Path) != nil || isExecutable(e) {
		return true
	}
	return isOSRelease(e.Path) && (e.Size <= maxOSRelease || usualOSRelease(e.Path))
}

// Peek implements analyze.Peeker: of all that may be executed, programs alone are read, and
// of what is called an archive, archives.
func (Analyzer) Peek(e plimsoll.Entry, head []byte) bool {
	if format(e.Path) != "" || isRPMLog(e.Path) || isOSRelease(e.Path) {
		return true
	}
	if m := manifestOf(e.Path); m != nil && strings.HasPrefix(string(head), m.magic) {
		return true
	}
	return isExecutable(e) && isProgram(head)
}

// format says what kind of database stands at a path, "" if none.
func format(path string) plimsoll.PackageFormat {
	switch {
	case path == apkInstalled, path == apkInstalled2:
		return plimsoll.FormatAPK
	case path == dpkgStatus:
		return plimsoll.FormatDpkg
	case isRPM(path):
		return plimsoll.FormatRPM
	}
	name, ok := strings.CutPrefix(path, dpkgStatusDir)
	if ok && name != "" && !strings.Contains(name, "/") && !strings.HasSuffix(name, md5sumsEnd) {
		return plimsoll.FormatDpkg
	}
	return ""
}

func isOSRelease(path string) bool {
	return strings.HasPrefix(path[strings.LastIndexByte(path, '/')+1:], "os-release")
}

func usualOSRelease(path string) bool {
	return slices.Contains(releasePaths[:], path)
}

// Analyze implements analyze.FileAnalyzer.
func (a Analyzer) Analyze(ctx context.Context, f analyze.File, out *plimsoll.LayerReport) error {
	if isRPMLog(f.Path) {
		if f.Size() > 0 {
			return plimsoll.Errorf(plimsoll.Invalid, "%d bytes of changes that are not in the rpm database yet were not read", f.Size())
		}
		return nil
	}
	switch {
	case format(f.Path) != "":
		return a.database(ctx, f, out)
	case isOSRelease(f.Path):
		return osRelease(f, out)
	default:
		return language(ctx, f, out)
	}
}

func osRelease(f analyze.File, out *plimsoll.LayerReport) error {
	if f.Size() > maxOSRelease {
		return tooLarge("file of %d bytes, at most %d are read", f.Size(), maxOSRelease)
	}
	release, err := ParseOSRelease(f)
	release.Path = f.Path
	out.Releases = append(slices.DeleteFunc(out.Releases, func(r plimsoll.OSRelease) bool { return r.Path == f.Path }), release)
	return err
}

func (a Analyzer) database(ctx context.Context, f analyze.File, out *plimsoll.LayerReport) error {
	kind := format(f.Path)
	limit := int64(maxDatabase)
	if kind == plimsoll.FormatRPM {
		limit = maxRPMDatabase
	}
	if f.Size() > limit {
		return tooLarge("file of %d bytes, at most %d are read", f.Size(), limit)
	}
	list, err := a.parse(ctx, f.Path, f.SectionReader, room(out))
	add(out, plimsoll.PackageFile{Path: f.Path, Format: kind, Packages: list})
	return err
}

// language reads a file that names packages of a language, or a program.
func language(ctx context.Context, f analyze.File, out *plimsoll.LayerReport) error {
	m, limit := manifestOf(f.Path), int64(maxExecutable)
	if m != nil {
		limit = m.limit
	}
	if f.Size() > limit {
		return tooLarge("file of %d bytes, at most %d are read", f.Size(), limit)
	}
	file := plimsoll.PackageFile{Path: f.Path}
	var err error
	if m != nil {
		file.Format, file.LowConfidence = m.format, m.low
		file.Packages, err = m.read(ctx, f, room(out))
	} else {
		file.Format, file.Packages, err = readExecutable(ctx, f, room(out))
	}
	add(out, file)
	return err
}

// room is how many packages the report may still take.
func room(out *plimsoll.LayerReport) int {
	left := maxPackages
	for i := range out.Packages {
		left -= len(out.Packages[i].Packages)
	}
	return left
}

// add puts a file into the report. A path may come twice in an archive: the later one
// counts. A language's file without packages says nothing, a database without any does.
func add(out *plimsoll.LayerReport, file plimsoll.PackageFile) {
	out.Packages = slices.DeleteFunc(out.Packages, func(p plimsoll.PackageFile) bool { return p.Path == file.Path })
	if len(file.Packages) > 0 || format(file.Path) != "" {
		out.Packages = append(out.Packages, file)
	}
}

// End implements analyze.Ender: a report does not depend on the archive's order.
func (Analyzer) End(out *plimsoll.LayerReport) {
	slices.SortFunc(out.Packages, func(a, b plimsoll.PackageFile) int { return strings.Compare(a.Path, b.Path) })
	slices.SortFunc(out.Releases, func(a, b plimsoll.OSRelease) int { return strings.Compare(a.Path, b.Path) })
}

// parse reads one database. With an error it returns what came before.
func (a Analyzer) parse(ctx context.Context, path string, r *io.SectionReader, limit int) ([]plimsoll.Package, error) {
	var list []plimsoll.Package
	var err error
	switch format(path) {
	case plimsoll.FormatAPK:
		list, err = parseAPK(r, limit)
	case plimsoll.FormatRPM:
		list, err = parseRPM(ctx, r, r.Size(), a.deadline, limit)
	default:
		list, err = parseDpkg(ctx, r, path != dpkgStatus, limit)
	}
	slices.SortFunc(list, plimsoll.Package.Compare)
	return list, err
}

func tooLarge(format string, args ...any) error {
	return plimsoll.Fail(plimsoll.FailureOversized, plimsoll.Errorf(plimsoll.TooLarge, "%s", fmt.Sprintf(format, args...)))
}
