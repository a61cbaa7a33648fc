package rpmdb

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// readMaterial reads a file of the shared test material. Its absence fails in CI only.
func readMaterial(t testing.TB, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../../../shared/data", path))
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("no shared test material: %v", err)
	}
	if !strings.HasSuffix(path, ".gz") {
		return raw
	}
	zip, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if raw, err = io.ReadAll(zip); err != nil {
		t.Fatal(err)
	}
	return raw
}

func readPackages(ctx context.Context, raw []byte) ([]Package, error) {
	var list []Package
	err := Read(ctx, bytes.NewReader(raw), int64(len(raw)), func(p Package) error {
		list = append(list, p)
		return nil
	})
	return list, err
}

// TestReal has the counts of "SELECT count(*) FROM Packages" for SQLite, of the index Name or of another
// reader for Berkeley DB and ndb.
func TestReal(t *testing.T) {
	tests := []struct {
		path  string
		count int
		has   Package
	}{
		{"rpmdb/centos7-bdb/Packages.gz", 144, Package{Name: "bind-license", Version: "9.9.4", Release: "61.el7_5.1", Epoch: 32, Arch: "noarch", SourceRPM: "bind-9.9.4-61.el7_5.1.src.rpm"}},
		{"rpmdb/sle15-ndb/Packages.db.gz", 35, Package{Name: "libz1", Version: "1.2.11", Release: "3.21.1", Epoch: 0, Arch: "x86_64", SourceRPM: "zlib-1.2.11-3.21.1.src.rpm"}},
		{"rpmdb/fedora35-sqlite/rpmdb.sqlite.gz", 138, Package{Name: "tar", Version: "1.34", Release: "2.fc35", Epoch: 2, Arch: "x86_64", SourceRPM: "tar-1.34-2.fc35.src.rpm"}},
		{"roots/almalinux-8.8-s390x/var/lib/rpm/Packages", 20, Package{Name: "glibc", Version: "2.28", Release: "225.el8", Epoch: 0, Arch: "s390x", SourceRPM: "glibc-2.28-225.el8.src.rpm"}},
		// Two headers of this one are on their page, not on a chain of others.
		{"roots/almalinux-9.0-arm64/var/lib/rpm/Packages", 22, Package{Name: "basesystem", Version: "11", Release: "13.el9", Epoch: 0, Arch: "noarch", SourceRPM: "basesystem-11-13.el9.src.rpm"}},
		{"roots/almalinux-9.2-arm64/var/lib/rpm/rpmdb.sqlite", 23, Package{Name: "glibc", Version: "2.34", Release: "60.el9", Epoch: 0, Arch: "aarch64", SourceRPM: "glibc-2.34-60.el9.src.rpm"}},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			list, err := readPackages(t.Context(), readMaterial(t, test.path))
			if err != nil {
				t.Fatal(err)
			}
			if len(list) != test.count || !slices.ContainsFunc(list, func(p Package) bool { p.Vendor = ""; return p == test.has }) {
				t.Errorf("%d packages, want %d with %+v", len(list), test.count, test.has)
			}
		})
	}
}

func TestAHostileDatabaseEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	list, err := readPackages(ctx, readMaterial(t, "rpmdb/hostile-never-ends.Packages.gz"))
	if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "not a part of a value") {
		t.Errorf("%d packages, %v", len(list), err)
	}
}

// newHeader returns a header of strings by tag, and an epoch.
func newHeader(texts map[uint32]string, epoch uint32) []byte {
	var index, data []byte
	entry := func(tag, kind uint32) {
		for _, v := range [...]uint32{tag, kind, uint32(len(data)), 1} {
			index = binary.BigEndian.AppendUint32(index, v)
		}
	}
	if epoch > 0 {
		entry(tagEpoch, typeInt32)
		data = binary.BigEndian.AppendUint32(data, epoch)
	}
	for tag := uint32(0); tag < 2000; tag++ {
		if text, ok := texts[tag]; ok {
			entry(tag, typeString)
			data = append(append(data, text...), 0)
		}
	}
	out := binary.BigEndian.AppendUint32(nil, uint32(len(index)/16))
	out = binary.BigEndian.AppendUint32(out, uint32(len(data)))
	return append(append(out, index...), data...)
}

func bashHeader(epoch uint32) ([]byte, Package) {
	return newHeader(map[uint32]string{tagName: "bash", tagVersion: "5", tagRelease: "1", tagArch: "noarch", tagSourceRPM: "bash-5-1.src.rpm"}, epoch),
		Package{Name: "bash", Version: "5", Release: "1", Epoch: epoch, Arch: "noarch", SourceRPM: "bash-5-1.src.rpm"}
}

