package baseline

import (
	"fmt"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
)

// maxEvidence is the maximum number of lines of evidence per setting.
const maxEvidence = 20

// rule is a check: its texts for people and the function that judges an image.
type rule struct {
	id          string
	title       string
	severity    plimsoll.Severity
	protection  bool // GB/T 22239-2019 requires it too
	description string
	advice      string
	references  []string
	judge       func(analyze.Image) verdict

	// Set by allRules from the family.
	check string
	kind  plimsoll.SettingKind
}

const (
	critical = plimsoll.SeverityCritical
	high     = plimsoll.SeverityHigh
	medium   = plimsoll.SeverityMedium
	low      = plimsoll.SeverityLow
)

// ID implements analyze.Check.
func (r rule) ID() string { return r.id }

// Rule implements analyze.Check.
func (r rule) Rule() plimsoll.Rule {
	standards := []plimsoll.Standard{plimsoll.StandardPractice}
	if r.protection {
		standards = append(standards, plimsoll.StandardProtection)
	}
	return plimsoll.Rule{
		ID: r.id, Check: r.check, Kind: r.kind, Title: r.title, Severity: r.severity, Standards: standards,
		Description: r.description, Advice: r.advice, References: r.references,
	}
}

// Run implements analyze.Check.
func (r rule) Run(i analyze.Image) plimsoll.Setting {
	return r.judge(i).toSetting(r.Rule())
}

// toSetting returns the verdict as it is stored, with at most maxEvidence lines.
func (v verdict) toSetting(rule plimsoll.Rule) plimsoll.Setting {
	evidence := v.evidence
	if extra := len(evidence) - maxEvidence; extra > 0 {
		evidence = append(slices.Clip(evidence[:maxEvidence-1]), fmt.Sprintf("and %d more", extra+1))
	}
	out := rule.Setting(v.result)
	out.Evidence, out.Passwords = evidence, v.passwords
	return out
}

// Checks returns the rules in the order of ruleFamilies.
func Checks() []analyze.Check {
	var list []analyze.Check
	for _, r := range allRules() {
		list = append(list, r)
	}
	return list
}

// Rules describes every rule in the order of ruleFamilies: those of Checks, and ListedRule after
// the weak passwords.
func Rules() []plimsoll.Rule {
	var list []plimsoll.Rule
	for _, r := range allRules() {
		list = append(list, r.Rule())
		if r.kind == plimsoll.KindWeakPassword {
			list = append(list, ListedRule())
		}
	}
	return list
}

// ruleFamily is a table of rules about one subject. Adjacent families of one name are one section
// of docs/rules.md.
type ruleFamily struct {
	check string
	kind  plimsoll.SettingKind
	rules []rule
}

// ruleFamilies contains every rule except ListedRule.
var ruleFamilies = []ruleFamily{
	{"Image configuration", plimsoll.KindConfiguration, imageRules},
	{"Build commands", plimsoll.KindConfiguration, buildRules},
	{"Accounts", plimsoll.KindConfiguration, accountRules},
	{"Accounts", plimsoll.KindConfiguration, passwordRules},
	{"Accounts", plimsoll.KindConfiguration, groupRules},
	{"Login", plimsoll.KindConfiguration, loginRules},
	{"Trust", plimsoll.KindConfiguration, trustRules},
	{"Scripts", plimsoll.KindConfiguration, scriptRules},
	{"SSH", plimsoll.KindConfiguration, sshKeywordRules(sshKeywords)},
	{"SSH", plimsoll.KindConfiguration, sshFileRules},
	{"sudo", plimsoll.KindConfiguration, sudoRules},
	{"PAM", plimsoll.KindConfiguration, pamRules},
	{"Files", plimsoll.KindConfiguration, fileRules},
	{"Keys and credentials", plimsoll.KindConfiguration, keyRules},
	{"Cron", plimsoll.KindConfiguration, cronRules},
	{"Package manager", plimsoll.KindConfiguration, repositoryRules},
	{weakPasswordCheck, plimsoll.KindWeakPassword, weakRules},
	{"Password complexity", plimsoll.KindComplexity, complexityRules},
}

