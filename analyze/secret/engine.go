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

// Name is the name of the analyzer that this engine serves.
const Name = "secret"

// version is raised when output changes for the same tables of rules: when code that decides changes,
// here or in packages/owned.
const version = "2"

// Engine is the compiled rules. It is immutable and safe for concurrent use.
type Engine struct {
	rules          []compiledRule
	literals       []literal.Pattern
	matcher        *literal.Matcher // of the literals, for texts that are searched here
	rulesByLiteral [][]int          // by literal: the rules that wait for it
	byName         map[string][]int // rules for lines, by a base name of their files
	bySuffix       []nameSuffix     // rules for lines that have a pattern with a wildcard
	id             plimsoll.AnalyzerID
}

// New compiles the rules. Its error is a defect of a rule.
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

// engineID names an engine of the rules: the version has their digest.
func engineID(rules []Rule) plimsoll.AnalyzerID {
	sum := sha256.New()
	for i := range rules {
		rules[i].writeDigest(sum)
	}
	digest := plimsoll.DigestFrom([sha256.Size]byte(sum.Sum(nil)))
	return plimsoll.AnalyzerID{Name: Name, Version: version + "-" + digest.Short()}
}

// addNames makes a rule for lines found by the names of its files.
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

// nameSuffix is what base names end in that a rule for lines is for: every file of a layer is asked about, and
// hardly one is named so.
type nameSuffix struct {
	end, part string // what a name must end in, and have in it
	rule      int
}

// lineRulesFor returns the rules for the lines of a file. Both names are in lower case.
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

// HasLineRules says whether a file is looked at for its name, whatever literals stand in it.
func (e *Engine) HasLineRules(file string) bool {
	low := strings.ToLower(file)
	return len(e.lineRulesFor(low, path.Base(low))) > 0
}

// ID names the engine; the version has the digest of the rules.
func (e *Engine) ID() plimsoll.AnalyzerID { return e.id }

// Literals are what a file is to be searched for. A hit is reported by the index here. Most are of use in text only.
func (e *Engine) Literals() []literal.Pattern { return slices.Clone(e.literals) }

// Rules lists every rule, in a fixed order.
func (e *Engine) Rules() []Rule {
	rules := make([]Rule, len(e.rules))
	for i, r := range e.rules {
		rules[i] = *r.Rule
	}
	return rules
}

// searchText finds the literals in a text that is in memory.
func (e *Engine) searchText(text []byte, hit func(number int, offset int64)) {
	var state literal.State
	e.matcher.Scan(text, &state, func(h literal.Hit) bool {
		hit(h.Pattern, h.Offset)
		return true
	})
}

// excerptOf is the public text of the literal that a rule was found by.
func (e *Engine) excerptOf(rule, number int) string {
	r := e.rules[rule]
	if number < 0 {
		return stars
	}
	return r.excerpt(string(e.literals[number].Bytes))
}
