package secret

import (
	"bytes"
	"fmt"
	"hash"
	"path"
	"regexp"
	"strings"

	"plimsoll"
)

// Rule is one kind of credential.
type Rule struct {
	ID       string // stable, lower case with dashes
	Title    string // for people
	Severity plimsoll.Severity

	literals []string // ASCII, at least three bytes; one of them starts the match
	fold     bool     // literals match in either case
	left     string   // expression for up to reach bytes before the literal, anchored at its end; its first group, if any, is the secret; "" = no byte of a word, anywhere = no condition
	right    string   // expression from the literal's first byte on; its first group is the secret
	lines    string   // instead of literals, in files that names choose: an expression for one line, its first group is the secret
	names    []string // shell patterns for the base name, lower case, or with a slash for the end of the path; none = any file
	kinds    fileKind // kinds of text file the rule is for; 0 = any
	binary   bool     // the structure is strong enough for files that are not text
	entropy  float64  // bits per byte that the secret has at least
	public   string   // what a finding shows instead of the literal
	generic  bool     // gives way to another rule that found the same bytes
	match    func(c *candidate) (from, to int, ok bool)
	check    func(secret []byte) bool // a last condition
}

// anywhere is the left side of a rule that does not mind what stands before its literal.
const anywhere = "anywhere"

const (
	maxReach = 512 // bytes that a rule may look at to either side of a literal
	stars    = "****"

	minLiteral = 3 // bytes: shorter ones are in every file, and slow the search of all
)

// compiledRule is a rule ready for use.
type compiledRule struct {
	*Rule
	leftRE, rightRE, linesRE *regexp.Regexp
}

func compileRule(r *Rule) (compiledRule, error) {
	c := compiledRule{Rule: r}
	for _, part := range []struct {
		text string
		form string
		re   **regexp.Regexp
	}{
		{r.left, `(?s)(?:%s)$`, &c.leftRE}, {r.right, `(?s)^(?:%s)`, &c.rightRE}, {r.lines, `%s`, &c.linesRE},
	} {
		if part.text == "" || part.text == anywhere {
			continue
		}
		re, err := regexp.Compile(fmt.Sprintf(part.form, part.text))
		if err != nil {
			return c, plimsoll.Errorf(plimsoll.Internal, "secret rule %s: %w", r.ID, err)
		}
		*part.re = re
	}
	for _, text := range r.literals {
		if len(text) < minLiteral {
			return c, plimsoll.Errorf(plimsoll.Internal, "secret rule %s: literal %q is too short", r.ID, text)
		}
	}
	if c.linesRE == nil && (len(r.literals) == 0 || c.rightRE == nil && r.match == nil) {
		return c, plimsoll.Errorf(plimsoll.Internal, "secret rule %s has nothing to match", r.ID)
	}
	return c, nil
}

// writeDigest writes everything about the rule that is data. What is code is covered by the
// version constant.
func (r *Rule) writeDigest(h hash.Hash) {
	fmt.Fprintf(h, "%q %q %q %v %q %q %q %q %d %v %g %v\n", r.ID, r.Severity, r.literals, r.fold, r.left, r.right, r.lines, r.names,
		r.kinds, r.binary, r.entropy, r.generic)
}

// excerpt is what a finding shows: public text of the rule, and stars.
func (r *Rule) excerpt(literal string) string {
	switch {
	case r.public != "":
		return r.public + stars
	case strings.HasPrefix(literal, `"`) || r.fold:
		return strings.Trim(literal, `": `) + ": " + stars
	default:
		return literal + stars
	}
}

// matchesName reports whether the rule is for files called so. Both are in lower case.
func (r *Rule) matchesName(file, base string) bool {
	if len(r.names) == 0 {
		return true
	}
	for _, pattern := range r.names {
		if strings.Contains(pattern, "/") {
			if file == pattern || strings.HasSuffix(file, "/"+pattern) {
				return true
			}
			continue
		}
		if ok, err := path.Match(pattern, base); err == nil && ok {
			return true
		}
	}
	return false
}

// candidate is a literal that was seen, with what stands around it.
type candidate struct {
	before []byte // up to reach bytes
	after  []byte // from the literal's first byte on: the literal and up to reach bytes
	kind   fileKind
}

// verify returns where the secret is, counted from the literal's first byte: before it, below 0.
func (r *compiledRule) verify(c *candidate) (from, to int, ok bool) {
	// What follows is anchored and fails early; what stands before is searched.
	if r.leftRE == nil && r.left != anywhere && !startsWord(c.before) {
		return 0, 0, false
	}
	if r.match != nil {
		from, to, ok = r.match(c)
	} else {
		from, to, ok = firstGroup(r.rightRE.FindSubmatchIndex(c.after))
	}
	if !ok {
		return 0, 0, false
	}
	left, ok := r.matchLeft(c.before)
	if !ok {
		return 0, 0, false
	}
	if left != nil {
		from, to = left[0]-len(c.before), left[1]-len(c.before)
		return from, to, r.acceptsSecret(c.before[left[0]:left[1]])
	}
	return from, to, r.acceptsSecret(c.after[from:to])
}

// acceptsSecret holds the secret itself against what all rules ask.
func (r *Rule) acceptsSecret(secret []byte) bool {
	return byteEntropy(secret) >= r.entropy && !isSample(secret) && (r.check == nil || r.check(secret))
}

// matchLeft holds what stands before a literal against the rule's expression. A group of it is the
// secret; nil = there is none.
func (r *compiledRule) matchLeft(before []byte) (group []int, ok bool) {
	if r.leftRE == nil {
		return nil, true
	}
	m := r.leftRE.FindSubmatchIndex(before)
	if len(m) > 2 {
		group = m[2:4]
	}
	return group, m != nil
}

// startsWord reports whether a word can begin after these bytes.
func startsWord(before []byte) bool {
	if len(before) == 0 || !isWordByte(before[len(before)-1]) {
		return true
	}
	// The last letter of an escape in a quoted string is not part of a word.
	for _, escape := range []string{`\n`, `\t`, `\r`, `%3D`, `%3d`, `%20`, `u003d`} {
		if bytes.HasSuffix(before, []byte(escape)) {
			return true
		}
	}
	return false
}

func isWordByte(b byte) bool {
	return b == '_' || b == '-' || b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z'
}

// firstGroup turns a match into the place of its first group that took part, else of all of it.
func firstGroup(m []int) (from, to int, ok bool) {
	if m == nil {
		return 0, 0, false
	}
	for i := 2; i+1 < len(m); i += 2 {
		if m[i] >= 0 {
			return m[i], m[i+1], true
		}
	}
	return m[0], m[1], true
}
