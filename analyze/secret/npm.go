package secret

import (
	"bytes"
	"regexp"
)

// npmAuthRE matches a setting of npm with a value that does not refer to another setting (npm's documentation, "npmrc").
var npmAuthRE = regexp.MustCompile(`^_(?:authToken|auth|password)\s{0,4}=\s{0,4}["']?([^\s"'$(]{8,})`)

// matchNpmAuth accepts a setting of npm. In a program it is part of a string and follows the address of a registry: after
// a space the name is a variable of the program, and a value before a parenthesis is a call.
func matchNpmAuth(c *candidate) (from, to int, ok bool) {
	if n := len(c.before); c.kind == kindSource && n > 0 && bytes.IndexByte([]byte(" \t\n"), c.before[n-1]) >= 0 {
		return 0, 0, false
	}
	from, to, ok = firstGroup(npmAuthRE.FindSubmatchIndex(c.after))
	return from, to, ok && (to == len(c.after) || c.after[to] != '(')
}
