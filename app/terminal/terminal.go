// Package terminal makes text from images, registries and advisories safe to show: no character of it can move the
// cursor, change colours or turn the writing direction.
package terminal

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Printable replaces each hostile character and each invalid byte with "?", and line breaks and tabs with spaces.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if IsHostile(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, s)
}

// IsHostile reports whether a character moves the cursor, changes the writing direction or is invisible.
func IsHostile(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7f
	}
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// EscapeJSON replaces the hostile characters that encoding/json leaves as they are with \u escapes, so that programs
// read the same text. Outside of strings JSON has none of them but line breaks, which stay.
func EscapeJSON(raw []byte) []byte {
	out := make([]byte, 0, len(raw)+len(raw)/16)
	for len(raw) > 0 {
		plain := bytes.IndexFunc(raw, func(r rune) bool { return r != '\n' && IsHostile(r) })
		if plain < 0 {
			return append(out, raw...)
		}
		out = append(out, raw[:plain]...)
		r, size := utf8.DecodeRune(raw[plain:])
		if raw = raw[plain+size:]; r > 0xffff {
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		} else {
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// FirstFew joins the first few items of a list, and says how many more there are.
func FirstFew(items []string) string {
	const shown = 3
	if len(items) <= shown {
		return strings.Join(items, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(items[:shown], ", "), len(items)-shown)
}
