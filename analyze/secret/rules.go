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

// end is what follows a token: a byte that cannot belong to it, or the end.
const end = `(?:[^0-9A-Za-z_-]|$)`

// assign is what may stand between a name and its value in settings, JSON, YAML, XML and programs.
const assign = `["'\]]{0,2}\s{0,8}(?:=>|:=|=|:|,|>)\s{0,8}["'` + "`" + `]?`

// quoted turns texts into alternatives of an expression.
func quoted(texts []string) string {
	parts := make([]string, len(texts))
	for i, t := range texts {
		parts[i] = regexp.QuoteMeta(t)
	}
	return strings.Join(parts, "|")
}

// token is a rule for a string with a prefix of its own. The expression says what follows the prefix.
func token(id, title string, severity plimsoll.Severity, follows string, entropy float64, prefixes ...string) Rule {
	return Rule{
		ID: id, Title: title, Severity: severity, literals: prefixes, binary: true, entropy: entropy,
		right: `(?:` + quoted(prefixes) + `)(` + follows + `)` + end,
	}
}

// keyword is a rule for a value without a shape of its own that stands behind a telling name.
func keyword(id, title string, severity plimsoll.Severity, value string, entropy float64, names ...string) Rule {
	return Rule{
		ID: id, Title: title, Severity: severity, literals: names, fold: true, left: anywhere, entropy: entropy,
		right: `(?i:` + quoted(names) + `)` + assign + `(` + value + `)` + end,
	}
}

// allRules are the rules in the order in which they are asked; of two that found the same
// bytes the first one names them.
func allRules() []Rule {
	return slices.Concat(cloudRules(), platformRules(), codeRules(), messageRules(), moneyRules(), modelRules(), watchRules(), privateKeys(), fileRules(), accessRules(), genericRules())
}
