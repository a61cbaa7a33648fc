package rpmdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// headerList is the value of one tag of a header: strings or numbers.
type headerList struct {
	tag     uint32
	strings []string
	numbers []uint32
}

func headerOf(lists ...headerList) []byte {
	var index, data []byte
	for _, l := range lists {
		kind, count := uint32(typeInt32), len(l.numbers)
		if l.strings != nil {
			kind, count = typeStrings, len(l.strings)
		}
		for _, v := range [...]uint32{l.tag, kind, uint32(len(data)), uint32(count)} {
			index = binary.BigEndian.AppendUint32(index, v)
		}
		for _, s := range l.strings {
			data = append(append(data, s...), 0)
		}
		for _, n := range l.numbers {
			data = binary.BigEndian.AppendUint32(data, n)
		}
	}
	out := binary.BigEndian.AppendUint32(nil, uint32(len(index)/16))
	out = binary.BigEndian.AppendUint32(out, uint32(len(data)))
	return append(append(out, index...), data...)
}

func nginxLists() []headerList {
	return []headerList{
		{tag: tagFileDigests, strings: []string{"aa", "", "bb"}},
		{tag: tagFileFlags, numbers: []uint32{0, 0, flagConfig}},
		{tag: tagDirIndexes, numbers: []uint32{1, 0, 0}},
		{tag: tagBaseNames, strings: []string{"nginx", "nginx", "nginx.conf"}},
		{tag: tagDirNames, strings: []string{"/etc/nginx/", "/usr/sbin/"}},
		{tag: tagDigestAlgorithm, numbers: []uint32{SHA256}},
	}
}

func filesOf(raw []byte) (out []string, err error) {
	err = parseFiles(raw, func(f File) error {
		out = append(out, fmt.Sprintf("%s%s %s %d %v", f.Dir, f.Base, f.Digest, f.Algorithm, f.Config))
		return nil
	})
	return out, err
}

func TestFiles(t *testing.T) {
	got, err := filesOf(headerOf(nginxLists()...))
	if diff := cmp.Diff([]string{"/usr/sbin/nginx aa 8 false", "/etc/nginx/nginx.conf bb 8 true"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if got, err = filesOf(headerOf(nginxLists()[:5]...)); err != nil || got[0] != "/usr/sbin/nginx aa 1 false" {
		t.Errorf("without an algorithm %q, %v", got, err)
	}
	if got, err = filesOf(headerOf()); err != nil || got != nil {
		t.Errorf("a key has files: %q, %v", got, err)
	}
	for i := range 6 {
		for name, change := range map[string]func(*headerList){
			"fewer": func(l *headerList) {
				l.strings, l.numbers = l.strings[:max(0, len(l.strings)-1)], l.numbers[:max(0, len(l.numbers)-1)]
			},
			"of another type": func(l *headerList) {
				if l.strings != nil {
					l.strings, l.numbers = nil, make([]uint32, len(l.strings))
				} else {
					l.strings, l.numbers = make([]string, len(l.numbers)), nil
				}
			},
		} {
			lists := nginxLists()
			change(&lists[i])
			if got, err := filesOf(headerOf(lists...)); err == nil {
				t.Errorf("%s, list %d: %q", name, i, got)
			}
		}
	}
	long := nginxLists()
	long[3].strings[0] = strings.Repeat("x", maxText+1)
	if _, err := filesOf(headerOf(long...)); !errors.Is(err, errLong) {
		t.Error(err)
	}
	many := nginxLists()
	many[4].strings = append(many[4].strings, strings.Split(strings.Repeat("/", maxDirs), "/")...)
	if _, err := filesOf(headerOf(many...)); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Error(err)
	}
}

// TestAListIsReadOnce: the cost of reading is proportional to the header's length, whatever its index
// contains.
func TestAListIsReadOnce(t *testing.T) {
	lists := nginxLists()
	lists = append(lists, headerList{tag: tagBaseNames, strings: []string{"other", "other", "other"}})
	if got, err := filesOf(headerOf(lists...)); err != nil || !strings.HasPrefix(got[0], "/usr/sbin/nginx ") {
		t.Errorf("%q, %v", got, err)
	}
}

// TestRealFiles has the counts of another program that reads headers from SQLite and ndb.
func TestRealFiles(t *testing.T) {
	for _, test := range []struct {
		path          string
		files, config int
		has           string
	}{
		{"rpmdb/fedora35-sqlite/rpmdb.sqlite.gz", 7738, 99, "/usr/lib/os-release 4f8a90f99ec2b79389c01e20015691212c7f47a00c797ed473a960fa5f78b73d 8"},
		{"rpmdb/sle15-ndb/Packages.db.gz", 1076, 14, "/usr/bin/bash 42ead4d7798801b3cc71356b36d428e36a14bd03896305f3e9c9b6932a19ef73 8"},
		{"roots/almalinux-9.2-arm64/var/lib/rpm/rpmdb.sqlite", 2362, 49, "/usr/lib/os-release b9b08344ee9dc9e73e1fddd282889d7d715a41b53f32506dbe5a15176c887d2e 8"},
	} {
		t.Run(test.path, func(t *testing.T) {
			raw := readMaterial(t, test.path)
			files, config, has := 0, 0, false
			err := ReadFiles(t.Context(), bytes.NewReader(raw), int64(len(raw)), func(f File) error {
				files++
				if f.Config {
					config++
				}
				has = has || fmt.Sprintf("%s%s %s %d", f.Dir, f.Base, f.Digest, f.Algorithm) == test.has
				return nil
			})
			if err != nil || files != test.files || config != test.config || !has {
				t.Errorf("%d files, %d of configuration, has %v: %v", files, config, has, err)
			}
		})
	}
}

func FuzzFiles(f *testing.F) {
	f.Add(headerOf(nginxLists()...))
	f.Add(headerOf())
	f.Fuzz(func(t *testing.T, raw []byte) {
		found, err := filesOf(raw)
		if len(found) > len(raw) {
			t.Errorf("%d files of %d bytes, %v", len(found), len(raw), err)
		}
	})
}
