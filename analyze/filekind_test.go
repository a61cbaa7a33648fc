package analyze_test

import (
	"strings"
	"testing"

	"plimsoll/analyze"
	"plimsoll/pathlist"
)

func TestFileKindOf(t *testing.T) {
	for head, want := range map[string]pathlist.Kind{
		"":                                    pathlist.KindEmpty,
		"\x7fELF\x02\x01\x01\x00":             pathlist.KindELF,
		"MZ\x90\x00\x03":                      pathlist.KindPE,
		"MZ is how programs of DOS begin":     pathlist.KindText,
		"#!/bin/sh\n":                         pathlist.KindScript,
		"key = value\n":                       pathlist.KindText,
		"größe":                               pathlist.KindText,
		"gr\xc3":                              pathlist.KindText, // cut inside a rune
		"gr\xc3x":                             pathlist.KindData,
		"a\x00b":                              pathlist.KindData,
		"PK\x03\x04\x14":                      pathlist.KindArchive,
		"\x1f\x8b\x08":                        pathlist.KindArchive,
		strings.Repeat("\x00", 257) + "ustar": pathlist.KindArchive,
		"\xca\xfe\xba\xbe\x00":                pathlist.KindBytecode,
		"\xcb\x0d\x0d\x0a\x00\x00":            pathlist.KindBytecode,
		"ab\r\ncd":                            pathlist.KindText,
		"SQLite format 3\x00\x10":             pathlist.KindDatabase,
		"\x89PNG\r\n\x1a\n\x00":               pathlist.KindPicture,
		"\x01\x02\x03\x04":                    pathlist.KindData,
	} {
		if got := analyze.FileKindOf([]byte(head)); got != want {
			t.Errorf("%.20q is %s, not %s", head, got, want)
		}
	}
}
