package owned

import (
	"bytes"
	"context"
	"crypto/md5"  //nolint:gosec // dpkg uses no other
	"crypto/sha1" //nolint:gosec // apk uses no other
	"crypto/sha256"
	"errors"
	"hash/maphash"
	"io"
	"slices"
	"strings"
	"time"

	"plimsoll"
)

// Limits per layer. Over a limit, a file that no database lists is of unknown owner.
const (
	MaxDatabase  = 256 << 20 // bytes of one database
	maxFiles     = 1_000_000 // in the databases of one layer; a workstation with 5,000 packages has 500,000
	readDeadline = 10 * time.Second
)

// algorithm is the algorithm of a digest, as part of a key.
type algorithm byte

const (
	algorithmMD5    algorithm = 'm'
	algorithmSHA1   algorithm = '1'
	algorithmSHA256 algorithm = '2'
)

// Sums are the digests of one file in the algorithms that databases use.
type Sums struct {
	md5    [md5.Size]byte
	sha1   [sha1.Size]byte
	sha256 [sha256.Size]byte
}

// SumsOf reads a file to its end and returns its digests.
func SumsOf(r io.Reader) (Sums, error) {
	m, s1, s2 := md5.New(), sha1.New(), sha256.New() //nolint:gosec // see the imports
	if _, err := io.Copy(io.MultiWriter(m, s1, s2), r); err != nil {
		return Sums{}, err
	}
	return Sums{[md5.Size]byte(m.Sum(nil)), [sha1.Size]byte(s1.Sum(nil)), [sha256.Size]byte(s2.Sum(nil))}, nil
}

// Files is the set of files that the databases of one layer list. It stores two keys per file, seeded
// hashes of 64 bits (hash/maphash): one of the path, one of path and digest. It is not safe for
// concurrent use.
type Files struct {
	seed       maphash.Seed
	keys       []uint64
	sorted     bool
	incomplete bool
	keyBuffer  []byte // the text of the last key, reused
}

// New returns an empty set.
func New() *Files { return &Files{seed: maphash.MakeSeed()} }

// Wants reports whether a path is that of a database.
func Wants(path string) bool { return readerOf(path) != nil }

// MarkIncomplete records that a database could not be read. The owner of a file that no other database
// lists is then unknown.
func (f *Files) MarkIncomplete() { f.incomplete = true }

// Read adds the files that a database lists. If the database is malformed, too large or takes too long,
// Read keeps the files before that and marks the set as incomplete.
func (f *Files) Read(ctx context.Context, path string, r *io.SectionReader) {
	read := readerOf(path)
	if read == nil || r.Size() > MaxDatabase {
		f.MarkIncomplete()
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readDeadline)
	defer cancel()
	if err := read(ctx, path, r, f.add); err != nil {
		f.MarkIncomplete()
	}
}

// listedFile is a file as a database lists it. The slices are valid during the call only.
type listedFile struct {
	owner     []byte // name of the package
	dir, base []byte // dir followed by base is the path
	algorithm algorithm
	digest    []byte
}

// fileFunc is called for every file of a database. Its error ends the reading.
type fileFunc func(listedFile) error

var errTooMany = errors.New("more files than are read")

// add adds a file unless it is below /etc, which contains configuration only: packages ship such files
// empty or with examples, and people write passwords into them.
func (f *Files) add(x listedFile) error {
	if len(f.keys) >= 2*maxFiles {
		return errTooMany
	}
	path := f.normalizePath(x.dir, x.base)
	if bytes.HasPrefix(path, []byte("etc/")) {
		return nil
	}
	f.keys = append(f.keys, maphash.Bytes(f.seed, path), f.digestKey(path, x.algorithm, x.digest))
	f.sorted = false
	return nil
}

// normalizePath writes a path to keyBuffer, in the form that all keys use, and returns it.
func (f *Files) normalizePath(dir, base []byte) (path []byte) {
	f.keyBuffer, path = appendNormalized(f.keyBuffer, dir, base)
	return path
}

// appendNormalized writes a path to a buffer and returns both: without a leading slash or "./", and with usr/ before a
// merged directory. A digest can be appended to the path without another allocation.
func appendNormalized(buffer, dir, base []byte) (grown, path []byte) {
	const usr, digest = "usr/", 2 + sha256.Size
	buffer = slices.Grow(buffer[:0], len(usr)+len(dir)+len(base)+digest)
	buffer = append(append(append(buffer, usr...), dir...), base...)
	at := len(usr)
	if bytes.HasPrefix(buffer[at:], []byte("./")) {
		at++
	}
	for at < len(buffer) && buffer[at] == '/' {
		at++
	}
	if i := bytes.IndexByte(buffer[at:], '/'); i > 0 && isMergedDirectory(string(buffer[at:at+i])) {
		at -= copy(buffer[at-len(usr):], usr)
	}
	return buffer, buffer[at:]
}

