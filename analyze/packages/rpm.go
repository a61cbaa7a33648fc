package packages

import (
	"context"
	"errors"
	"io"
	"iter"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"plimsoll"
	"plimsoll/analyze/packages/rpmdb"
)

// rpmDirs are the directories of an rpm database, rpmNames its file names as SQLite, ndb and
// Berkeley DB. An image has one rpm database: that of the uppermost layer, and within one layer the first
// of rpmPaths. A distribution that moves the database may leave the old one behind.
var (
	rpmDirs  = [...]string{"usr/lib/sysimage/rpm/", "var/lib/rpm/", "usr/share/rpm/"}
	rpmNames = [...]string{"rpmdb.sqlite", "Packages.db", "Packages"}
)

// rpmPaths yields the paths of rpm databases.
func rpmPaths() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, dir := range rpmDirs {
			for _, name := range rpmNames {
				if !yield(dir + name) {
					return
				}
			}
		}
	}
}

// rpmLog is SQLite's write-ahead log. It contains changes that are not in the database file yet.
const rpmLog = "rpmdb.sqlite-wal"

const maxRPMDatabase = 256 << 20 // bytes; a workstation with 5,000 packages has 150 MiB

// isRPM reports whether a path is one of an rpm database.
func isRPM(path string) bool {
	dir, name := filepath.Split(path)
	return slices.Contains(rpmDirs[:], dir) && slices.Contains(rpmNames[:], name)
}

func isRPMLog(path string) bool {
	dir, name := filepath.Split(path)
	return slices.Contains(rpmDirs[:], dir) && name == rpmLog
}

// parseRPM reads an rpm database of any of the three formats. With an error it also returns the
// packages read before it. A small file can keep SQLite busy, so there is a deadline. It interrupts
// the query; a library that ignores its context would run until its process ends, which is one more
// reason to analyse layers in a child process.
func parseRPM(ctx context.Context, r io.ReaderAt, size int64, deadline time.Duration, limit int) ([]plimsoll.Package, vendorList, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	var list []plimsoll.Package
	vendors := vendorList{}
	err := rpmdb.Read(ctx, r, size, func(p rpmdb.Package) error {
		if len(list) == limit {
			return tooLargeError("database of more than %d packages", limit)
		}
		list = append(list, rpmPackage(p))
		if p.Vendor != "" {
			vendors[p.Name] = p.Vendor
		}
		return nil
	})
	switch {
	case err == nil:
		return list, vendors.byMajority(), nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return list, nil, plimsoll.Fail(plimsoll.FailureTimeout, plimsoll.Errorf(plimsoll.Invalid, "rpm database was not read within %s, %d packages before", deadline, len(list)))
	default:
		return list, nil, plimsoll.Errorf(plimsoll.Invalid, "read rpm database, %d packages before: %w", len(list), err)
	}
}

// rpmPackage writes the version as rpm does, [epoch:]version-release. The file name of a source
// package has no epoch. If its version equals the package's, SourceVersion is empty, so that the
// epoch is the package's too.
func rpmPackage(p rpmdb.Package) plimsoll.Package {
	version := p.Version + "-" + p.Release
	source, sourceVersion := sourceRPM(p.SourceRPM)
	if sourceVersion == version {
		sourceVersion = ""
	}
	if p.Epoch > 0 {
		version = strconv.FormatUint(uint64(p.Epoch), 10) + ":" + version
	}
	return dropEqualSource(plimsoll.Package{
		Name: p.Name, Version: version, Arch: p.Arch, Source: source, SourceVersion: sourceVersion,
	})
}

// sourceRPM splits "bash-5.1.8-4.el9.src.rpm" into name and version-release.
func sourceRPM(file string) (name, version string) {
	base, ok := strings.CutSuffix(file, ".src.rpm")
	if !ok {
		if base, ok = strings.CutSuffix(file, ".nosrc.rpm"); !ok {
			return "", ""
		}
	}
	release := strings.LastIndexByte(base, '-')
	if release <= 0 {
		return "", ""
	}
	at := strings.LastIndexByte(base[:release], '-')
	if at <= 0 {
		return "", ""
	}
	return base[:at], base[at+1:]
}
