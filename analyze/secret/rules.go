package secret

import (
	"regexp"
	"slices"
	"strings"

	"plimsoll"
)

// Short names for the tables of rules.
const (
	critical = plimsoll.SeverityCritical
	high     = plimsoll.SeverityHigh
	medium   = plimsoll.SeverityMedium
	low      = plimsoll.SeverityLow
)

// tokenEnd is what follows a token: a byte that cannot belong to it, or the end.
const tokenEnd = `(?:[^0-9A-Za-z_-]|$)`

// assignment is what may stand between a name and its value in settings, JSON, YAML, XML and programs.
const assignment = `["'\]]{0,2}\s{0,8}(?:=>|:=|=|:|,|>)\s{0,8}["'` + "`" + `]?`

// alternatives turns texts into alternatives of an expression.
func alternatives(texts []string) string {
	parts := make([]string, len(texts))
	for i, t := range texts {
		parts[i] = regexp.QuoteMeta(t)
	}
	return strings.Join(parts, "|")
}

// prefixRule is a rule for a string with a prefix of its own. The expression says what follows the prefix.
func prefixRule(id, title string, severity plimsoll.Severity, follows string, entropy float64, prefixes ...string) Rule {
	return Rule{
		ID: id, Title: title, Severity: severity, literals: prefixes, binary: true, entropy: entropy,
		right: `(?:` + alternatives(prefixes) + `)(` + follows + `)` + tokenEnd,
	}
}

// delimitedRule is token for a prefix so short that it would be seen everywhere: what stands before
// it, a quote, a space or a sign, makes the literal longer.
func delimitedRule(id, title string, severity plimsoll.Severity, follows string, entropy float64, prefix string) Rule {
	r := prefixRule(id, title, severity, follows, entropy, prefix)
	r.left, r.literals, r.public = anywhere, nil, prefix
	for _, before := range []string{`"`, "'", "=", " ", ":", ">", "\n", "\t"} {
		r.literals = append(r.literals, before+prefix)
	}
	r.right = `.` + r.right
	return r
}

// literalsAfter is a literal behind each of some bytes.
func literalsAfter(bytes, text string) []string {
	var out []string
	for _, b := range bytes {
		out = append(out, string(b)+text)
	}
	return out
}

// keywordRule is a rule for a value without a shape of its own that stands behind a telling name.
func keywordRule(id, title string, severity plimsoll.Severity, value string, entropy float64, names ...string) Rule {
	return Rule{
		ID: id, Title: title, Severity: severity, literals: names, fold: true, left: anywhere, entropy: entropy,
		right: `(?i:` + alternatives(names) + `)` + assignment + `(` + value + `)` + tokenEnd,
	}
}

// allRules are the rules in the order in which they are asked; of two that found the same
// bytes the first one names them.
func allRules() []Rule {
	return slices.Concat(cloudRules(), platformRules(), codeRules(), messageRules(), moneyRules(), modelRules(), watchRules(), privateKeys(), fileRules(), accessRules(), genericRules())
}
