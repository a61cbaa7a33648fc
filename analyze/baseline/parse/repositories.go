package parse

import (
	"io"
	"slices"
	"strings"

	"plimsoll"
)

// passwordMark is the argument that follows an address from which a password was removed.
const passwordMark = "password-in-address"

// AptSources reads sources.list(5), one-line and deb822 style. Key is "source"; the
// arguments are the address without name and password, then options as "trusted=yes".
func AptSources(r io.Reader) ([]plimsoll.ConfigLine, error) {
	var c lineCollector
	stanza, start := map[string]string{}, 0
	last := ""
	flush := func() error {
		defer func() { clear(stanza); start, last = 0, "" }()
		if stanza["uris"] == "" || stanza["enabled"] == "no" {
			return nil
		}
		var options []string
		for _, name := range [...]string{"trusted", "allow-insecure", "allow-weak", "check-valid-until"} {
			if v := stanza[name]; v != "" {
				options = append(options, name+"="+v)
			}
		}
		if stanza["signed-by"] != "" {
			options = append(options, "signed-by")
		}
		for _, uri := range strings.Fields(stanza["uris"]) {
			if err := addSource(&c, start, uri, options); err != nil {
				return err
			}
		}
		return nil
	}
	err := forEachLine(r, "", func(n int, text string) error {
		first, rest := cutSpace(text)
		switch {
		case strings.TrimSpace(text) == "":
			return flush()
		case text[0] == '#':
			return nil
		case first == "deb" || first == "deb-src" || first == "rpm":
			return addOneLineSource(&c, n, stripComment(rest))
		case text[0] == ' ' || text[0] == '\t':
			stanza[last] = truncateValue(stanza[last] + " " + strings.TrimSpace(text))
			return nil
		}
		name, value, ok := strings.Cut(text, ":")
		if !ok {
			return nil
		}
		if start == 0 {
			start = n
		}
		last = strings.ToLower(strings.TrimSpace(name))
		if len(stanza) < maxWords {
			stanza[last] = strings.TrimSpace(value)
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	return c.list, err
}

func truncateValue(s string) string { return s[:min(len(s), maxLine)] }

func addOneLineSource(c *lineCollector, n int, rest string) error {
	var options []string
	if inside, ok := strings.CutPrefix(rest, "["); ok {
		var given string
		given, rest, _ = strings.Cut(inside, "]")
		for _, o := range strings.Fields(strings.ToLower(given)) {
			if name, _, _ := strings.Cut(o, "="); name == "signed-by" {
				o = name
			}
			options = append(options, o)
		}
	}
	uri, _ := cutSpace(rest)
	if uri == "" {
		return nil
	}
	return addSource(c, n, uri, options)
}

func addSource(c *lineCollector, n int, uri string, options []string) error {
	uri, secret := stripUserinfo(uri)
	if secret {
		options = append(slices.Clip(options), passwordMark)
	}
	return c.addLine(n, "", "source", append([]string{uri}, options...)...)
}

// AptConf reads apt.conf(5). Key is the whole name of an option, in lower case.
func AptConf(r io.Reader) ([]plimsoll.ConfigLine, error) {
	var c lineCollector
	p := aptParser{}
	err := forEachLine(r, "", func(n int, text string) error {
		for _, token := range p.splitTokens(text) {
			switch token {
			case "{":
				if len(p.open) == maxWords {
					return plimsoll.Errorf(plimsoll.Invalid, "more than %d open braces", maxWords)
				}
				p.open = append(p.open, strings.Join(p.words, " "))
				p.words = nil
			case "}":
				if len(p.open) > 0 {
					p.open = p.open[:len(p.open)-1]
				}
				p.words = nil
			case ";":
				if err := p.endStatement(&c, n); err != nil {
					return err
				}
			default:
				if len(p.words) < maxWords {
					p.words = append(p.words, token)
				}
			}
		}
		return nil
	})
	return c.list, err
}

// aptParser is the state between two lines of apt.conf(5): open scopes, the words of the statement so
// far, and whether a comment is open.
type aptParser struct {
	open, words []string
	comment     bool
}

func (p *aptParser) endStatement(c *lineCollector, n int) error {
	defer func() { p.words = nil }()
	if len(p.words) < 2 || strings.HasPrefix(p.words[0], "#") {
		return nil
	}
	name := strings.ToLower(strings.Join(append(slices.Clone(p.open), p.words[0]), "::"))
	value := strings.Join(p.words[1:], " ")
	if strings.Contains(name, "proxy") || isSecretName(name) {
		var secret bool
		if value, secret = stripUserinfo(value); secret {
			return c.addLine(n, "", name, value, passwordMark)
		}
	}
	return c.addLine(n, "", name, value)
}

// splitTokens returns the tokens of a line: words, quoted words without their quotes, braces and
// semicolons. A comment may continue on the next line.
func (p *aptParser) splitTokens(text string) []string {
	var out []string
	for text = strings.TrimLeft(text, " \t"); text != ""; text = strings.TrimLeft(text, " \t") {
		if p.comment {
			_, after, ok := strings.Cut(text, "*/")
			if !ok {
				return out
			}
			p.comment, text = false, after
			continue
		}
		switch {
		case strings.HasPrefix(text, "//") || text[0] == '#' && !strings.HasPrefix(text, "#clear"):
			return out
		case strings.HasPrefix(text, "/*"):
			p.comment, text = true, text[2:]
		case strings.ContainsRune("{};", rune(text[0])):
			out, text = append(out, text[:1]), text[1:]
		case text[0] == '"':
			word, after, _ := strings.Cut(text[1:], `"`)
			out, text = append(out, word), after
		default:
			end := strings.IndexAny(text, " \t{};\"")
			if end < 0 {
				end = len(text)
			}
			out, text = append(out, text[:end]), text[end:]
		}
	}
	return out
}

// Ini reads files of sections (yum and dnf, pip, git) and returns the settings whose name is in keep.
// Scope is the section, key the name, both in lower case. User names and passwords are removed from
// addresses.
func Ini(r io.Reader, keep ...string) ([]plimsoll.ConfigLine, error) {
	var c lineCollector
	section, last := "", ""
	err := forEachLine(r, "", func(n int, text string) error {
		trimmed := strings.TrimSpace(text)
		switch {
		case trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';':
			return nil
		case trimmed[0] == '[':
			section, _, _ = strings.Cut(trimmed[1:], "]")
			section, last = strings.ToLower(strings.TrimSpace(section)), ""
			return nil
		}
		name, value, ok := strings.Cut(trimmed, "=")
		if text[0] == ' ' && last != "" && !ok {
			name, value = last, trimmed
		} else if last = ""; !ok {
			value = "true" // a name without "=" is a switch
		}
		name = strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(keep, name) {
			return nil
		}
		last = name
		for _, one := range strings.Fields(value) {
			one, secret := stripUserinfo(one)
			args := []string{strings.Trim(one, `"`)}
			if secret {
				args = append(args, passwordMark)
			}
			if err := c.addLine(n, section, name, args...); err != nil {
				return err
			}
		}
		return nil
	})
	return c.list, err
}

// HasPassword reports whether a password was removed from an address of a line.
func HasPassword(l plimsoll.ConfigLine) bool { return slices.Contains(l.Args, passwordMark) }

// Switches reads rc files of programs (curl, wget, npm) and returns the settings whose name is in
// keep. Key is the name in lower case.
func Switches(r io.Reader, keep ...string) ([]plimsoll.ConfigLine, error) {
	var c lineCollector
	err := forEachLine(r, "", func(n int, text string) error {
		text = stripComment(text)
		cut := strings.IndexAny(text, " \t=:")
		if cut < 0 {
			cut = len(text)
		}
		name := strings.ToLower(strings.TrimLeft(text[:cut], "-"))
		if !slices.Contains(keep, name) {
			return nil
		}
		return c.addLine(n, "", name, strings.Trim(strings.Trim(text[cut:], " \t=:"), `"'`))
	})
	return c.list, err
}
