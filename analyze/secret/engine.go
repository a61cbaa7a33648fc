package secret

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"plimsoll"
	"plimsoll/analyze/literal"
)

// Name is the name of the analyzer that this engine serves.
const Name = "secret"

// version is raised when output changes for the same tables of rules: when code that decides changes.
const version = "1"

// Engine is the compiled rules. It is immutable and safe for concurrent use.
type Engine struct {
	rules    []compiled
	literals []literal.Pattern
	matcher  *literal.Matcher // of the literals, for texts that are searched here
	byHit    [][]int          // by literal: the rules that wait for it
	byName   []int            // rules that files are chosen for by name
	id       plimsoll.AnalyzerID
}

// New compiles the rules. Its error is a defect of a rule.
func New() (*Engine, error) {
	e := &Engine{}
	index := map[string]int{}
	sum := sha256.New()
	for _, r := range allRules() {
		c, err := compile(&r)
		if err != nil {
			return nil, err
		}
		n := len(e.rules)
		e.rules = append(e.rules, c)
		r.digest(sum)
		if c.linesRE != nil {
			e.byName = append(e.byName, n)
		}
		for _, text := range r.literals {
			key := fmt.Sprint(r.fold, text)
			i, ok := index[key]
			if !ok {
				i = len(e.literals)
				index[key] = i
				e.literals = append(e.literals, literal.Pattern{Bytes: []byte(text), Fold: r.fold})
				e.byHit = append(e.byHit, nil)
			}
			e.byHit[i] = append(e.byHit[i], n)
		}
	}
	var err error
	if e.matcher, err = literal.New(e.literals); err != nil {
		return nil, plimsoll.Errorf(plimsoll.Internal, "literals of secret rules: %w", err)
	}
	digest := plimsoll.DigestFrom([sha256.Size]byte(sum.Sum(nil)))
	e.id = plimsoll.AnalyzerID{Name: Name, Version: version + "-" + digest.Short()}
	return e, nil
}

// ID names the engine; the version has the digest of the rules.
func (e *Engine) ID() plimsoll.AnalyzerID { return e.id }

// Literals are what a file is to be searched for. A hit is reported by the index here.
func (e *Engine) Literals() []literal.Pattern { return slices.Clone(e.literals) }

// Rules lists every rule, in a fixed order.
func (e *Engine) Rules() []Rule {
	rules := make([]Rule, len(e.rules))
	for i, r := range e.rules {
		rules[i] = *r.Rule
	}
	return rules
}

// search finds the literals in a text that is in memory.
func (e *Engine) search(text []byte, hit func(number int, offset int64)) {
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
		return maxStars
	}
	return r.excerpt(string(e.literals[number].Bytes))
}
