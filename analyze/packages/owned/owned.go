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
	MaxDatabase = 256 << 20 // bytes of one database
	maxFiles    = 1_000_000 // listed in the databases of one layer; a workstation with 5,000 packages has 500,000
	deadline    = 10 * time.Second
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
	seed    maphash.Seed
	listed  []uint64
	sorted  bool
	unknown bool
	text    []byte // of the key that is made, reused
}

// New makes an empty collection.
func New() *Files { return &Files{seed: maphash.MakeSeed()} }

// Wants reports whether a database stands at a path of a layer.
func Wants(path string) bool { return readerOf(path) != nil }

// GiveUp says that some database could not be read: files that no other lists are not known about.
func (f *Files) GiveUp() { f.unknown = true }

// Read takes what a database lists. One that is malformed, too large or takes too long is given up;
// what came before counts.
func (f *Files) Read(ctx context.Context, path string, r *io.SectionReader) {
	read := readerOf(path)
	if read == nil || r.Size() > MaxDatabase {
		f.GiveUp()
		return
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	if err := read(ctx, r, f.add); err != nil {
		f.GiveUp()
	}
}

// file is what a database says of one file. The slices are valid during the call only.
type file struct {
	dir, base []byte // the path is one behind the other
	algorithm algorithm
	digest    []byte
}

// each takes a file; an error of it ends the reading.
type each func(file) error

var errTooMany = errors.New("more files than are read")

// add takes a file, unless it is of configuration: people keep passwords in such, and packages
// deliver them empty or with examples. /etc has nothing else.
func (f *Files) add(x file) error {
	if len(f.listed) >= 2*maxFiles {
		return errTooMany
	}
	path := f.path(x.dir, x.base)
	if bytes.HasPrefix(path, []byte("etc/")) {
		return nil
	}
	f.listed = append(f.listed, maphash.Bytes(f.seed, path), f.withDigest(path, x.algorithm, x.digest))
	f.sorted = false
	return nil
}

// path writes a path in the form that all keys have, to the buffer of keys.
func (f *Files) path(dir, base []byte) []byte {
	const usr, digest = "usr/", 2 + sha256.Size
	f.text = slices.Grow(f.text[:0], len(usr)+len(dir)+len(base)+digest)
	f.text = append(append(append(f.text, usr...), dir...), base...)
	at := len(usr)
	if bytes.HasPrefix(f.text[at:], []byte("./")) {
		at++
	}
	for at < len(f.text) && f.text[at] == '/' {
		at++
	}
	if i := bytes.IndexByte(f.text[at:], '/'); i > 0 && merged(string(f.text[at:at+i])) {
		at -= copy(f.text[at-len(usr):], usr)
	}
	return f.text[at:]
}

// merged names the directories that distributions moved below /usr: databases have the old path of a
// file, and layers the new one, or the other way round.
func merged(dir string) bool {
	switch dir {
	case "bin", "sbin", "lib", "lib32", "lib64", "libx32":
		return true
	default:
		return false
	}
}

// withDigest makes the key of a path, which stands in the buffer of keys, with a digest.
func (f *Files) withDigest(path []byte, a algorithm, digest []byte) uint64 {
	return maphash.Bytes(f.seed, append(append(path, 0, byte(a)), digest...))
}

// Of tells whether a package brought a file as it is. Bytecode that Python made of a package's source
// when it was installed is the package's too.
func (f *Files) Of(path string, s Sums) plimsoll.Ownership {
	p := f.path(nil, []byte(path))
	for _, key := range [...]uint64{
		f.withDigest(p, algorithmMD5, s.md5[:]), f.withDigest(p, algorithmSHA1, s.sha1[:]), f.withDigest(p, algorithmSHA256, s.sha256[:]),
	} {
		if f.has(key) {
			return plimsoll.OwnedByPackage
		}
	}
	if source := compiledFrom(path); source != "" {
		return f.Around(source)
	}
	return f.other()
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

// Around tells whether a package brings a file of this path, whatever is in it: for what was found in
// an archive, as hashing every archive for the few that hold something costs too much.
func (f *Files) Around(path string) plimsoll.Ownership {
	if f.has(maphash.Bytes(f.seed, f.path(nil, []byte(path)))) {
		return plimsoll.OwnedByPackage
	}
	return f.other()
}

func (f *Files) other() plimsoll.Ownership {
	if f.unknown {
		return plimsoll.OwnershipUnknown
	}
	return plimsoll.OwnedByNobody
}

func (f *Files) has(key uint64) bool {
	if !f.sorted {
		slices.Sort(f.listed)
		f.sorted = true
	}
	_, ok := slices.BinarySearch(f.listed, key)
	return ok
}

// readerOf returns what reads a database, nil for other files.
func readerOf(path string) func(context.Context, *io.SectionReader, each) error {
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
