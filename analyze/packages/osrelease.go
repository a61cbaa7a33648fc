package packages

import (
	"bufio"
	"io"
	"strings"

	"plimsoll"
)

// maxValue bounds one value of os-release, in bytes.
const maxValue = 256

// ParseOSRelease reads os-release(5): assignments a shell would understand, one a line.
// Lines that are none are skipped, as the manual demands of readers; a later assignment
// wins. At most 64 KiB are read. The error is the reader's.
func ParseOSRelease(r io.Reader) (plimsoll.OSRelease, error) {
	var o plimsoll.OSRelease
	lines := bufio.NewScanner(io.LimitReader(r, maxOSRelease))
	lines.Buffer(nil, maxOSRelease+1)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		key, raw, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		value, ok := unquoteValue(raw)
		if !ok {
			continue
		}
		switch key {
		case "ID":
			o.ID = strings.ToLower(value)
		case "ID_LIKE":
			o.IDLike = value
		case "VERSION_ID":
			o.VersionID = value
		case "VERSION_CODENAME":
			o.Codename = value
		case "PRETTY_NAME":
			o.PrettyName = value
		}
	}
	return o, lines.Err()
}

// unquoteValue reads one value: bare, in single quotes (nothing is special) or in double quotes
// (a backslash stands before " $ ` and itself). Text after the closing quote, control
// characters and overlong values are refused.
func unquoteValue(raw string) (string, bool) {
	var out strings.Builder
	quote := byte(0)
	if raw != "" && (raw[0] == '"' || raw[0] == '\'') {
		quote, raw = raw[0], raw[1:]
	}
	closed := quote == 0
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case quote != 0 && c == quote:
			if strings.TrimSpace(raw[i+1:]) != "" {
				return "", false
			}
			closed, i = true, len(raw)
			continue
		case c == '\\' && quote != '\'':
			if i++; i == len(raw) {
				return "", false
			}
			if c = raw[i]; quote == '"' && !strings.ContainsRune("\"$`\\", rune(c)) {
				out.WriteByte('\\')
			}
		case quote == 0 && (c == ' ' || c == '\t'): // a comment, or an error of the writer
			raw = raw[:i]
			continue
		}
		if c < ' ' || c == 0x7f {
			return "", false
		}
		out.WriteByte(c)
	}
	if !closed || out.Len() > maxValue {
		return "", false
	}
	return strings.ToValidUTF8(out.String(), "\uFFFD"), true
}
