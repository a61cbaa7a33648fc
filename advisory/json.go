package advisory

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"plimsoll"
)

// maxNesting bounds the nesting of objects and lists in a record.
const maxNesting = 256

// jsonDecoder reads JSON (RFC 8259) member by member. A string without escapes is a
// substring of the input, so decoding allocates little; unused members are checked and
// skipped. After the first error every method returns its zero value.
type jsonDecoder struct {
	s     string
	at    int
	depth int
	err   error
}

// fail records the first error.
func (d *jsonDecoder) fail(what string) {
	if d.err == nil {
		d.err = plimsoll.Errorf(plimsoll.Invalid, "advisory: record is not OSV JSON: %s at byte %d", what, d.at)
	}
}

// peek skips white space and returns the next byte without consuming it; 0 at the end and
// after an error.
func (d *jsonDecoder) peek() byte {
	if d.err != nil {
		return 0
	}
	for ; d.at < len(d.s); d.at++ {
		switch c := d.s[d.at]; c {
		case ' ', '\n', '\r', '\t':
		default:
			return c
		}
	}
	return 0
}

// enter enters an object ('{') or a list ('[') and reports whether it has a member. null
// counts as empty.
func (d *jsonDecoder) enter(bracket byte) bool {
	switch d.peek() {
	case bracket:
	case 'n':
		d.expectLiteral("null")
		return false
	default:
		d.fail("not the type that OSV has here")
		return false
	}
	if d.depth++; d.depth > maxNesting {
		d.fail("nested too deep")
		return false
	}
	d.at++
	if d.peek() == closingBracket(bracket) {
		d.at++
		d.depth--
		return false
	}
	return d.err == nil
}

// more reports whether another member follows, and leaves the object or list if not.
func (d *jsonDecoder) more(bracket byte) bool {
	switch d.peek() {
	case ',':
		d.at++
		return true
	case closingBracket(bracket):
		d.at++
		d.depth--
	default:
		d.fail("neither a comma nor the end")
	}
	return false
}

func closingBracket(bracket byte) byte { return bracket + 2 } // in ASCII, } is { + 2 and ] is [ + 2

// readKey reads the name of a member and the colon after it.
func (d *jsonDecoder) readKey() string {
	name := d.readQuoted()
	if d.peek() != ':' {
		d.fail("no colon")
		return ""
	}
	d.at++
	return name
}

// readString reads a string; null counts as "".
func (d *jsonDecoder) readString() string {
	if d.peek() == 'n' {
		d.expectLiteral("null")
		return ""
	}
	return d.readQuoted()
}

// readQuoted reads a string; null is an error.
func (d *jsonDecoder) readQuoted() string {
	from, escaped := d.scanString()
	if d.err != nil {
		return ""
	}
	if text := d.s[from : d.at-1]; !escaped {
		return text
	}
	return unescape(d.s[from : d.at-1])
}

// scanString consumes a string. Its text is d.s[from : d.at-1]; escaped reports whether the
// text contains escapes.
func (d *jsonDecoder) scanString() (from int, escaped bool) {
	if d.peek() != '"' {
		d.fail("no string")
		return 0, false
	}
	from = d.at + 1
	for i := from; i < len(d.s); i++ {
		switch c := d.s[i]; {
		case c == '"':
			d.at = i + 1
			return from, escaped
		case c == '\\':
			escaped = true
			n := escapeLen(d.s[i:])
			if n == 0 {
				d.fail("wrong escape in a string")
				return from, false
			}
			i += n - 1
		case c < ' ':
			d.fail("control character in a string")
			return from, false
		}
	}
	d.fail("string without end")
	return from, false
}

// escapeLen returns the length of the escape that s begins with, or 0 if it is invalid.
func escapeLen(s string) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := hexUnit(s); ok {
			return 6
		}
	}
	return 0
}

// hexUnit reads the UTF-16 code unit of \uXXXX.
func hexUnit(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	for _, c := range []byte(s[2:6]) {
		if !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	return rune(n), err == nil
}

// unescape resolves escapes that scanString has checked. An unpaired surrogate becomes
// U+FFFD.
func unescape(s string) string {
	out := make([]byte, 0, len(s))
	for s != "" {
		at := strings.IndexByte(s, '\\')
		if at < 0 {
			return string(append(out, s...))
		}
		out = append(out, s[:at]...)
		s = s[at:]
		if s[1] != 'u' {
			out = append(out, escapedByte(s[1]))
			s = s[2:]
			continue
		}
		r, _ := hexUnit(s)
		s = s[6:]
		if utf16.IsSurrogate(r) {
			second, _ := hexUnit(s)
			if r = utf16.DecodeRune(r, second); r != utf8.RuneError {
				s = s[6:]
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

func escapedByte(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	default:
		return c // quote, backslash, slash
	}
}

// skipValue checks a value and skips it.
func (d *jsonDecoder) skipValue() {
	switch c := d.peek(); c {
	case '{':
		for ok := d.enter('{'); ok; ok = d.more('{') {
			d.scanString()
			if d.peek() != ':' {
				d.fail("no colon")
				return
			}
			d.at++
			d.skipValue()
		}
	case '[':
		for ok := d.enter('['); ok; ok = d.more('[') {
			d.skipValue()
		}
	case '"':
		d.scanString()
	case 't':
		d.expectLiteral("true")
	case 'f':
		d.expectLiteral("false")
	case 'n':
		d.expectLiteral("null")
	default:
		d.skipNumber()
	}
}

func (d *jsonDecoder) expectLiteral(w string) {
	if !strings.HasPrefix(d.s[d.at:], w) {
		d.fail("no value")
		return
	}
	d.at += len(w)
}

// skipNumber checks and skips a number: sign, no leading zeros, fraction, exponent.
func (d *jsonDecoder) skipNumber() {
	if d.err != nil {
		return
	}
	d.acceptOneOf("-")
	if !d.acceptOneOf("0") && !d.acceptDigits() {
		d.fail("no value")
		return
	}
	if d.acceptOneOf(".") && !d.acceptDigits() {
		d.fail("wrong number")
		return
	}
	if d.acceptOneOf("eE") {
		d.acceptOneOf("+-")
		if !d.acceptDigits() {
			d.fail("wrong number")
		}
	}
}

// acceptOneOf consumes the next byte if it is in the set.
func (d *jsonDecoder) acceptOneOf(set string) bool {
	if d.at < len(d.s) && strings.IndexByte(set, d.s[d.at]) >= 0 {
		d.at++
		return true
	}
	return false
}

func (d *jsonDecoder) acceptDigits() bool {
	from := d.at
	for d.at < len(d.s) && d.s[d.at] >= '0' && d.s[d.at] <= '9' {
		d.at++
	}
	return d.at > from
}

// expectEnd fails unless only white space is left.
func (d *jsonDecoder) expectEnd() {
	if d.peek(); d.at < len(d.s) {
		d.fail("something after the value")
	}
}
