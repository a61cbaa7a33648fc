package secret

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"

	"plimsoll"
)

// Name is the name of the analyzer that this engine serves.
const Name = "secret"

// version is raised when output changes for the same tables of rules: when code that decides changes.
const version = "1"

// Literal is a text that some rule wants to be told about.
type Literal struct {
	Bytes []byte
	Fold  bool // ASCII letters match in either case
}

// Engine is the compiled rules. It is immutable and safe for concurrent use.
type Engine struct {
	rules    []compiled
	literals []Literal
	starts   *starts
	byHit    [][]int // by literal: the rules that wait for it
	byName   []int   // rules that files are chosen for by name
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
				e.literals = append(e.literals, Literal{Bytes: []byte(text), Fold: r.fold})
				e.byHit = append(e.byHit, nil)
			}
			e.byHit[i] = append(e.byHit[i], n)
		}
	}
	e.starts = startsOf(e.literals)
	digest := plimsoll.DigestFrom([sha256.Size]byte(sum.Sum(nil)))
	e.id = plimsoll.AnalyzerID{Name: Name, Version: version + "-" + digest.Short()}
	return e, nil
}

// ID names the engine; the version has the digest of the rules.
func (e *Engine) ID() plimsoll.AnalyzerID { return e.id }

// Literals are what a file is to be searched for. A hit is reported by the index here.
func (e *Engine) Literals() []Literal { return slices.Clone(e.literals) }

// Rules lists every rule, in a fixed order.
func (e *Engine) Rules() []Rule {
	rules := make([]Rule, len(e.rules))
	for i, r := range e.rules {
		rules[i] = *r.Rule
	}
	return rules
}

// starts finds literals by their first two bytes, ASCII letters in lower case.
type starts struct {
	table [1 << 16]uint16 // 1 + index of a list, 0 = no literal starts so
	lists [][]int
}

func pair(a, b byte) int { return int(lowerASCII(a))<<8 | int(lowerASCII(b)) }

func lowerASCII(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func startsOf(literals []Literal) *starts {
	s := &starts{}
	for i, l := range literals {
		at := &s.table[pair(l.Bytes[0], l.Bytes[1])]
		if *at == 0 {
			s.lists = append(s.lists, nil)
			*at = uint16(len(s.lists))
		}
		s.lists[*at-1] = append(s.lists[*at-1], i)
	}
	return s
}

// search is the plain way to find the literals in a text that is in memory.
func (e *Engine) search(text []byte, hit func(literal int, offset int64)) {
	for i := 0; i+1 < len(text); i++ {
		n := e.starts.table[pair(text[i], text[i+1])]
		if n == 0 {
			continue
		}
		for _, l := range e.starts.lists[n-1] {
			if e.literals[l].at(text[i:]) {
				hit(l, int64(i))
			}
		}
	}
}

// at reports whether the literal stands at the start of b.
func (l Literal) at(b []byte) bool {
	if len(b) < len(l.Bytes) {
		return false
	}
	if !l.Fold {
		return bytes.HasPrefix(b, l.Bytes)
	}
	for i, c := range l.Bytes {
		if lowerASCII(b[i]) != lowerASCII(c) {
			return false
		}
	}
	return true
}

// excerptOf is the public text of the literal that a rule was found by.
func (e *Engine) excerptOf(rule, literal int) string {
	r := e.rules[rule]
	if literal < 0 {
		return maxStars
	}
	return r.excerpt(string(e.literals[literal].Bytes))
}
