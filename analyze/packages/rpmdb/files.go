package rpmdb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// File is a regular file of an installed package, as the header lists it. The slices are valid during
// the call only.
type File struct {
	Package   []byte // name of the package
	Dir, Base []byte // Dir followed by Base is the path; Dir begins and ends with a slash
	Digest    []byte // of the content, hexadecimal
	Algorithm uint32 // of the digest, as OpenPGP numbers them (RFC 9580, section 9.5)
	Config    bool   // people are expected to edit it
}

// The tags of a header that list files (rpm's rpmtag.h), and the types and flags of their values.
const (
	tagFileDigests     = 1035
	tagFileFlags       = 1037
	tagDirIndexes      = 1116
	tagBaseNames       = 1117
	tagDirNames        = 1118
	tagDigestAlgorithm = 5011

	typeStrings = 8

	flagConfig = 1 << 0 // RPMFILE_CONFIG
)

const maxDirs = 1 << 20 // per package; kernel headers have 8,000

// Values of File.Algorithm. MD5 is that of headers without one; packages since 2009 use SHA256.
const (
	MD5    = 1
	SHA256 = 8
)

// ReadFiles calls each for every file with a digest of every package. Directories, links and files that
// a package owns but does not contain (RPMFILE_GHOST) have none. An error of each ends the reading.
func ReadFiles(ctx context.Context, r io.ReaderAt, size int64, each func(File) error) error {
	return forEachHeader(ctx, r, size, func(raw []byte) error { return parseFiles(raw, each) })
}

func parseFiles(raw []byte, each func(File) error) error {
	index, data, err := splitHeader(raw)
	if err != nil {
		return err
	}
	var base, dirs, digests stringList
	var flags, dirIndexes, algorithm uint32List
	var name []byte
	strings := map[uint32]*stringList{tagBaseNames: &base, tagDirNames: &dirs, tagFileDigests: &digests}
	words := map[uint32]*uint32List{tagFileFlags: &flags, tagDirIndexes: &dirIndexes, tagDigestAlgorithm: &algorithm}
	for ; len(index) > 0; index = index[16:] {
		e := parseIndexEntry(index)
		if e.tag == tagName && name == nil {
			name, err = e.text(data)
		} else if list := strings[e.tag]; list != nil {
			*list, err = e.stringList(data)
		} else if list := words[e.tag]; list != nil {
			*list, err = e.uint32List(data)
		}
		if err != nil {
			return fmt.Errorf("list of files, tag %d: %w", e.tag, err)
		}
		delete(strings, e.tag) // each is read once, so that the cost is proportional to the header's length
		delete(words, e.tag)
	}
	if digests.count == 0 {
		return nil // a public key, or a package without files
	}
	if base.count != digests.count || flags.count() != base.count || dirIndexes.count() != base.count {
		return fmt.Errorf("lists of %d names, %d digests, %d flags and %d directories differ in length", base.count, digests.count, flags.count(), dirIndexes.count())
	}
	if dirs.count > maxDirs {
		return fmt.Errorf("files in %d directories, at most %d are read", dirs.count, maxDirs)
	}
	f := File{Package: name, Algorithm: MD5}
	if algorithm.count() > 0 {
		f.Algorithm = algorithm.at(0)
	}
	in := dirs.strings()
	for i := range base.count {
		f.Base, f.Digest, f.Config = base.next(), digests.next(), flags.at(i)&flagConfig != 0
		dir := dirIndexes.at(i)
		if uint64(dir) >= uint64(len(in)) {
			return fmt.Errorf("file in directory %d of %d", dir, len(in))
		}
		if f.Dir = in[dir]; len(f.Digest) == 0 {
			continue
		}
		if err := each(f); err != nil {
			return err
		}
	}
	return nil
}

// indexEntry is an entry of a header's index.
type indexEntry struct{ tag, kind, offset, count uint32 }

func parseIndexEntry(index []byte) indexEntry {
	word := func(i int) uint32 { return binary.BigEndian.Uint32(index[4*i:]) }
	return indexEntry{word(0), word(1), word(2), word(3)}
}

var (
	errOutside = errors.New("outside the header")
	errLong    = fmt.Errorf("string of more than %d bytes", maxText)
)

// stringList is a list of strings in a header, each followed by a zero byte.
type stringList struct {
	data  []byte
	count int
}

// stringList checks that the header contains all strings, so that next cannot fail.
func (e indexEntry) stringList(data []byte) (stringList, error) {
	if e.kind != typeStrings || uint64(e.offset) > uint64(len(data)) {
		return stringList{}, errOutside
	}
	data = data[e.offset:]
	at := 0
	for range e.count {
		n := bytes.IndexByte(data[at:], 0)
		if n < 0 {
			return stringList{}, errOutside
		}
		if n > maxText {
			return stringList{}, errLong
		}
		at += n + 1
	}
	return stringList{data[:at], int(e.count)}, nil
}

// text returns the single string of an entry.
func (e indexEntry) text(data []byte) ([]byte, error) {
	if e.kind != typeString || uint64(e.offset) > uint64(len(data)) {
		return nil, errOutside
	}
	n := bytes.IndexByte(data[e.offset:], 0)
	if n < 0 {
		return nil, errOutside
	}
	if n > maxText {
		return nil, errLong
	}
	return data[e.offset:][:n:n], nil
}

func (t *stringList) next() []byte {
	n := bytes.IndexByte(t.data, 0)
	s := t.data[:n]
	t.data = t.data[n+1:]
	return s
}

func (t stringList) strings() [][]byte {
	out := make([][]byte, t.count)
	for i := range out {
		out[i] = t.next()
	}
	return out
}

// uint32List is a list of 32-bit values in a header.
type uint32List []byte

func (e indexEntry) uint32List(data []byte) (uint32List, error) {
	end := uint64(e.offset) + 4*uint64(e.count)
	if e.kind != typeInt32 || e.count == 0 || end > uint64(len(data)) {
		return nil, errOutside
	}
	return data[e.offset:end], nil
}

func (n uint32List) count() int      { return len(n) / 4 }
func (n uint32List) at(i int) uint32 { return binary.BigEndian.Uint32(n[4*i:]) }
