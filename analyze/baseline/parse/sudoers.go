package parse

import (
	"io"
	"slices"
	"strings"

	"plimsoll"
)

// Sudoers reads sudoers(5). Keys:
//
//	defaults  argument: one setting, "!env_reset"; scope: the users, hosts or commands, "" = all
//	alias     scope: the kind, "Cmnd_Alias"; arguments: name, members
//	grant     scope: the user; arguments: run as, tags separated by commas, command
//
// A command is its path, followed by " *" if its arguments contain a wildcard.
func Sudoers(r io.Reader) ([]plimsoll.ConfigLine, error) {
	var c lineCollector
	err := forEachLine(r, "\\", func(n int, text string) error {
		text = strings.TrimSpace(text)
		if strings.HasPrefix(text, "#include") || strings.HasPrefix(text, "@include") {
			return nil
		}
		if strings.HasPrefix(text, "#") && (len(text) < 2 || text[1] < '0' || text[1] > '9') {
			return nil
		}
		if !strings.HasPrefix(text, "#") {
			text = stripComment(text)
		}
		first, rest := cutSpace(text)
		switch {
		case text == "" || rest == "":
			return nil
		case strings.HasPrefix(first, "Defaults"):
			for _, setting := range splitList(rest, ',') {
				if err := c.addLine(n, first[len("Defaults"):], "defaults", stripSecretValue(setting)); err != nil {
					return err
				}
			}
			return nil
		case strings.HasSuffix(first, "_Alias"):
			return addAliases(&c, n, first, rest)
		default:
			return addGrants(&c, n, text)
		}
	})
	return c.list, err
}

func stripSecretValue(setting string) string {
	if name, _, ok := strings.Cut(setting, "="); ok && isSecretName(name) {
		return name
	}
	return setting
}

func addAliases(c *lineCollector, n int, kind, rest string) error {
	for _, one := range splitList(rest, ':') {
		name, members, _ := strings.Cut(one, "=")
		list := splitList(members, ',')
		if kind == "Cmnd_Alias" {
			for i := range list {
				list[i] = commandPath(list[i])
			}
		}
		if err := c.addLine(n, kind, "alias", append([]string{strings.TrimSpace(name)}, list...)...); err != nil {
			return err
		}
	}
	return nil
}

// addGrants reads "who host = (runas) TAG: command, command : host = …".
func addGrants(c *lineCollector, n int, text string) error {
	left, _, ok := strings.Cut(text, "=")
	if !ok {
		return nil
	}
	fields := strings.Fields(left)
	if len(fields) == 0 {
		return nil
	}
	who := fields[0]
	for _, spec := range splitList(strings.TrimSpace(strings.TrimPrefix(text, who)), ':') {
		_, commands, ok := strings.Cut(spec, "=")
		if !ok {
			commands = spec // the part after a tag's colon
		}
		runas, tags := "", ""
		for _, one := range splitList(commands, ',') {
			if strings.HasPrefix(one, "(") {
				inside, after, _ := strings.Cut(one[1:], ")")
				runas, one = strings.TrimSpace(inside), strings.TrimSpace(after)
			}
			for {
				tag, after, found := strings.Cut(one, tagEnd)
				if !found || !isTag(strings.TrimSpace(tag)) {
					break
				}
				tags = addTag(tags, strings.TrimSpace(tag))
				one = strings.TrimSpace(after)
			}
			if one == "" {
				continue
			}
			if err := c.addLine(n, who, "grant", runas, tags, commandPath(one)); err != nil {
				return err
			}
		}
	}
	return nil
}

// addTag adds a tag and removes its opposite.
func addTag(tags, tag string) string {
	opposite := "NO" + tag
	if rest, ok := strings.CutPrefix(tag, "NO"); ok {
		opposite = rest
	}
	list := slices.DeleteFunc(strings.Split(tags, ","), func(t string) bool { return t == "" || t == tag || t == opposite })
	return strings.Join(append(list, tag), ",")
}

// tagEnd replaces the colon after a tag while a line is split at colons.
const tagEnd = "\x00"

func isTag(word string) bool {
	switch word {
	case "NOPASSWD", "PASSWD", "NOEXEC", "EXEC", "SETENV", "NOSETENV", "LOG_INPUT", "NOLOG_INPUT", "LOG_OUTPUT", "NOLOG_OUTPUT", "MAIL", "NOMAIL", "FOLLOW", "NOFOLLOW", "INTERCEPT", "NOINTERCEPT":
		return true
	default:
		return false
	}
}

// splitList splits at separators outside quotes and parentheses that follow no backslash. The colon
// after a tag becomes tagEnd.
func splitList(text string, separator byte) []string {
	var out []string
	var item strings.Builder
	depth, quoted := 0, false
	end := func() {
		if s := strings.TrimSpace(item.String()); s != "" {
			out = append(out, s)
		}
		item.Reset()
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text):
			item.WriteByte(c)
			i++
			c = text[i]
		case c == '"':
			quoted = !quoted
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ':' && !quoted && depth <= 0 && isTag(lastWord(item.String())):
			c = tagEnd[0]
		case c == separator && !quoted && depth <= 0:
			end()
			continue
		}
		item.WriteByte(c)
	}
	end()
	return out
}

func lastWord(s string) string {
	s = strings.TrimRight(s, " \t")
	return s[strings.LastIndexAny(s, " \t,)=\x00")+1:]
}

func commandPath(text string) string {
	name, args := cutSpace(text)
	if strings.ContainsAny(args, "*?[") {
		return name + " *"
	}
	return name
}
