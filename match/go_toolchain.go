package match

import "strings"

// goToolchainVersion returns the version of Go's standard library as advisories write it, by the rules of package
// go/version: the suffix of a vendor or an experiment ("1.22.3-1", "1.26.6-X:boringcrypto", "1.25.1 X:nocoverageredesign")
// does not count, and a candidate ("1.21rc2") is a pre-release of its first release, 1.21.0-rc.2.
func goToolchainVersion(s string) string {
	s = strings.TrimPrefix(s, "go")
	if at := strings.IndexAny(s, "- "); at > 0 && !strings.HasPrefix(s[at:], "-rc.") && !strings.HasPrefix(s[at:], "-beta.") {
		s = s[:at]
	}
	for _, kind := range [...]string{"rc", "beta"} {
		number, candidate, ok := strings.Cut(s, kind)
		if ok && dottedNumber(number) && dottedNumber(candidate) {
			return number + strings.Repeat(".0", max(0, 2-strings.Count(number, "."))) + "-" + kind + "." + candidate
		}
	}
	return s
}
