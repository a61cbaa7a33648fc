package baseline

import (
	"fmt"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
)

// maxEvidence bounds what one setting lists.
const maxEvidence = 20

// rule is a check: what it is about, and how it judges.
type rule struct {
	id          string
	title       string
	severity    plimsoll.Severity
	protection  bool // GB/T 22239-2019 asks for it too
	description string
	advice      string
	references  []string
	judge       func(analyze.Image) verdict

	// Of the family.
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
	return r.judge(i).setting(r.Rule())
}

// setting is the verdict as it is stored, with bounded evidence.
func (v verdict) setting(about plimsoll.Rule) plimsoll.Setting {
	evidence := v.evidence
	if extra := len(evidence) - maxEvidence; extra > 0 {
		evidence = append(slices.Clip(evidence[:maxEvidence-1]), fmt.Sprintf("and %d more", extra+1))
	}
	out := about.Setting(v.result)
	out.Evidence, out.Passwords = evidence, v.passwords
	return out
}

// Checks returns the rules, family by family.
func Checks() []analyze.Check {
	var list []analyze.Check
	for _, r := range allRules() {
		list = append(list, r)
	}
	return list
}

// Rules returns what images are checked for, family by family: Checks, and the rule about a
// project's own list.
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

// ruleFamily is a section of docs/rules.md. Several may have one name.
type ruleFamily struct {
	check string
	kind  plimsoll.SettingKind
	rules []rule
}

// ruleFamilies lists every rule but the one about a project's own list (ListedRule).
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

// verdict is what a rule says of one image.
type verdict struct {
	result    plimsoll.SettingResult
	evidence  []string
	passwords []plimsoll.WeakPassword
}

func notApplicable() verdict { return verdict{result: plimsoll.SettingNotApplicable} }

// newVerdict is the common end of rules: failed if anything was found; not looked, with the
// reasons, if something could not be read; not applicable if the image has nothing of the kind.
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

// failureTexts tells where the analyzer could not look, of the places that matter; a failure
// without a path matters to everybody.
func failureTexts(i analyze.Image, selects func(path string) bool) []string {
	var list []string
	for _, f := range i.Failures {
		if f.Path == "" || selects(f.Path) {
			list = append(list, strings.TrimPrefix(printableText(f.Path)+": ", ": ")+printableText(f.Detail))
		}
	}
	return list
}

// printableText makes text from an image fit for a terminal, and bounds it.
func printableText(s string) string {
	quoted := fmt.Sprintf("%.512q", s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// judgeConfigs judges files of some kinds, one by one.
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

// configsOfKinds lists the files of some kinds, and where one of them could not be read.
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

// evidenceAt points at a line of a file.
func evidenceAt(c plimsoll.ConfigFile, l plimsoll.ConfigLine, text string) string {
	return fmt.Sprintf("%s:%d: %s", printableText(c.Path), l.Line, printableText(text))
}

// judgeLines makes a judge of files out of one of lines: it returns what to say of a bad one, "" of a good one.
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

func argAt(l plimsoll.ConfigLine, n int) string {
	if n < len(l.Args) {
		return l.Args[n]
	}
	return ""
}
