package baseline

import (
	"strconv"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
)

// Ids of the rules about password complexity, which the API lists apart from the other rules.
const (
	RuleMinLength = "complexity.length"
	RuleUpper     = "complexity.upper"
	RuleLower     = "complexity.lower"
	RuleDigit     = "complexity.digit"
	RuleSpecial   = "complexity.special"
)

// minPasswordLength is the minimum length that a policy must require, in characters.
const minPasswordLength = 8

const complexityApplies = " Looks at pam_pwquality, pam_cracklib and pam_unix in /etc/pam.d, and at /etc/security/pwquality.conf. Does not apply to an image in which PAM sets no passwords."

var complexityReferences = []string{"pam_pwquality(8)", "pwquality.conf(5)"}

var complexityRules = []rule{
	{
		id: RuleMinLength, title: "Passwords may be short", severity: low, protection: true, references: complexityReferences,
		description: "Fails if no module asks for " + strconv.Itoa(minPasswordLength) + " characters or more in new passwords." + complexityApplies,
		advice:      "Set minlen = 12 in /etc/security/pwquality.conf and use pam_pwquality.",
		judge: judgePasswordPolicy(func(q passwordPolicy) string {
			return textIf(q.length < minPasswordLength, "the minimum length is "+strconv.Itoa(q.length))
		}),
	},
	requireClass(RuleUpper, "upper-case letter", "ucredit"),
	requireClass(RuleLower, "lower-case letter", "lcredit"),
	requireClass(RuleDigit, "digit", "dcredit"),
	requireClass(RuleSpecial, "special character", "ocredit"),
}

// requireClass returns the rule that new passwords need a class of characters; credit is the
// setting of pwquality.conf(5) for the class.
func requireClass(id, what, credit string) rule {
	return rule{
		id: id, title: "Passwords need no " + what, severity: low, protection: true, references: complexityReferences,
		description: "Fails if no module asks for a " + what + " in new passwords (" + credit + " under 0, or minclass 4)." + complexityApplies,
		advice:      "Set " + credit + " = -1 in /etc/security/pwquality.conf and use pam_pwquality.",
		judge: judgePasswordPolicy(func(q passwordPolicy) string {
			return textIf(q.credit[credit] >= 0 && q.classes < 4, "no "+what+" is asked for")
		}),
	}
}

// passwordPolicy is what PAM requires of a new password.
type passwordPolicy struct {
	length  int            // minimum, in characters
	classes int            // minimum number of character classes
	credit  map[string]int // by the name in pwquality.conf(5): -n = at least n characters of the class
}

// judgePasswordPolicy judges the policy of the image. A value is the argument of pam_pwquality or
// pam_cracklib, else that of pwquality.conf, else the module's default. Without such a module it is
// what pam_unix requires. f returns the evidence against a policy.
func judgePasswordPolicy(f func(passwordPolicy) string) func(analyze.Image) verdict {
	return func(i analyze.Image) verdict {
		files, unread := configsOfKinds(i, kindPAM, kindPwquality)
		sets, module, given := false, false, map[string]string{}
		length := 6 // the default of pam_unix
		for _, c := range files {
			for _, l := range c.Lines {
				switch {
				case l.Key != "password" || c.Kind != kindPAM.name:
				case argAt(l, 1) == "pam_unix.so":
					sets = true
					length = max(length, parseNumber(moduleOptions(l)["minlen"], 0))
				case argAt(l, 1) == "pam_pwquality.so" || argAt(l, 1) == "pam_cracklib.so":
					sets, module = true, true
					for name, value := range moduleOptions(l) {
						given[name] = value
					}
				}
			}
		}
		q := passwordPolicy{length: length, credit: map[string]int{}}
		if module {
			for _, c := range files {
				for _, l := range c.Lines {
					if _, ok := given[l.Key]; !ok && c.Kind == kindPwquality.name {
						given[l.Key] = argAt(l, 0)
					}
				}
			}
			q.length, q.classes = max(length, parseNumber(given["minlen"], 8)), parseNumber(given["minclass"], 0)
			for _, name := range [...]string{"ucredit", "lcredit", "dcredit", "ocredit"} {
				q.credit[name] = parseNumber(given[name], 0)
			}
		}
		if !sets {
			return newVerdict(nil, unread, false)
		}
		var found []string
		if text := f(q); text != "" {
			found = []string{text}
		}
		return newVerdict(found, unread, true)
	}
}

func moduleOptions(l plimsoll.ConfigLine) map[string]string {
	given := map[string]string{}
	for _, a := range l.Args[2:] {
		name, value, _ := strings.Cut(a, "=")
		given[name] = value
	}
	return given
}

func parseNumber(s string, fallback int) int {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	return fallback
}
