package secret

import (
	"bytes"
	"regexp"
	"strings"

	"plimsoll"
)

// genericRules find values by a name that says what they are.
func genericRules() []Rule {
	rule := func(id, title string, severity plimsoll.Severity, accept func([]byte) bool, names ...string) Rule {
		return Rule{
			ID: id, Title: title, Severity: severity, literals: names, fold: true, left: anywhere, generic: true, kinds: kindSettings | kindSource,
			match: func(c *candidate) (int, int, bool) { return matchAssigned(c, names, accept) },
		}
	}
	return []Rule{
		rule("generic-password", "password in settings or a program", high, looksLikePassword, "password", "passwd", "passphrase", "_pwd", "_pass", "dbpass", "storepass"),
		rule("generic-secret", "secret in settings or a program", high, looksRandom, "secret", "credential", "signing_key", "signingkey", "encryption_key", "encryptionkey", "private_key", "privatekey", "masterkey", "master_key"),
		rule("generic-api-key", "API key in settings or a program", medium, looksRandom, "apikey", "api_key", "api-key", "api.key", "access_key", "accesskey", "access-key", "auth_key", "authkey", "app_key"),
		rule("generic-token", "token in settings or a program", medium, looksRandom, "token"),
	}
}

// descriptiveSuffixRE matches ends of names whose value is about a secret and not a secret itself.
var descriptiveSuffixRE = regexp.MustCompile(`(?i)(?:^|[_.-]|[a-z])(?:file|path|url|uri|name|id|ids|length|len|size|type|types|field|fields|policy|hash|algorithm|min|max|expiry|expires|expiration|ttl|timeout|endpoint|label|hint|prompt|regex|pattern|count|limit|format|version|class|method|mode|store|provider|manager|help|text|title|message|error|header|param|prefix|suffix|encryption|enabled|required|reset|input|change|index|location|dir|ref|env|var|source|alias|encoding|kind|style|description|ciphertext|public|tag)s?$`)

// assignmentRE matches what may be between the literal and the value: the rest of the name, and an assignment.
var assignmentRE = regexp.MustCompile(`^([A-Za-z0-9_.-]{0,32})(["']?\]?["']?[ \t]{0,16}(?:=>|:=|\?=|==?|:|>)[ \t]{0,16})`)

// matchAssigned accepts a value that is assigned to a name that contains one of the words.
func matchAssigned(c *candidate, names []string, accept func([]byte) bool) (from, to int, ok bool) {
	n := 0
	for _, name := range names {
		if len(c.after) >= len(name) && strings.EqualFold(string(c.after[:len(name)]), name) {
			n = max(n, len(name))
		}
	}
	if n == 0 {
		return 0, 0, false
	}
	if !mayAssign(c.after[n:]) {
		return matchSpaced(c, n, accept)
	}
	m := assignmentRE.FindSubmatchIndex(c.after[n:])
	if m == nil {
		return matchSpaced(c, n, accept)
	}
	if descriptiveSuffixRE.Match(c.after[n+m[2] : n+m[3]]) {
		return 0, 0, false
	}
	if op := c.after[n+m[4] : n+m[5]]; bytes.Contains(op, []byte("==")) || bytes.HasPrefix(bytes.TrimSpace(op), []byte(">")) && !bytes.HasSuffix(c.after[:n], []byte("word")) {
		return 0, 0, false
	}
	from, to, quotes := valueRange(c.after, n+m[1])
	v := c.after[from:to]
	if c.kind == kindSource && (!quotes || byteEntropy(v) < 3) {
		return 0, 0, false
	}
	return from, to, accept(v)
}

// mayAssign reports whether assignmentRE may match. Programs contain many such words, and few are assigned to.
func mayAssign(rest []byte) bool {
	const longest = 32 + 3 + 16
	for i := range min(len(rest), longest+1) {
		if c := rest[i]; !isWordByte(c) && strings.IndexByte(".\"'] \t", c) < 0 {
			return strings.IndexByte("=:?>", c) >= 0
		}
	}
	return false
}

// A name and a value with only space between them, alone on their line, as in "ENV NAME value" and in settings of many
// servers.
var (
	lineStartRE = regexp.MustCompile(`(?:^|\n)[ \t]{0,16}(?:(?:ENV|ARG|set|setenv|SetEnv|env)[ \t]+)?[A-Za-z0-9_.-]{0,64}$`)
	spaceRE     = regexp.MustCompile(`^([A-Za-z0-9_.-]{0,32})[ \t]{1,16}`)
)

func matchSpaced(c *candidate, n int, accept func([]byte) bool) (from, to int, ok bool) {
	if c.kind != kindSettings {
		return 0, 0, false
	}
	m := spaceRE.FindSubmatchIndex(c.after[n:])
	if m == nil || descriptiveSuffixRE.Match(c.after[n+m[2]:n+m[3]]) {
		return 0, 0, false
	}
	from, to, quotes := valueRange(c.after, n+m[1])
	rest := c.after[to:]
	if quotes && len(rest) > 0 {
		rest = rest[1:]
	}
	if i := bytes.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i]
	}
	if len(bytes.TrimRight(rest, "; \t\r")) > 0 || byteEntropy(c.after[from:to]) < 2.8 || !lineStartRE.Match(c.before) {
		return 0, 0, false
	}
	return from, to, accept(c.after[from:to])
}

// valueRange returns the range of a value that begins at i: up to its closing quote, or to the end of a bare word.
func valueRange(b []byte, i int) (from, to int, quotes bool) {
	if i >= len(b) {
		return i, i, false
	}
	stop := " \t\r\n\"'`,;<>|&"
	if q := b[i]; q == '"' || q == '\'' || q == '`' {
		i++
		stop, quotes = string(q)+"\r\n", true
	} else if bytes.HasPrefix(b[i:], []byte(`\"`)) {
		i += 2
		stop, quotes = "\\\r\n", true
	}
	n := bytes.IndexAny(b[i:], stop)
	if n < 0 {
		n = len(b) - i
	} else if quotes && (b[i+n] == '\n' || b[i+n] == '\r') {
		return i, i, true
	}
	return i, i + n, quotes
}

func lowerString(b []byte) string { return strings.ToLower(string(b)) }
