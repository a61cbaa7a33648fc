package packages

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/scratch"
)

const (
	maxArchive     = 256 << 20 // bytes of one archive, nested or not
	maxNesting     = 5         // archives inside archives
	maxDirectory   = 16 << 20  // bytes read to list one archive's entries
	maxUnpacked    = 1 << 30   // bytes unpacked from one file's nested archives and manifests
	maxJarManifest = 1 << 20   // bytes of one MANIFEST.MF or pom.properties
	nestedInMemory = 4 << 20   // bytes; larger nested archives go to an unlinked file
	maxJarFailures = 3         // maximum errors reported per file
)

var jarExtensions = [...]string{".jar", ".war", ".ear", ".par", ".sar", ".jpi", ".hpi", ".nar"}

func isJar(p string) bool {
	for _, ext := range jarExtensions {
		if len(p) >= len(ext) && strings.EqualFold(p[len(p)-len(ext):], ext) {
			return true
		}
	}
	return false
}

// readJar reads a Java archive and the archives inside it. It does not use osv-scalibr's extractor,
// which links a Maven client and a cloud's credentials into the program, names an unidentified
// archive "unknown", and reports nothing at some of its limits.
//
// The packages of an archive are the Maven modules whose pom.properties it contains: one, or several
// if others were merged into it ("shaded"). Without any, it is identified by its manifest and its
// file name. An archive may follow other bytes, such as a start script; a file without any archive has no packages.
func readJar(ctx context.Context, f analyze.File, limit int) ([]plimsoll.Package, error) {
	if archive, err := looksLikeZip(f); !archive {
		return nil, err
	}
	j := &jarReader{ctx: ctx, bytesLeft: maxUnpacked}
	j.readArchive(f, f.Size(), f.Path, 1)
	list, err := sortAndLimit(j.found, limit)
	return list, errors.Join(append(j.failures, err)...)
}

type jarReader struct {
	ctx       context.Context
	bytesLeft int64 // that may still be unpacked
	found     []plimsoll.Package
	failures  []error
}

func (j *jarReader) addFailure(name string, err error) {
	if len(j.failures) < maxJarFailures {
		j.failures = append(j.failures, fmt.Errorf("%s: %w", name, err))
	}
}

// readArchive adds the packages of one archive and of the archives inside it.
func (j *jarReader) readArchive(r io.ReaderAt, size int64, name string, depth int) {
	directory := &boundedReader{ReaderAt: r, bytesLeft: maxDirectory}
	z, err := zip.NewReader(directory, size)
	if err != nil {
		j.addFailure(name, err)
		return
	}
	directory.bytesLeft = math.MaxInt64 // entries are charged to j.bytesLeft
	var modules []plimsoll.Package
	var manifest jarManifest
	for _, entry := range z.File {
		if err := j.ctx.Err(); err != nil {
			j.addFailure(name, err)
			return
		}
		switch {
		case path.Base(entry.Name) == "pom.properties" && strings.HasPrefix(entry.Name, "META-INF/maven/"):
			if raw, ok := j.readSmall(entry, name); ok {
				if p, ok := packageOfProperties(parseProperties(raw)); ok {
					modules = append(modules, p)
				}
			}
		case strings.EqualFold(entry.Name, "META-INF/MANIFEST.MF"):
			if raw, ok := j.readSmall(entry, name); ok {
				manifest = parseManifest(raw)
			}
		case isJar(entry.Name) && !entry.FileInfo().IsDir():
			j.readNested(entry, name+"/"+entry.Name, depth+1)
		}
	}
	if len(modules) == 0 {
		if p, ok := packageOfManifest(manifest, path.Base(name)); ok {
			modules = append(modules, p)
		}
	}
	j.found = append(j.found, modules...)
}

// readNested reads an archive inside an archive.
func (j *jarReader) readNested(entry *zip.File, name string, depth int) {
	size := int64(entry.UncompressedSize64)
	if depth > maxNesting {
		j.addFailure(name, tooLargeError("archives nested deeper than %d", maxNesting))
		return
	}
	if size < 0 || size > maxArchive || size > j.bytesLeft {
		j.addFailure(name, tooLargeError("nested archive of %d bytes is over the budget", entry.UncompressedSize64))
		return
	}
	j.bytesLeft -= size
	body, err := entry.Open()
	if err != nil {
		j.addFailure(name, err)
		return
	}
	defer body.Close() //nolint:errcheck // read to its end
	if size <= nestedInMemory {
		raw, err := io.ReadAll(io.LimitReader(body, size+1))
		if err != nil {
			j.addFailure(name, err)
			return
		}
		j.readArchive(bytes.NewReader(raw), int64(len(raw)), name, depth)
		return
	}
	file, err := scratch.File()
	if err != nil {
		j.addFailure(name, err)
		return
	}
	defer file.Close() //nolint:errcheck // the file has no name and nothing to flush to
	n, err := io.Copy(file, io.LimitReader(body, size+1))
	if err != nil {
		j.addFailure(name, err)
		return
	}
	j.readArchive(file, n, name, depth)
}

// readSmall reads an entry of at most maxJarManifest bytes. ok is false after a failure.
func (j *jarReader) readSmall(entry *zip.File, name string) ([]byte, bool) {
	if entry.UncompressedSize64 > maxJarManifest || int64(entry.UncompressedSize64) > j.bytesLeft {
		j.addFailure(name+"/"+entry.Name, tooLargeError("entry of %d bytes is over the budget", entry.UncompressedSize64))
		return nil, false
	}
	j.bytesLeft -= int64(entry.UncompressedSize64)
	body, err := entry.Open()
	if err == nil {
		defer body.Close() //nolint:errcheck // read to its end
		var raw []byte
		if raw, err = io.ReadAll(io.LimitReader(body, maxJarManifest)); err == nil {
			return raw, true
		}
	}
	j.addFailure(name+"/"+entry.Name, err)
	return nil, false
}

// boundedReader limits the bytes that listing an archive's entries may read.
type boundedReader struct {
	io.ReaderAt
	bytesLeft int64
}

func (b *boundedReader) ReadAt(p []byte, at int64) (int, error) {
	if b.bytesLeft -= int64(len(p)); b.bytesLeft < 0 {
		return 0, tooLargeError("directory of more than %d bytes", maxDirectory)
	}
	return b.ReaderAt.ReadAt(p, at)
}
