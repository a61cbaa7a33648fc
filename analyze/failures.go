package analyze

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"plimsoll"
)

const (
	maxFailures = 100 // listed on one report
	maxDetail   = 200 // bytes of one detail
)

// AddFailure records a place where an analyzer could not look. The detail may contain bytes of the
// layer: it is cleaned and shortened. After 100 failures one more entry, without a path, reports that there
// are more.
func AddFailure(out *plimsoll.LayerReport, path string, code plimsoll.FailureCode, detail string) {
	switch n := len(out.Failures); {
	case n < maxFailures:
		out.Failures = append(out.Failures, plimsoll.FileFailure{Path: path, Code: code, Detail: cleanDetail(detail)})
	case n == maxFailures:
		out.Failures = append(out.Failures, plimsoll.FileFailure{Code: code, Detail: fmt.Sprintf("more than %d failures, the rest is not listed", maxFailures)})
	}
}

// cleanDetail makes text from a layer safe for a log or a terminal.
func cleanDetail(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) <= maxDetail {
		return s
	}
	s = s[:maxDetail]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + "…"
}
