package parse

import (
	"io"
	"path"
	"strings"

	"plimsoll"
)

// SSH reads sshd_config(5) and ssh_config(5). Key is the keyword in lower case; scope is
// the Match or Host line above it, "" before the first one.
func SSH(r io.Reader) ([]plimsoll.ConfigLine, error) {
	var c lineCollector
	scope := ""
	err := forEachLine(r, "", func(n int, text string) error {
		text = stripComment(text)
		cut := strings.IndexAny(text, " \t=")
		if text == "" {
			return nil
		}
		if cut < 0 {
			cut = len(text)
		}
		key := strings.ToLower(text[:cut])
		rest := strings.TrimPrefix(strings.TrimSpace(text[cut:]), "=")
		args := splitWords(rest)
		if key == "match" || key == "host" {
			scope = key + " " + strings.Join(args, " ")
			return nil
		}
		return c.addLine(n, scope, key, args...)
	})
	return c.list, err
}

// LoginDefs reads login.defs(5): a name and a value per line. Key is the name in upper case.
func LoginDefs(r io.Reader) ([]plimsoll.ConfigLine, error) {
	var c lineCollector
	err := forEachLine(r, "", func(n int, text string) error {
		if fields := splitWords(stripComment(text)); len(fields) > 1 {
			return c.addLine(n, "", strings.ToUpper(fields[0]), fields[1:]...)
		}
		return nil
	})
	return c.list, err
}

// PAM reads a file of pam.d(5). Key is the type (auth, account, password, session); the arguments
// are the control, the module's name and the module's arguments. A line that includes a file
// ("@include x", or the control "include" or "substack") has the key "include" and the file as its
// argument; its scope is the type, "" for @include.
func PAM(r io.Reader) ([]plimsoll.ConfigLine, error) {
	var c lineCollector
	err := forEachLine(r, "\\", func(n int, text string) error {
		text = stripComment(text)
		if file, ok := strings.CutPrefix(text, "@include"); ok {
			return c.addLine(n, "", "include", strings.TrimSpace(file))
		}
		kind, rest := cutSpace(text)
		control, rest := cutSpace(rest)
		if strings.HasPrefix(control, "[") && !strings.HasSuffix(control, "]") {
			inside, after, _ := strings.Cut(rest, "]")
			control, rest = control+" "+inside+"]", strings.TrimSpace(after)
		}
		args := strings.Fields(rest)
		if kind == "" || len(args) == 0 {
			return nil
		}
		kind = strings.ToLower(strings.TrimPrefix(kind, "-"))
		if control == "include" || control == "substack" {
			return c.addLine(n, kind, "include", args[0])
		}
		args[0] = path.Base(args[0])
		for i, a := range args[1:] {
			if name, _, ok := strings.Cut(a, "="); ok && isSecretName(name) {
				args[i+1] = name + "="
			}
		}
		return c.addLine(n, "", kind, append([]string{control}, args...)...)
	})
	return c.list, err
}

// cutSpace returns the first word and the rest of a line.
func cutSpace(s string) (string, string) {
	s = strings.TrimSpace(s)
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimSpace(s[i:])
}

// Pairs reads files of "name = value" lines, such as pwquality.conf(5) and faillock.conf(5).
// A line without "=" has no argument.
func Pairs(r io.Reader) ([]plimsoll.ConfigLine, error) {
	var c lineCollector
	err := forEachLine(r, "", func(n int, text string) error {
		text = stripComment(text)
		if text == "" {
			return nil
		}
		name, value, ok := strings.Cut(text, "=")
		name = strings.TrimSpace(name)
		switch {
		case !ok:
			return c.addLine(n, "", strings.ToLower(name))
		case isSecretName(name):
			return c.addLine(n, "", strings.ToLower(name), "")
		}
		return c.addLine(n, "", strings.ToLower(name), strings.TrimSpace(value))
	})
	return c.list, err
}

// isSecretName reports whether a value under this name may be a secret.
func isSecretName(name string) bool {
	name = strings.ToLower(name)
	for _, part := range [...]string{"passw", "passphrase", "secret", "token", "credential", "apikey", "api_key", "private_key", "access_key", "auth"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}
