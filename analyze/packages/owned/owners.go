package owned

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"slices"
	"strings"

	"plimsoll"
)

// maxOwned is how many files with their owners are kept of one layer. A Debian with 4,000 packages has 20,000 from which
// packages of languages could be read.
const maxOwned = 100_000

// Owners collects, of the files that databases of one layer list, those that the caller wants, with the name of the
// package and the first bytes of the digest. It is not safe for concurrent use.
type Owners struct {
	wants  func(path string) bool
	groups []plimsoll.OwnedFiles
	files  int
	buffer []byte
}

// NewOwners returns an empty collection. wants reports whether a path, in the form of NormalizePath, is collected; it is
// called for every file of a package.
func NewOwners(wants func(path string) bool) *Owners { return &Owners{wants: wants} }

// Read adds the files that a database lists. It replaces what was read from the same path before. A database that is
// malformed, too large or takes too long keeps the files before that; the others then have no owner, so that they are
// judged as files that nobody installed.
func (o *Owners) Read(ctx context.Context, path string, r *io.SectionReader) {
	o.Forget(path)
	read := readerOf(path)
	if read == nil || r.Size() > MaxDatabase {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readDeadline)
	defer cancel()
	group := plimsoll.OwnedFiles{Database: path, Format: formatOf(path)}
	listed := 0
	_ = read(ctx, path, r, func(x listedFile) error { // an error ends the list, see above
		if listed++; listed > maxFiles {
			return errTooMany
		}
		var normal []byte
		if o.buffer, normal = appendNormalized(o.buffer, x.dir, x.base); hasCommonEnd(normal) || len(x.owner) == 0 {
			return nil
		}
		name := string(normal)
		if !o.wants(name) {
			return nil
		}
		if o.files++; o.files > maxOwned {
			return errTooMany
		}
		if algorithm := sumAlgorithm(x.algorithm); group.Package != string(x.owner) || group.Algorithm != algorithm {
			o.add(group)
			group.Package, group.Algorithm, group.Files = string(x.owner), algorithm, nil
		}
		group.Files = append(group.Files, plimsoll.OwnedFile{Path: name, Sum: slices.Clone(x.digest[:plimsoll.FileSum])})
		return nil
	})
	o.add(group)
}

func (o *Owners) add(group plimsoll.OwnedFiles) {
	if len(group.Files) > 0 {
		o.groups = append(o.groups, group)
	}
}

// Forget drops what was read from a database.
func (o *Owners) Forget(database string) {
	o.groups = slices.DeleteFunc(o.groups, func(g plimsoll.OwnedFiles) bool {
		if g.Database == database {
			o.files -= len(g.Files)
		}
		return g.Database == database
	})
}

// Files returns the collected files that keep accepts, by database and package, then path.
func (o *Owners) Files(keep func(path string) bool) []plimsoll.OwnedFiles {
	var out []plimsoll.OwnedFiles
	for _, g := range o.groups {
		g.Files = slices.DeleteFunc(slices.Clone(g.Files), func(f plimsoll.OwnedFile) bool { return !keep(f.Path) })
		slices.SortFunc(g.Files, func(a, b plimsoll.OwnedFile) int { return strings.Compare(a.Path, b.Path) })
		if len(g.Files) > 0 {
			out = append(out, g)
		}
	}
	slices.SortStableFunc(out, func(a, b plimsoll.OwnedFiles) int {
		return cmp.Or(strings.Compare(a.Database, b.Database), strings.Compare(a.Package, b.Package))
	})
	return out
}

// commonEnds are the ends of most files of distributions. No packages of languages are read from such files, so their
// paths need no closer look.
var commonEnds = map[string]bool{
	".py": true, ".pyc": true, ".pyi": true, ".pm": true, ".pl": true, ".rb": true, ".js": true, ".ts": true, ".mjs": true, ".cjs": true,
	".map": true, ".h": true, ".hpp": true, ".c": true, ".a": true, ".o": true, ".gz": true, ".xz": true, ".mo": true, ".po": true,
	".html": true, ".css": true, ".md": true, ".rst": true, ".txt": true, ".png": true, ".svg": true, ".xml": true, ".list": true,
	".service": true, ".conf": true, ".sh": true, ".vim": true, ".el": true, ".tcl": true,
}

// hasCommonEnd is a fast first check of a path.
func hasCommonEnd(path []byte) bool {
	at := bytes.LastIndexByte(path, '.')
	return at >= 0 && commonEnds[string(path[at:])]
}

func sumAlgorithm(a algorithm) plimsoll.SumAlgorithm {
	switch a {
	case algorithmSHA1:
		return plimsoll.SumSHA1
	case algorithmSHA256:
		return plimsoll.SumSHA256
	default:
		return plimsoll.SumMD5
	}
}

// formatOf returns the format of the package database that belongs to a database of files.
func formatOf(path string) plimsoll.PackageFormat {
	switch {
	case isMD5Sums(path):
		return plimsoll.FormatDpkg
	case isRPM(path):
		return plimsoll.FormatRPM
	default:
		return plimsoll.FormatAPK
	}
}

// Prefix returns the first FileSum bytes of each digest: MD5, SHA-1, SHA-256.
func (s Sums) Prefix() []byte {
	const n = plimsoll.FileSum
	return slices.Concat(s.md5[:n], s.sha1[:n], s.sha256[:n])
}

// PrefixOf returns the part of Prefix for one algorithm, nil if there is none.
func PrefixOf(prefix []byte, a plimsoll.SumAlgorithm) []byte {
	const n = plimsoll.FileSum
	at := slices.Index([]plimsoll.SumAlgorithm{plimsoll.SumMD5, plimsoll.SumSHA1, plimsoll.SumSHA256}, a)
	if at < 0 || len(prefix) != 3*n {
		return nil
	}
	return prefix[at*n : at*n+n]
}

// neverPackaged are directories below which no distribution installs files (Filesystem Hierarchy Standard 3.0; Debian
// Policy, section 9.1): what is there belongs to the image's author. Files are not hashed for their sake.
var neverPackaged = [...]string{"app/", "home/", "media/", "mnt/", "root/", "srv/", "tmp/", "usr/local/", "var/tmp/"}

// MayBeOwned reports whether an operating system package may have installed the file at a path.
func MayBeOwned(path string) bool {
	return strings.Contains(path, "/") && !slices.ContainsFunc(neverPackaged[:], func(dir string) bool { return strings.HasPrefix(path, dir) })
}
