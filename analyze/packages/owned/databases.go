package owned

import (
	"bufio"
	"bytes"
	"context"
	"crypto/md5"  //nolint:gosec // see Sums
	"crypto/sha1" //nolint:gosec // see Sums
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"plimsoll/analyze/packages/rpmdb"
)

// maxLine is the maximum length of a line, in bytes; a path has at most 4,096.
const maxLine = 8 << 10

// forEachLine calls f for every line, without its end, of at most maxLine bytes. Longer lines are fields
// that are not needed. An error of f ends the reading.
func forEachLine(ctx context.Context, r io.Reader, f func(line []byte) error) error {
	in := bufio.NewReaderSize(r, maxLine)
	inside := false // inside a line that is too long
	for n := 0; ; n++ {
		line, more, err := in.ReadLine()
		if err == io.EOF {
			return nil
		}
		if err == nil && n%1024 == 0 {
			err = ctx.Err()
		}
		if err == nil && !more && !inside {
			err = f(line)
		}
		if err != nil {
			return err
		}
		inside = more
	}
}

// readMD5Sums reads a package's md5sums (deb-md5sums(5)): the digest in hexadecimal, two spaces, and the
// path without a leading slash. It does not list configuration files.
func readMD5Sums(ctx context.Context, path string, r *io.SectionReader, each fileFunc) error {
	var digest [md5.Size]byte
	owner := []byte(packageOfMD5Sums(path))
	return forEachLine(ctx, r, func(line []byte) error {
		const text = 2 * md5.Size
		if len(line) < text+3 || line[text] != ' ' {
			return fmt.Errorf("line of %d bytes is not a digest with a path", len(line))
		}
		if _, err := hex.Decode(digest[:], line[:text]); err != nil {
			return err
		}
		return each(listedFile{owner: owner, base: line[text+2:], algorithm: algorithmMD5, digest: digest[:]})
	})
}

// packageOfMD5Sums returns the name of the package in a path of isMD5Sums: the file name without ".md5sums" and, of a
// package that may be installed for several architectures, without the architecture (dpkg-query(1), "binary:Package").
func packageOfMD5Sums(file string) string {
	name, _, _ := strings.Cut(strings.TrimSuffix(path.Base(file), md5sumsEnd), ":")
	return name
}

// errAlgorithm is an error because a file whose digest cannot be computed may belong to a package.
var errAlgorithm = errors.New("digest of an unknown algorithm")

// readAPK reads the files of an installed database (apk-installed(5)): P: is the name of a package, F: a directory, R: a
// file in it, and Z: after R: its digest, "Q1" for SHA-1 followed by base64. An empty line ends a package.
func readAPK(ctx context.Context, _ string, r *io.SectionReader, each fileFunc) error {
	var owner, dir, base []byte
	var digest [sha1.Size + 1]byte
	return forEachLine(ctx, r, func(line []byte) error {
		if len(line) < 2 || line[1] != ':' {
			owner, dir, base = owner[:0], dir[:0], base[:0]
			return nil
		}
		value := line[2:]
		switch line[0] {
		case 'P':
			owner = append(owner[:0], value...)
		case 'F':
			dir = append(append(dir[:0], value...), '/')
		case 'R':
			base = append(base[:0], value...)
		case 'Z':
			if len(base) == 0 {
				return nil
			}
			text, ok := bytes.CutPrefix(value, []byte("Q1"))
			if !ok {
				return errAlgorithm
			}
			if base64.StdEncoding.DecodedLen(len(text)) > len(digest) {
				return fmt.Errorf("digest of %d bytes", len(text))
			}
			n, err := base64.StdEncoding.Decode(digest[:], text)
			if err != nil || n != sha1.Size {
				return fmt.Errorf("digest of %d bytes: %w", n, err)
			}
			err = each(listedFile{owner, dir, base, algorithmSHA1, digest[:n]})
			base = base[:0]
			return err
		}
		return nil
	})
}

// The directories and file names of rpm's database.
var (
	rpmDirs  = []string{"var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"}
	rpmNames = []string{"rpmdb.sqlite", "Packages.db", "Packages"}
)

func isRPM(p string) bool {
	return slices.Contains(rpmNames, path.Base(p)) && slices.Contains(rpmDirs, path.Dir(p))
}

func readRPM(ctx context.Context, _ string, r *io.SectionReader, each fileFunc) error {
	var digest [sha256.Size]byte
	return rpmdb.ReadFiles(ctx, r, r.Size(), func(f rpmdb.File) error {
		if err := ctx.Err(); err != nil || f.Config { // one header may list millions
			return err
		}
		x := listedFile{owner: f.Package, dir: f.Dir, base: f.Base}
		switch {
		case f.Algorithm == rpmdb.MD5 && len(f.Digest) == 2*md5.Size:
			x.algorithm = algorithmMD5
		case f.Algorithm == rpmdb.SHA256 && len(f.Digest) == 2*sha256.Size:
			x.algorithm = algorithmSHA256
		default:
			return errAlgorithm
		}
		n, err := hex.Decode(digest[:], f.Digest)
		x.digest = digest[:n]
		if err != nil {
			return err
		}
		return each(x)
	})
}