// weakPasswordCheck is the family of weakRules and ListedRule.
const weakPasswordCheck = "Weak passwords"

func allRules() []rule {
	var list []rule
	for _, f := range ruleFamilies {
		for _, r := range f.rules {
			r.check, r.kind = f.check, f.kind
			list = append(list, r)
		}
	}
	return list
}

// verdict is the result of a rule for one image.
type verdict struct {
	result    plimsoll.SettingResult
	evidence  []string
	passwords []plimsoll.WeakPassword
}

func notApplicable() verdict { return verdict{result: plimsoll.SettingNotApplicable} }

// newVerdict returns failed if found is not empty; else not looked, with the reasons in unread, if
// that is not empty; else not applicable if the image has nothing that the rule judges; else pass.
func newVerdict(found, unread []string, applies bool) verdict {
	switch {
	case len(found) > 0:
		return verdict{result: plimsoll.SettingFailed, evidence: found}
	case len(unread) > 0:
		return verdict{result: plimsoll.SettingNotLooked, evidence: unread}
	case !applies:
		return notApplicable()
	}
	return verdict{result: plimsoll.SettingPass}
}

// failureTexts lists the analyzer's failures at paths that selects accepts, and those without a
// path, which concern every rule.
func failureTexts(i analyze.Image, selects func(path string) bool) []string {
	var list []string
	for _, f := range i.Failures {
		if f.Path == "" || selects(f.Path) {
			list = append(list, strings.TrimPrefix(printableText(f.Path)+": ", ": ")+printableText(f.Detail))
		}
	}
	return list
}

// printableText escapes text from an image for a terminal and cuts it at 512 bytes.
func printableText(s string) string {
	quoted := fmt.Sprintf("%.512q", s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// judgeConfigs judges the files of some kinds one by one. f returns the evidence against a file.
func judgeConfigs(f func(plimsoll.ConfigFile) []string, kinds ...*fileKind) func(analyze.Image) verdict {
	return func(i analyze.Image) verdict {
		var found []string
		files, unread := configsOfKinds(i, kinds...)
		for _, file := range files {
			found = append(found, f(file)...)
		}
		return newVerdict(found, unread, len(files) > 0)
	}
}

// configsOfKinds returns the files of some kinds, and a text for each that could not be read.
func configsOfKinds(i analyze.Image, kinds ...*fileKind) (files []plimsoll.ConfigFile, unread []string) {
	is := func(name plimsoll.ConfigKind) bool {
		return slices.ContainsFunc(kinds, func(k *fileKind) bool { return k.name == name })
	}
	for _, c := range i.Configs {
		if !is(c.Kind) {
			continue
		}
		files = append(files, c)
		if c.Unread != "" {
			unread = append(unread, printableText(c.Path)+": "+printableText(c.Unread))
		}
	}
	return files, append(unread, failureTexts(i, func(path string) bool {
		k := kindOf(path)
		return k != nil && is(k.name)
	})...)
}

// evidenceAt returns text with the path and the number of a line.
func evidenceAt(c plimsoll.ConfigFile, l plimsoll.ConfigLine, text string) string {
	return fmt.Sprintf("%s:%d: %s", printableText(c.Path), l.Line, printableText(text))
}

// judgeLines returns a function for judgeConfigs that judges a file line by line. f returns the
// evidence against a line, "" if the line is good.
func judgeLines(f func(plimsoll.ConfigLine) string) func(plimsoll.ConfigFile) []string {
	return func(c plimsoll.ConfigFile) []string {
		var found []string
		for _, l := range c.Lines {
			if text := f(l); text != "" {
				found = append(found, evidenceAt(c, l, text))
			}
		}
		return found
	}
}

// argAt returns argument n of a line, "" if it has fewer.
func argAt(l plimsoll.ConfigLine, n int) string {
	if n < len(l.Args) {
		return l.Args[n]
	}
	return ""
}
