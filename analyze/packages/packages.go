package packages

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/analyze/packages/owned"
)

// Name is the name of the analyzer.
const Name = "packages"

// version must be raised when output changes, also by a new release of osv-scalibr in go.mod.
const version = "5"

// Paths of package databases.
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
	maxDatabase  = 64 << 20 // bytes per database; Debian's whole archive is 50 MiB
	maxPackages  = 200_000  // per layer; Debian's whole archive has 65,000
	maxOSRelease = 64 << 10 // bytes; real ones are under 1 KiB
)

// databaseDeadline bounds the reading of one rpm database: a hostile one can keep a reader busy.
const databaseDeadline = 60 * time.Second

// Analyzer finds installed packages of operating systems and languages, and os-release files.
type Analyzer struct {
	deadline time.Duration // for one rpm database
}

// New returns the analyzer.
func New() Analyzer {
	silenceLibraryLog()
	return Analyzer{deadline: databaseDeadline}
}

// ID implements analyze.Analyzer.
func (Analyzer) ID() plimsoll.AnalyzerID { return plimsoll.AnalyzerID{Name: Name, Version: version} }

// Failure implements analyze.Analyzer.
func (Analyzer) Failure() plimsoll.FailureCode { return plimsoll.FailurePackages }

// Wants implements analyze.FileAnalyzer. It wants a file called os-release… at any path, because
// /etc/os-release may be a link to it.
func (Analyzer) Wants(e plimsoll.Entry) bool {
	if databaseFormat(e.Path) != "" || isRPMLog(e.Path) || manifestOf(e.Path) != nil || isExecutable(e) {
		return true
	}
	return isOSRelease(e.Path) && (e.Size <= maxOSRelease || isStandardOSRelease(e.Path))
}

// Peek implements analyze.Peeker. Of the executable files only ELF and PE programs are read, and
// of the files with an archive's name only archives.
func (Analyzer) Peek(e plimsoll.Entry, head []byte) bool {
	if databaseFormat(e.Path) != "" || isRPMLog(e.Path) || isOSRelease(e.Path) {
		return true
	}
	if m := manifestOf(e.Path); m != nil && strings.HasPrefix(string(head), m.magic) {
		return true
	}
	return isExecutable(e) && isProgram(head)
}

// databaseFormat returns the format of the package database at a path, "" if it is none.
func databaseFormat(path string) plimsoll.PackageFormat {
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

func isStandardOSRelease(path string) bool {
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
	case databaseFormat(f.Path) != "":
		return a.readDatabase(ctx, f, out)
	case isOSRelease(f.Path):
		return readOSRelease(f, out)
	default:
		return readLanguageFile(ctx, f, out)
	}
}

func readOSRelease(f analyze.File, out *plimsoll.LayerReport) error {
	if f.Size() > maxOSRelease {
		return tooLargeError("file of %d bytes, at most %d are read", f.Size(), maxOSRelease)
	}
	f, err := withoutMark(f)
	if err != nil {
		return err
	}
	release, err := ParseOSRelease(f)
	release.Path = f.Path
	out.Releases = append(slices.DeleteFunc(out.Releases, func(r plimsoll.OSRelease) bool { return r.Path == f.Path }), release)
	return err
}

func (a Analyzer) readDatabase(ctx context.Context, f analyze.File, out *plimsoll.LayerReport) error {
	kind := databaseFormat(f.Path)
	limit := int64(maxDatabase)
	if kind == plimsoll.FormatRPM {
		limit = maxRPMDatabase
	}
	if f.Size() > limit {
		return tooLargeError("file of %d bytes, at most %d are read", f.Size(), limit)
	}
	list, vendors, err := a.parseDatabase(ctx, f.Path, f.SectionReader, remainingPackages(out))
	file := plimsoll.PackageFile{Path: f.Path, Format: kind, Packages: list}
	file.OtherVendors, file.OwnVendor = vendors.others()
	addPackageFile(out, file)
	return err
}

// readLanguageFile reads a program, or a file that lists packages of a language.
func readLanguageFile(ctx context.Context, f analyze.File, out *plimsoll.LayerReport) error {
	m, limit := manifestOf(f.Path), int64(maxExecutable)
	if m != nil {
		limit = m.limit
	}
	if f.Size() > limit {
		return tooLargeError("file of %d bytes, at most %d are read", f.Size(), limit)
	}
	file := plimsoll.PackageFile{Path: f.Path}
	if f.Type == plimsoll.EntryHardlink {
		file.Link = f.Link
	}
	whole := f
	var err error
	if m != nil {
		if !m.binary {
			if f, err = withoutMark(f); err != nil {
				return err
			}
		}
		file.Format, file.LowConfidence = m.format, m.declaredOnly
		file.Packages, err = m.read(ctx, f, remainingPackages(out))
	} else {
		file.Format, file.Packages, err = readExecutable(ctx, f, remainingPackages(out))
	}
	if len(file.Packages) > 0 && !file.Format.OS() && owned.MayBeOwned(f.Path) {
		sums, failed := owned.SumsOf(io.NewSectionReader(whole, 0, whole.Size()))
		if err = cmp.Or(err, failed); failed == nil {
			file.Sums = sums.Prefix()
		}
	}
	addPackageFile(out, file)
	return err
}

// remainingPackages returns how many more packages fit in the report.
func remainingPackages(out *plimsoll.LayerReport) int {
	left := maxPackages
	for i := range out.Packages {
		left -= len(out.Packages[i].Packages)
	}
	return left
}

// addPackageFile adds a file to the report. It replaces an earlier entry of the same path. An empty
// package database is added; a language's file without packages is not.
func addPackageFile(out *plimsoll.LayerReport, file plimsoll.PackageFile) {
	out.Packages = slices.DeleteFunc(out.Packages, func(p plimsoll.PackageFile) bool { return p.Path == file.Path })
	if len(file.Packages) > 0 || databaseFormat(file.Path) != "" {
		out.Packages = append(out.Packages, file)
	}
}

// End implements analyze.Ender. It sorts, so that a report does not depend on the archive's order.
func (Analyzer) End(out *plimsoll.LayerReport) {
	slices.SortFunc(out.Packages, func(a, b plimsoll.PackageFile) int { return strings.Compare(a.Path, b.Path) })
	slices.SortFunc(out.Releases, func(a, b plimsoll.OSRelease) int { return strings.Compare(a.Path, b.Path) })
}

// parseDatabase reads one database. With an error it also returns the packages read before it.
func (a Analyzer) parseDatabase(ctx context.Context, path string, r *io.SectionReader, limit int) (list []plimsoll.Package, vendors vendorList, err error) {
	switch databaseFormat(path) {
	case plimsoll.FormatAPK:
		list, err = parseAPK(r, limit)
	case plimsoll.FormatRPM:
		list, vendors, err = parseRPM(ctx, r, r.Size(), a.deadline, limit)
	default:
		list, vendors, err = parseDpkg(ctx, r, path != dpkgStatus, limit)
	}
	slices.SortFunc(list, plimsoll.Package.Compare)
	return list, vendors, err
}

func tooLargeError(format string, args ...any) error {
	return plimsoll.Fail(plimsoll.FailureOversized, plimsoll.Errorf(plimsoll.TooLarge, "%s", fmt.Sprintf(format, args...)))
}
