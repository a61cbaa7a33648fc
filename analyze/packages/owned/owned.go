package owned

import (
	"bytes"
	"context"
	"crypto/md5"  //nolint:gosec // dpkg has no other
	"crypto/sha1" //nolint:gosec // apk has no other
	"crypto/sha256"
	"errors"
	"hash/maphash"
	"io"
	"slices"
	"strings"
	"time"

	"plimsoll"
)

// Bounds of what is read of one layer. Over one, what packages own in that layer is not known.
const (
	MaxDatabase  = 256 << 20 // bytes of one database
	maxFiles     = 1_000_000 // listed in the databases of one layer; a workstation with 5,000 packages has 500,000
	readDeadline = 10 * time.Second
)

// algorithm tells digests of one length apart.
type algorithm byte

const (
	algorithmMD5    algorithm = 'm'
	algorithmSHA1   algorithm = '1'
	algorithmSHA256 algorithm = '2'
)

// Sums are the digests of one file that databases know files by.
type Sums struct {
	md5    [md5.Size]byte
	sha1   [sha1.Size]byte
	sha256 [sha256.Size]byte
}

// SumsOf reads a file to its end.
func SumsOf(r io.Reader) (Sums, error) {
	m, s1, s2 := md5.New(), sha1.New(), sha256.New() //nolint:gosec // see the imports
	if _, err := io.Copy(io.MultiWriter(m, s1, s2), r); err != nil {
		return Sums{}, err
	}
	return Sums{[md5.Size]byte(m.Sum(nil)), [sha1.Size]byte(s1.Sum(nil)), [sha256.Size]byte(s2.Sum(nil))}, nil
}

// Files collects what the databases of one layer list, as keyed hashes of 64 bits (hash/maphash) of
// the path alone, and of path and digest. It is not safe for concurrent use.
type Files struct {
	seed       maphash.Seed
	keys       []uint64
	sorted     bool
	incomplete bool
	keyBuffer  []byte // of the key that is made, reused
}

// New makes an empty collection.
func New() *Files { return &Files{seed: maphash.MakeSeed()} }

// Wants reports whether a database stands at a path of a layer.
func Wants(path string) bool { return readerOf(path) != nil }

// MarkIncomplete says that some database could not be read: files that no other lists are not known about.
func (f *Files) MarkIncomplete() { f.incomplete = true }

// Read takes what a database lists. One that is malformed, too large or takes too long is given up;
// what came before counts.
func (f *Files) Read(ctx context.Context, path string, r *io.SectionReader) {
	read := readerOf(path)
	if read == nil || r.Size() > MaxDatabase {
		f.MarkIncomplete()
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readDeadline)
	defer cancel()
	if err := read(ctx, r, f.add); err != nil {
		f.MarkIncomplete()
	}
}

// listedFile is what a database says of one file. The slices are valid during the call only.
type listedFile struct {
	dir, base []byte // the path is one behind the other
	algorithm algorithm
	digest    []byte
}

// fileFunc takes a file; an error of it ends the reading.
type fileFunc func(listedFile) error

var errTooMany = errors.New("more files than are read")

// add takes a file, unless it is of configuration: people keep passwords in such, and packages
// deliver them empty or with examples. /etc has nothing else.
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

// normalizePath writes a path in the form that all keys have, to the buffer of keys.
func (f *Files) normalizePath(dir, base []byte) []byte {
	const usr, digest = "usr/", 2 + sha256.Size
	f.keyBuffer = slices.Grow(f.keyBuffer[:0], len(usr)+len(dir)+len(base)+digest)
	f.keyBuffer = append(append(append(f.keyBuffer, usr...), dir...), base...)
	at := len(usr)
	if bytes.HasPrefix(f.keyBuffer[at:], []byte("./")) {
		at++
	}
	for at < len(f.keyBuffer) && f.keyBuffer[at] == '/' {
		at++
	}
	if i := bytes.IndexByte(f.keyBuffer[at:], '/'); i > 0 && isMergedDirectory(string(f.keyBuffer[at:at+i])) {
		at -= copy(f.keyBuffer[at-len(usr):], usr)
	}
	return f.keyBuffer[at:]
}

// isMergedDirectory names the directories that distributions moved below /usr: databases have the old path of a
// file, and layers the new one, or the other way round.
func isMergedDirectory(dir string) bool {
	switch dir {
	case "bin", "sbin", "lib", "lib32", "lib64", "libx32":
		return true
	default:
		return false
	}
}

// digestKey makes the key of a path, which stands in the buffer of keys, with a digest.
func (f *Files) digestKey(path []byte, a algorithm, digest []byte) uint64 {
	return maphash.Bytes(f.seed, append(append(path, 0, byte(a)), digest...))
}

// OwnerOfFile tells whether a package brought a file as it is. Bytecode that Python made of a package's source
// when it was installed is the package's too.
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

// compiledFrom returns the source of a file of bytecode, "" for other files: dir/__pycache__/name.tag.pyc
// is made of dir/name.py (PEP 3147).
func compiledFrom(path string) string {
	dir, name, ok := strings.Cut(path, "/__pycache__/")
	stem, rest, tagged := strings.Cut(name, ".")
	if !ok || !tagged || !strings.HasSuffix(rest, ".pyc") || strings.Contains(name, "/") {
		return ""
	}
	return dir + "/" + stem + ".py"
}

// OwnerOfPath tells whether a package brings a file of this path, whatever is in it: for what was found in
// an archive, as hashing every archive for the few that hold something costs too much.
func (f *Files) OwnerOfPath(path string) plimsoll.Ownership {
	if f.containsKey(maphash.Bytes(f.seed, f.normalizePath(nil, []byte(path)))) {
		return plimsoll.OwnedByPackage
	}
	return f.notListed()
}

func (f *Files) notListed() plimsoll.Ownership {
	if f.incomplete {
		return plimsoll.OwnershipUnknown
	}
	return plimsoll.OwnedByNobody
}

func (f *Files) containsKey(key uint64) bool {
	if !f.sorted {
		slices.Sort(f.keys)
		f.sorted = true
	}
	_, ok := slices.BinarySearch(f.keys, key)
	return ok
}

// readerOf returns what reads a database, nil for other files.
func readerOf(path string) func(context.Context, *io.SectionReader, fileFunc) error {
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

// isMD5Sums takes var/lib/dpkg/info/package.md5sums, and those of images that were composed of
// packages without dpkg (var/lib/dpkg/status.d).
func isMD5Sums(path string) bool {
	name, ok := strings.CutPrefix(path, "var/lib/dpkg/")
	if !ok {
		return false
	}
	dir, name, ok := strings.Cut(name, "/")
	return ok && (dir == "info" || dir == "status.d") && strings.HasSuffix(name, ".md5sums") && !strings.Contains(name, "/")
}
