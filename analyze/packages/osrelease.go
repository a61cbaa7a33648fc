package packages

import (
	"bufio"
	"io"
	"strings"

	"plimsoll"
)

// maxValue is the maximum length of a value of os-release, in bytes.
const maxValue = 256

// ParseOSRelease reads os-release(5): assignments in shell syntax, one per line. Other lines are
// skipped, as the manual requires; a later assignment replaces an earlier one. It reads at most
// 64 KiB. The error is that of r.
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

// unquoteValue parses one value: bare, in single quotes (without escapes) or in double quotes (a
// backslash escapes " $ ` and itself). It rejects text after the closing quote, control characters
// and values over maxValue.
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
