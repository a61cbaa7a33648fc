package analyze_test

import (
	"strings"
	"testing"

	"plimsoll"
	"plimsoll/analyze"
)

func TestKindOf(t *testing.T) {
	for head, want := range map[string]plimsoll.FileKind{
		"":                                    plimsoll.KindEmpty,
		"\x7fELF\x02\x01\x01\x00":             plimsoll.KindELF,
		"MZ\x90\x00\x03":                      plimsoll.KindPE,
		"MZ is how programs of DOS begin":     plimsoll.KindText,
		"#!/bin/sh\n":                         plimsoll.KindScript,
		"key = value\n":                       plimsoll.KindText,
		"größe":                               plimsoll.KindText,
		"gr\xc3":                              plimsoll.KindText, // cut inside a rune
		"gr\xc3x":                             plimsoll.KindData,
		"a\x00b":                              plimsoll.KindData,
		"PK\x03\x04\x14":                      plimsoll.KindArchive,
		"\x1f\x8b\x08":                        plimsoll.KindArchive,
		strings.Repeat("\x00", 257) + "ustar": plimsoll.KindArchive,
		"\xca\xfe\xba\xbe\x00":                plimsoll.KindBytecode,
		"\xcb\x0d\x0d\x0a\x00\x00":            plimsoll.KindBytecode,
		"ab\r\ncd":                            plimsoll.KindText,
		"SQLite format 3\x00\x10":             plimsoll.KindDatabase,
		"\x89PNG\r\n\x1a\n\x00":               plimsoll.KindPicture,
		"\x01\x02\x03\x04":                    plimsoll.KindData,
	} {
		if got := analyze.KindOf([]byte(head)); got != want {
			t.Errorf("%.20q is %s, not %s", head, got, want)
		}
	}
}
