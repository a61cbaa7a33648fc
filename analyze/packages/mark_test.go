package packages

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"testing"
	"unicode/utf16"
)

// TestTextWithMark: a mark at the beginning of a text does not change what is read (RFC 8259, section 8.1).
func TestTextWithMark(t *testing.T) {
	text := `{"name":"minimist","version":"0.0.8"}`
	wide := func(order binary.AppendByteOrder, mark string) []byte {
		out := []byte(mark)
		for _, u := range utf16.Encode([]rune(text)) {
			out = order.AppendUint16(out, u)
		}
		return out
	}
	for name, body := range map[string][]byte{
		"none": []byte(text), "UTF-8": []byte("\xef\xbb\xbf" + text),
		"UTF-16LE": wide(binary.LittleEndian, "\xff\xfe"), "UTF-16BE": wide(binary.BigEndian, "\xfe\xff"),
	} {
		r := analyzeFile(t, "app/node_modules/minimist/package.json", string(body))
		if len(r.Failures) > 0 || len(r.Packages) != 1 || r.Packages[0].Packages[0].Version != "0.0.8" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	cut := wide(binary.LittleEndian, "\xff\xfe")
	if r := analyzeFile(t, "app/node_modules/minimist/package.json", string(cut[:len(cut)-1])); len(r.Failures) != 1 {
		t.Errorf("cut in the middle of a character: %+v", r)
	}
}

// TestArchiveBehindScript: a zip is found from its end (APPNOTE.TXT 4.1.9).
func TestArchiveBehindScript(t *testing.T) {
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	w, err := z.Create("META-INF/maven/g/a/pom.properties")
	if err == nil {
		_, err = w.Write([]byte("groupId=g\nartifactId=a\nversion=1\n"))
	}
	if err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		body               string
		packages, failures int
	}{
		"an archive":             {archive.String(), 1, 0},
		"behind a script":        {"#!/bin/sh\nexec java -jar \"$0\"\n" + archive.String(), 1, 0},
		"no archive":             {"a note, not an archive", 0, 0},
		"an archive that is cut": {archive.String()[:archive.Len()-30], 0, 1},
		"an end without archive": {"#!/bin/sh\nPK\x05\x06" + string(make([]byte, 7)) + "\x09" + string(make([]byte, 10)), 0, 1},
	} {
		r := analyzeFile(t, "app/shop.jar", test.body)
		if len(r.Packages) != test.packages || len(r.Failures) != test.failures {
			t.Errorf("%s: packages %v, failures %v", name, r.Packages, r.Failures)
		}
	}
}