// NormalizePath returns the form in which paths of files and of databases are compared: without a leading slash, and
// with usr/ before a directory that distributions moved below /usr.
func NormalizePath(path string) string {
	_, normal := appendNormalized(nil, nil, []byte(path))
	return string(normal)
}

// isMergedDirectory reports whether distributions moved a directory below /usr. A database may contain
// the old path of a file and the layer the new one, or the other way round.
func isMergedDirectory(dir string) bool {
	switch dir {
	case "bin", "sbin", "lib", "lib32", "lib64", "libx32":
		return true
	default:
		return false
	}
}

// digestKey returns the key of a digest and a path, which must be the result of normalizePath.
func (f *Files) digestKey(path []byte, a algorithm, digest []byte) uint64 {
	return maphash.Bytes(f.seed, append(append(path, 0, byte(a)), digest...))
}

// OwnerOfFile reports whether a package owns the file at a path with these digests. A package also owns
// the bytecode that Python compiled from its sources during installation.
func (f *Files) OwnerOfFile(path string, s Sums) plimsoll.Ownership {
	p := f.normalizePath(nil, []byte(path))
	for _, key := range [...]uint64{
		f.digestKey(p, algorithmMD5, s.md5[:]), f.digestKey(p, algorithmSHA1, s.sha1[:]), f.digestKey(p, algorithmSHA256, s.sha256[:]),
	} {
		if f.containsKey(key) {
			return plimsoll.OwnedByPackage
		}
	}
	if source := compiledFrom(path); source != "" {
		return f.OwnerOfPath(source)
	}
	return f.notListed()
}

// compiledFrom returns the source of a bytecode file, "" for other files: dir/__pycache__/name.tag.pyc
// is compiled from dir/name.py (PEP 3147).
func compiledFrom(path string) string {
	dir, name, ok := strings.Cut(path, "/__pycache__/")
	stem, rest, tagged := strings.Cut(name, ".")
	if !ok || !tagged || !strings.HasSuffix(rest, ".pyc") || strings.Contains(name, "/") {
		return ""
	}
	return dir + "/" + stem + ".py"
}

// OwnerOfPath reports whether a package lists a file at a path, regardless of its content. It serves
// findings inside archives: hashing every archive for the few with findings would cost too much.
func (f *Files) OwnerOfPath(path string) plimsoll.Ownership {
	if f.containsKey(maphash.Bytes(f.seed, f.normalizePath(nil, []byte(path)))) {
		return plimsoll.OwnedByPackage
	}
	return f.notListed()
}

// notListed returns the owner of a file that no database lists.
func (f *Files) notListed() plimsoll.Ownership {
	if f.incomplete {
		return plimsoll.OwnershipUnknown
	}
	return plimsoll.OwnedByNone
}

func (f *Files) containsKey(key uint64) bool {
	if !f.sorted {
		slices.Sort(f.keys)
		f.sorted = true
	}
	_, ok := slices.BinarySearch(f.keys, key)
	return ok
}

// databaseReader reads the database at a path.
type databaseReader func(ctx context.Context, path string, r *io.SectionReader, each fileFunc) error

// readerOf returns the function that reads the database at a path, nil for other files.
func readerOf(path string) databaseReader {
	switch {
	case path == "lib/apk/db/installed", path == "usr/lib/apk/db/installed":
		return readAPK
	case isMD5Sums(path):
		return readMD5Sums
	case isRPM(path):
		return readRPM
	default:
		return nil
	}
}

const md5sumsEnd = ".md5sums"

// isMD5Sums matches var/lib/dpkg/info/package.md5sums, and var/lib/dpkg/status.d/package.md5sums of
// images built without dpkg.
func isMD5Sums(path string) bool {
	name, ok := strings.CutPrefix(path, "var/lib/dpkg/")
	if !ok {
		return false
	}
	dir, name, ok := strings.Cut(name, "/")
	return ok && (dir == "info" || dir == "status.d") && strings.HasSuffix(name, md5sumsEnd) && !strings.Contains(name, "/")
}
