package secret

import (
	"crypto/sha256"
	"fmt"
	"path"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/analyze/literal"
)

// Name is the name of the analyzer.
const Name = "secret"

// version is incremented when the output changes for the same rule tables: when code here or in packages/owned changes
// results.
const version = "2"

// Engine is a set of compiled rules. It is immutable and safe for concurrent use.
type Engine struct {
	rules          []compiledRule
	literals       []literal.Pattern
	matcher        *literal.Matcher // for texts that are searched here
	rulesByLiteral [][]int          // indexes of rules by literal
	byName         map[string][]int // rules for lines, by base name of the file
	bySuffix       []nameSuffix     // rules for lines whose pattern has a wildcard
	id             plimsoll.AnalyzerID
}

// New compiles all rules. An error is a defect of a rule.
func New() (*Engine, error) {
	e := &Engine{byName: map[string][]int{}}
	index := map[string]int{}
	rules := allRules()
	e.id = engineID(rules)
	for _, r := range rules {
		c, err := compileRule(&r)
		if err != nil {
			return nil, err
		}
		n := len(e.rules)
		e.rules = append(e.rules, c)
		if c.linesRE != nil {
			e.addNames(n)
		}
		for _, text := range r.literals {
			key := fmt.Sprint(r.fold, text)
			i, ok := index[key]
			if !ok {
				i = len(e.literals)
				index[key] = i
				e.literals = append(e.literals, literal.Pattern{Bytes: []byte(text), Fold: r.fold})
				e.rulesByLiteral = append(e.rulesByLiteral, nil)
			}
			e.rulesByLiteral[i] = append(e.rulesByLiteral[i], n)
		}
	}
	for i, rules := range e.rulesByLiteral {
		e.literals[i].Scope.TextOnly = !slices.ContainsFunc(rules, func(n int) bool { return e.rules[n].binary })
	}
	var err error
	if e.matcher, err = literal.New(e.literals); err != nil {
		return nil, plimsoll.Errorf(plimsoll.Internal, "literals of secret rules: %w", err)
	}
	return e, nil
}

// engineID returns the ID of the rules. The version contains their digest.
func engineID(rules []Rule) plimsoll.AnalyzerID {
	sum := sha256.New()
	for i := range rules {
		rules[i].writeDigest(sum)
	}
	digest := plimsoll.DigestFrom([sha256.Size]byte(sum.Sum(nil)))
	return plimsoll.AnalyzerID{Name: Name, Version: version + "-" + digest.Short()}
}

// addNames enters a rule for lines under the names of its files.
func (e *Engine) addNames(n int) {
	for _, pattern := range e.rules[n].names {
		if end := strings.LastIndex(pattern, "*") + 1; end > 0 {
			longest := slices.MaxFunc(strings.Split(pattern, "*"), func(a, b string) int { return len(a) - len(b) })
			e.bySuffix = append(e.bySuffix, nameSuffix{pattern[end:], longest, n})
			continue
		}
		if base := path.Base(pattern); !slices.Contains(e.byName[base], n) {
			e.byName[base] = append(e.byName[base], n)
		}
	}
}

// nameSuffix is an end of base names for which a rule for lines exists. It allows a quick test, because every file of a
// layer is tested and hardly any matches.
type nameSuffix struct {
	end, part string // what a name ends with, and what it contains
	rule      int
}

// lineRulesFor returns the rules for the lines of a file. Path and base name are in lower case.
func (e *Engine) lineRulesFor(file, base string) []int {
	var out []int
	add := func(n int) {
		if !slices.Contains(out, n) && e.rules[n].matchesName(file, base) {
			out = append(out, n)
		}
	}
	for _, n := range e.byName[base] {
		add(n)
	}
	for _, g := range e.bySuffix {
		if strings.HasSuffix(base, g.end) && strings.Contains(base, g.part) {
			add(g.rule)
		}
	}
	return out
}

// HasLineRules reports whether a file is searched because of its name, even without a hit of a literal.
func (e *Engine) HasLineRules(file string) bool {
	low := strings.ToLower(file)
	return len(e.lineRulesFor(low, path.Base(low))) > 0
}

// ID returns the analyzer ID. Its version contains the digest of the rules.
func (e *Engine) ID() plimsoll.AnalyzerID { return e.id }

// Literals returns the literals to search files for. File.Hit takes the index in this list. Most are useful in text only.
func (e *Engine) Literals() []literal.Pattern { return slices.Clone(e.literals) }

// Rules returns all rules in a fixed order.
func (e *Engine) Rules() []Rule {
	rules := make([]Rule, len(e.rules))
	for i, r := range e.rules {
		rules[i] = *r.Rule
	}
	return rules
}

// searchText searches a text in memory for the literals.
func (e *Engine) searchText(text []byte, hit func(number int, offset int64)) {
	var state literal.State
	e.matcher.Scan(text, &state, func(h literal.Hit) bool {
		hit(h.Pattern, h.Offset)
		return true
	})
}

// excerptOf returns the public text of the literal by which a rule found a secret.
func (e *Engine) excerptOf(rule, number int) string {
	r := e.rules[rule]
	if number < 0 {
		return stars
	}
	return r.excerpt(string(e.literals[number].Bytes))
}