func TestHeader(t *testing.T) {
	good, want := bashHeader(3)
	if got, err := parseHeader(good); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for name, raw := range map[string][]byte{
		"short": {0, 0, 0}, "cut": good[:len(good)-1],
		"counts": {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"empty":  newHeader(nil, 0),
		"unnamed": newHeader(map[uint32]string{
			tagVersion: "1", tagRelease: "1"}, 0),
		"endless text": newHeader(map[uint32]string{tagName: strings.Repeat("x", maxText), tagVersion: "1", tagRelease: "1"}, 0),
	} {
		if p, err := parseHeader(raw); err == nil {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

const testPage = 512

// hashDB returns a Berkeley DB hash file: metadata, one hash page with one pair, and a chain
// of overflow pages that contains the value.
func hashDB(order binary.ByteOrder, value []byte) []byte {
	const capacity = testPage - pageHeader
	chain := (len(value) + capacity - 1) / capacity
	out := make([]byte, testPage*(2+chain))
	order.PutUint32(out[metaMagic:], hashMagic)
	order.PutUint32(out[metaPageSize:], testPage)
	order.PutUint32(out[metaLastPage:], uint32(1+chain))
	page := out[testPage : 2*testPage]
	page[pageType] = pageHashSorted
	order.PutUint16(page[pageCount:], 2)
	order.PutUint16(page[pageHeader:], testPage-5)    // key: type and 4 bytes
	order.PutUint16(page[pageHeader+2:], testPage-17) // value
	item := page[testPage-17:]
	item[0] = itemOverflow
	order.PutUint32(item[4:], 2)
	order.PutUint32(item[8:], uint32(len(value)))
	for i := range chain {
		page := out[testPage*(2+i) : testPage*(3+i)]
		page[pageType] = pageOverflow
		n := copy(page[pageHeader:], value[i*capacity:])
		order.PutUint16(page[pageLength:], uint16(n))
		if i+1 < chain {
			order.PutUint32(page[pageNext:], uint32(3+i))
		}
	}
	return out
}

func TestHash(t *testing.T) {
	value, want := bashHeader(1)
	value = append(value, make([]byte, 1000)...)
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		list, err := readPackages(t.Context(), hashDB(order, value))
		if diff := cmp.Diff([]Package{want}, list); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
	order := binary.LittleEndian
	for name, change := range map[string]func([]byte){
		"no pages":        func(b []byte) { order.PutUint32(b[metaPageSize:], 0) },
		"odd pages":       func(b []byte) { order.PutUint32(b[metaPageSize:], 513) },
		"too many pages":  func(b []byte) { order.PutUint32(b[metaLastPage:], 1<<31) },
		"odd items":       func(b []byte) { order.PutUint16(b[testPage+pageCount:], 3) },
		"many items":      func(b []byte) { order.PutUint16(b[testPage+pageCount:], 1<<15) },
		"item outside":    func(b []byte) { order.PutUint16(b[testPage+pageHeader+2:], 600) },
		"chain outside":   func(b []byte) { order.PutUint32(b[2*testPage-13:], 99) },
		"value too large": func(b []byte) { order.PutUint32(b[2*testPage-9:], 1<<31) },
		"value cut":       func(b []byte) { order.PutUint32(b[2*testPage+pageNext:], 0) },
		"circle":          func(b []byte) { order.PutUint32(b[2*testPage+pageNext:], 2) },
		"other page":      func(b []byte) { b[2*testPage+pageType] = 13 },
	} {
		raw := hashDB(order, value)
		change(raw)
		if list, err := readPackages(t.Context(), raw); err == nil {
			t.Errorf("%s: %+v", name, list)
		}
	}
}

// ndbFile returns an ndb file of one page of slots and one blob.
func ndbFile(value []byte) []byte {
	out := make([]byte, ndbPage+ndbUnit)
	copy(out, ndbMagic)
	binary.LittleEndian.PutUint32(out[12:], 1)
	for at := ndbSlots; at < ndbPage; at += ndbUnit {
		copy(out[at:], slotMagic)
	}
	binary.LittleEndian.PutUint32(out[ndbSlots+4:], 7)
	binary.LittleEndian.PutUint32(out[ndbSlots+8:], ndbPage/ndbUnit)
	copy(out[ndbPage:], blobMagic)
	binary.LittleEndian.PutUint32(out[ndbPage+4:], 7)
	binary.LittleEndian.PutUint32(out[ndbPage+12:], uint32(len(value)))
	return append(out, value...)
}

func TestNDB(t *testing.T) {
	value, want := bashHeader(0)
	list, err := readPackages(t.Context(), ndbFile(value))
	if diff := cmp.Diff([]Package{want}, list); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for name, change := range map[string]func([]byte){
		"version":      func(b []byte) { b[4] = 1 },
		"no slots":     func(b []byte) { b[12] = 0 },
		"many slots":   func(b []byte) { b[15] = 0xff },
		"not a slot":   func(b []byte) { b[ndbSlots] = 'x' },
		"blob outside": func(b []byte) { b[ndbSlots+10] = 0xff },
		"other blob":   func(b []byte) { b[ndbPage+4] = 8 },
		"huge blob":    func(b []byte) { b[ndbPage+15] = 0xff },
	} {
		raw := ndbFile(value)
		change(raw)
		if list, err := readPackages(t.Context(), raw); err == nil {
			t.Errorf("%s: %+v", name, list)
		}
	}
}

func TestOtherFiles(t *testing.T) {
	if _, err := readPackages(t.Context(), []byte("neither")); !errors.Is(err, ErrNotRPM) {
		t.Error(err)
	}
	if list, err := readPackages(t.Context(), nil); err != nil || list != nil {
		t.Error(list, err)
	}
}

func FuzzRead(f *testing.F) {
	value, _ := bashHeader(1)
	f.Add(hashDB(binary.LittleEndian, value))
	f.Add(hashDB(binary.BigEndian, append(value, make([]byte, 1000)...)))
	f.Add(ndbFile(value))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if isSQLite(raw) {
			return // fuzzed by its authors
		}
		list, _ := readPackages(t.Context(), raw)
		for _, p := range list {
			if p.Name == "" || p.Version == "" || p.Release == "" {
				t.Errorf("%+v", p)
			}
		}
	})
}
