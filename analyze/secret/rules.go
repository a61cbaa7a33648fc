package secret

import (
	"regexp"
	"slices"
	"strings"

	"plimsoll"
)

// Short names for the rule tables.
const (
	critical = plimsoll.SeverityCritical
	high     = plimsoll.SeverityHigh
	medium   = plimsoll.SeverityMedium
	low      = plimsoll.SeverityLow
)

// tokenEnd matches a byte that cannot belong to a token, or the end.
const tokenEnd = `(?:[^0-9A-Za-z_-]|$)`

// assignment matches what may be between a name and its value in settings, JSON, YAML, XML and programs.
const assignment = `["'\]]{0,2}\s{0,8}(?:=>|:=|=|:|,|>)\s{0,8}["'` + "`" + `]?`

// alternativesOf returns an expression that matches one of the texts.
func alternativesOf(texts []string) string {
	parts := make([]string, len(texts))
	for i, t := range texts {
		parts[i] = regexp.QuoteMeta(t)
	}
	return strings.Join(parts, "|")
}

// prefixRule returns a rule for a token with a distinctive prefix. follows is the expression for the rest of the token.
func prefixRule(id, title string, severity plimsoll.Severity, follows string, entropy float64, prefixes ...string) Rule {
	return Rule{
		ID: id, Title: title, Severity: severity, literals: prefixes, binary: true, entropy: entropy,
		right: `(?:` + alternativesOf(prefixes) + `)(` + follows + `)` + tokenEnd,
	}
}

// delimitedRule is prefixRule for a prefix so short that it occurs everywhere. The literals include the byte before it: a
// quote, a space or a sign.
func delimitedRule(id, title string, severity plimsoll.Severity, follows string, entropy float64, prefix string) Rule {
	r := prefixRule(id, title, severity, follows, entropy, prefix)
	r.left, r.literals, r.public = anywhere, nil, prefix
	for _, before := range []string{`"`, "'", "=", " ", ":", ">", "\n", "\t"} {
		r.literals = append(r.literals, before+prefix)
	}
	r.right = `.` + r.right
	return r
}

// literalsAfter returns literals of a text after each of the bytes.
func literalsAfter(bytes, text string) []string {
	var out []string
	for _, b := range bytes {
		out = append(out, string(b)+text)
	}
	return out
}

// keywordRule returns a rule for a value without a distinctive form that is assigned to one of the names.
func keywordRule(id, title string, severity plimsoll.Severity, value string, entropy float64, names ...string) Rule {
	return Rule{
		ID: id, Title: title, Severity: severity, literals: names, fold: true, left: anywhere, entropy: entropy,
		right: `(?i:` + alternativesOf(names) + `)` + assignment + `(` + value + `)` + tokenEnd,
	}
}

// allRules returns the rules in their order of precedence: of two rules that found the same bytes, the first one counts.
func allRules() []Rule {
	return slices.Concat(cloudRules(), platformRules(), codeRules(), messageRules(), paymentRules(), modelRules(), monitoringRules(), privateKeys(), fileRules(), accessRules(), genericRules())
}
