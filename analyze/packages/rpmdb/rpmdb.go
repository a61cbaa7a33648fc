package rpmdb

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Package is an installed package, as its rpm header describes it.
type Package struct {
	Name, Version, Release string
	Epoch                  uint32 // 0 = none, which rpm treats the same
	Arch                   string // "" for public keys, which rpm stores as packages
	SourceRPM              string // file name of the source package
	Vendor                 string // who built it, "" if the header does not say so
}

// ErrNotRPM is the error for a file in none of the formats.
var ErrNotRPM = errors.New("not an rpm database")

// maxHeader is the maximum size of the header of one package, in bytes. rpm itself installs no larger
// one.
const maxHeader = 64 << 20

// Read calls each for every package, in the database's order. An error of each ends the reading. After
// an error the packages passed before it are valid. An empty file is an empty database.
func Read(ctx context.Context, r io.ReaderAt, size int64, each func(Package) error) error {
	return forEachHeader(ctx, r, size, func(raw []byte) error {
		p, err := parseHeader(raw)
		if err != nil {
			return err
		}
		return each(p)
	})
}

// forEachHeader calls each for the header of every package.
func forEachHeader(ctx context.Context, r io.ReaderAt, size int64, each func(raw []byte) error) error {
	if size == 0 {
		return nil
	}
	blob := func(raw []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return each(raw)
	}
	head := make([]byte, min(size, 512))
	if _, err := r.ReadAt(head, 0); err != nil {
		return fmt.Errorf("read the first bytes: %w", err)
	}
	switch {
	case isSQLite(head):
		return readSQLite(ctx, r, size, blob)
	case isNDB(head):
		return readNDB(r, size, blob)
	default:
		if order := hashOrder(head); order != nil {
			return readHash(ctx, r, size, order, blob)
		}
		return ErrNotRPM
	}
}

// The tags of a header that identify the package (rpm's rpmtag.h).
const (
	tagName      = 1000
	tagVersion   = 1001
	tagRelease   = 1002
	tagEpoch     = 1003
	tagVendor    = 1011
	tagArch      = 1022
	tagSourceRPM = 1044
)

// Types of index entries.
const (
	typeInt32  = 4
	typeString = 6
)

// splitHeader returns index and data of a header in a database: two counts, an index of 16 bytes per
// entry, and data, all big-endian (rpm's format manual, "Header structure").
func splitHeader(raw []byte) (index, data []byte, err error) {
	if len(raw) < 8 {
		return nil, nil, fmt.Errorf("header of %d bytes", len(raw))
	}
	entries, length := uint64(binary.BigEndian.Uint32(raw)), uint64(binary.BigEndian.Uint32(raw[4:]))
	if 8+entries*16+length > uint64(len(raw)) {
		return nil, nil, fmt.Errorf("header of %d bytes says it has %d entries and %d bytes of data", len(raw), entries, length)
	}
	return raw[8 : 8+entries*16], raw[8+entries*16 : 8+entries*16+length], nil
}

// parseHeader returns the package of a header.
func parseHeader(raw []byte) (Package, error) {
	var p Package
	index, data, err := splitHeader(raw)
	if err != nil {
		return p, err
	}
	texts := map[uint32]*string{
		tagName: &p.Name, tagVersion: &p.Version, tagRelease: &p.Release, tagArch: &p.Arch, tagSourceRPM: &p.SourceRPM,
		tagVendor: &p.Vendor,
	}
	for ; len(index) > 0; index = index[16:] {
		tag, kind := binary.BigEndian.Uint32(index), binary.BigEndian.Uint32(index[4:])
		offset := uint64(binary.BigEndian.Uint32(index[8:]))
		switch text := texts[tag]; {
		case text != nil && kind == typeString && *text == "":
			s, ok := readCString(data, offset)
			if !ok {
				return p, fmt.Errorf("text of tag %d leads outside the header", tag)
			}
			*text = s
		case tag == tagEpoch && kind == typeInt32:
			if offset+4 > uint64(len(data)) {
				return p, errors.New("epoch leads outside the header")
			}
			p.Epoch = binary.BigEndian.Uint32(data[offset:])
		}
	}
	if p.Name == "" || p.Version == "" || p.Release == "" {
		return p, errors.New("header without name, version or release")
	}
	return p, nil
}

// maxText is the maximum length of a string in a header, in bytes.
const maxText = 4096

// readCString reads a string that ends with a zero byte, at most maxText bytes.
func readCString(data []byte, offset uint64) (string, bool) {
	if offset >= uint64(len(data)) {
		return "", false
	}
	data = data[offset:min(uint64(len(data)), offset+maxText)]
	for i, c := range data {
		if c == 0 {
			return string(data[:i]), true
		}
	}
	return "", false
}
