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

// Rule finds one kind of credential.
type Rule struct {
	ID       string // stable, lower case with dashes
	Title    string // for people
	Severity plimsoll.Severity

	literals []string // ASCII, at least three bytes; the match starts with one of them
	fold     bool     // literals match in either case
	left     string   // expression for the bytes before the literal, anchored at its end; its first group, if any, is the secret; "" = no word byte before it, anywhere = no condition
	right    string   // expression from the literal's first byte on; its first group is the secret
	lines    string   // in place of literals, for files chosen by names: an expression for one line; its first group is the secret
	names    []string // shell patterns for the base name, lower case, or with a slash for the end of the path; none = any file
	kinds    fileKind // kinds of text file the rule is for; 0 = any
	binary   bool     // the structure is strong enough for files that are not text
	entropy  float64  // minimum entropy of the secret in bits per byte
	public   string   // shown in a finding in place of the literal
	generic  bool     // loses against another rule that found the same bytes
	match    func(c *candidate) (from, to int, ok bool)
	check    func(secret []byte) bool // an additional condition
}

// anywhere is the left side of a rule without a condition on the bytes before its literal.
const anywhere = "anywhere"

const (
	maxReach = 512 // bytes before and after a literal that a rule may check
	stars    = "****"

	minLiteral = 3 // bytes: shorter literals occur in every file and slow down the search
)

// compiledRule is a Rule with compiled expressions.
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

// writeDigest writes the data of the rule. The constant version covers its code.
func (r *Rule) writeDigest(h hash.Hash) {
	fmt.Fprintf(h, "%q %q %q %v %q %q %q %q %d %v %g %v\n", r.ID, r.Severity, r.literals, r.fold, r.left, r.right, r.lines, r.names,
		r.kinds, r.binary, r.entropy, r.generic)
}

// excerpt returns the text of a finding: public text of the rule, and stars.
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

// matchesName reports whether the rule applies to files with this name. Path and base name are in lower case.
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

// candidate is a hit of a literal with the bytes around it.
type candidate struct {
	before []byte // up to maxReach bytes
	after  []byte // the literal and up to maxReach bytes after it
	kind   fileKind
}

// verify returns the range of the secret relative to the first byte of the literal; bytes before the literal are
// negative.
func (r *compiledRule) verify(c *candidate) (from, to int, ok bool) {
	// The right side is anchored and fails early; the left side is searched.
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

// acceptsSecret checks the conditions on the secret itself.
func (r *Rule) acceptsSecret(secret []byte) bool {
	return byteEntropy(secret) >= r.entropy && !isSample(secret) && (r.check == nil || r.check(secret))
}

// matchLeft matches the bytes before a literal with the rule's expression. group is the secret in them; nil means that it
// is not there.
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
	// The last letter of an escape in a quoted string does not belong to the word.
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

// firstGroup returns the range of the first group that matched, or of the whole match.
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
