package match_test

import (
	"database/sql"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"plimsoll"
)

// rpm reads the rpm database of a root: SQLite, or Berkeley DB of either byte order.
// It is a reader of its own, so that the analyzer's is not proven by itself.
func rpm(t testing.TB, root, ecosystem string) []plimsoll.Package {
	t.Helper()
	dir := filepath.Join(root, "var/lib/rpm")
	blobs := sqliteHeaders
	path := filepath.Join(dir, "rpmdb.sqlite")
	if _, err := os.Stat(path); err != nil {
		path, blobs = filepath.Join(dir, "Packages"), berkeleyHeaders
	}
	var out []plimsoll.Package
	for _, blob := range blobs(t, path) {
		tags := rpmHeader(blob)
		if tags[tagName] == "gpg-pubkey" {
			continue
		}
		out = append(out, plimsoll.Package{
			Ecosystem: ecosystem, Name: tags[tagName], Arch: tags[tagArch],
			Version: fmt.Sprintf("%s:%s-%s", epochOf(tags), tags[tagVersion], tags[tagRelease]),
			Source:  strings.TrimSuffix(tags[tagSource], fmt.Sprintf("-%s-%s.src.rpm", tags[tagVersion], tags[tagRelease])),
		})
	}
	return out
}

func epochOf(tags map[uint32]string) string {
	if e := tags[tagEpoch]; e != "" {
		return e
	}
	return "0"
}

// Tags of an rpm header (rpmtag.h).
const (
	tagName    = 1000
	tagVersion = 1001
	tagRelease = 1002
	tagEpoch   = 1003
	tagArch    = 1022
	tagSource  = 1044
)

// rpmHeader reads strings and single numbers of a header as databases hold it: counts
// of entries and bytes, entries of (tag, type, offset, count), data; big-endian.
func rpmHeader(blob []byte) map[uint32]string {
	out := map[uint32]string{}
	if len(blob) < 8 {
		return out
	}
	entries := int(binary.BigEndian.Uint32(blob))
	data := blob[8+16*entries:]
	for i := range entries {
		e := blob[8+16*i:]
		value := data[binary.BigEndian.Uint32(e[8:]):]
		switch binary.BigEndian.Uint32(e[4:]) {
		case 4: // INT32
			out[binary.BigEndian.Uint32(e)] = fmt.Sprint(binary.BigEndian.Uint32(value))
		case 6: // STRING
			text, _, _ := strings.Cut(string(value[:min(len(value), 256)]), "\x00")
			out[binary.BigEndian.Uint32(e)] = text
		}
	}
	return out
}

func sqliteHeaders(t testing.TB, path string) (out [][]byte) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro&immutable=1")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT blob FROM Packages`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var blob []byte
		if err := rows.Scan(&blob); err != nil {
			t.Fatal(err)
		}
		out = append(out, blob)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// berkeleyHeaders reads the values of a hash database that stand on overflow pages; rpm
// headers are always that long. (Berkeley DB's db_page.h.)
func berkeleyHeaders(t testing.TB, path string) (out [][]byte) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var order binary.ByteOrder = binary.LittleEndian
	if order.Uint32(raw[12:]) != 0x061561 {
		order = binary.BigEndian
	}
	size := int(order.Uint32(raw[20:]))
	page := func(n int) []byte { return raw[n*size : (n+1)*size] }
	for n := 1; (n+1)*size <= len(raw); n++ {
		p := page(n)
		if p[25] != 13 && p[25] != 2 { // a page of the hash, sorted or not
			continue
		}
		for i := 1; i < int(order.Uint16(p[20:])); i += 2 { // keys and values take turns
			item := p[order.Uint16(p[26+2*i:]):]
			if item[0] != 3 { // on other pages
				continue
			}
			next, left := int(order.Uint32(item[4:])), int(order.Uint32(item[8:]))
			var blob []byte
			for left > len(blob) {
				o := page(next)
				blob = append(blob, o[26:26+int(order.Uint16(o[22:]))]...)
				next = int(order.Uint32(o[16:]))
			}
			out = append(out, blob)
		}
	}
	return out
}
