package parse

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"plimsoll"
)

// Limits per file. In practice the longest common line is a sudoers alias of a few hundred bytes, the
// longest file a sources.list of a few hundred lines.
const (
	maxLine  = 16 << 10 // bytes, continuations included
	maxLines = 10_000   // directives kept per file
	maxWord  = 256      // bytes kept per word
	maxWords = 64       // words kept per directive
)

// forEachLine calls f for every line, without its end, until f returns an error. If mark is not "",
// a line that ends in it continues on the next line; n is the number of the first of them.
func forEachLine(r io.Reader, mark string, f func(n int, text string) error) error {
	in := bufio.NewScanner(r)
	in.Buffer(nil, maxLine)
	n, start, joined := 0, 0, ""
	for in.Scan() {
		n++
		text := strings.TrimSuffix(in.Text(), "\r")
		if joined == "" {
			start = n
		}
		if head, more := strings.CutSuffix(text, mark); mark != "" && more {
			if joined += head + " "; len(joined) > maxLine {
				return plimsoll.Errorf(plimsoll.Invalid, "line %d is longer than %d bytes", start, maxLine)
			}
			continue
		}
		text, joined = joined+text, ""
		if err := f(start, text); err != nil {
			return err
		}
	}
	if err := in.Err(); errors.Is(err, bufio.ErrTooLong) {
		return plimsoll.Errorf(plimsoll.Invalid, "line %d is longer than %d bytes", n+1, maxLine)
	} else if err != nil {
		return err
	}
	if joined != "" {
		return f(start, joined)
	}
	return nil
}

// lineCollector collects at most maxLines directives.
type lineCollector struct{ list []plimsoll.ConfigLine }

func (c *lineCollector) addLine(n int, scope, key string, args ...string) error {
	if len(c.list) == maxLines {
		return plimsoll.Errorf(plimsoll.TooLarge, "more than %d directives", maxLines)
	}
	line := plimsoll.ConfigLine{Line: n, Scope: Truncate(scope), Key: Truncate(key)}
	for _, a := range args[:min(len(args), maxWords)] {
		line.Args = append(line.Args, Truncate(a))
	}
	c.list = append(c.list, line)
	return nil
}

// Truncate cuts a word at 256 bytes and makes it valid UTF-8.
func Truncate(s string) string {
	s = strings.Clone(s[:min(len(s), maxWord)])
	return strings.ToValidUTF8(s, "\uFFFD")
}

// stripComment cuts a line at a "#" that begins a word, and trims it.
func stripComment(text string) string {
	for i := 0; i < len(text); i++ {
		if text[i] == '#' && (i == 0 || text[i-1] == ' ' || text[i-1] == '\t') {
			return strings.TrimSpace(text[:i])
		}
	}
	return strings.TrimSpace(text)
}

// splitWords splits at white space outside double quotes, and removes the quotes.
func splitWords(text string) []string {
	var out []string
	var word strings.Builder
	quoted, open := false, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted, open = !quoted, true
		case (c == ' ' || c == '\t') && !quoted:
			if open {
				out = append(out, word.String())
				word.Reset()
				open = false
			}
		default:
			word.WriteByte(c)
			open = true
		}
	}
	if open {
		out = append(out, word.String())
	}
	return out
}

// stripUserinfo removes user name and password from an address. It reports whether there was a
// password.
func stripUserinfo(address string) (string, bool) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address, false
	}
	host, path, slash := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		secret := strings.Contains(host[:at], ":")
		host = host[at+1:]
		if slash {
			host += "/" + path
		}
		return scheme + "://" + host, secret
	}
	return address, false
}
