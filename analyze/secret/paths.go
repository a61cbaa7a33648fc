package secret

import (
	"strings"

	"plimsoll"
)

// Profile says which paths findings are not shown for. It is applied when findings are
// asked for, so that another profile needs no new scan.
type Profile struct {
	Name     string
	Patterns []string // "*" stands for any bytes, slashes too; held against the path with a leading slash
	Owned    bool     // files that packages of the operating system own are left out

	MaxSize int64    // bytes of a file, 0 = any
	Types   []string // ends of names, with the dot
}

// DefaultProfile leaves out what operating-system packages own, and documents, tests and
// examples inside of installed packages of languages.
func DefaultProfile() Profile {
	p := Profile{Name: "default", Owned: true, Patterns: []string{"/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/var/lib/dpkg/*", "/lib/apk/db/*"}}
	for _, root := range []string{"/node_modules/", "/site-packages/", "/dist-packages/", "/gems/", "/pkg/mod/"} {
		for _, folder := range []string{"test", "tests", "__tests__", "testdata", "test-fixtures", "fixtures", "spec", "example", "examples", "doc", "docs", "demo", "samples"} {
			p.Patterns = append(p.Patterns, "*"+root+"*/"+folder+"/*")
		}
		p.Patterns = append(p.Patterns, "*"+root+"*.md", "*"+root+"*.rst", "*"+root+"*.map", "*"+root+"*.d.ts")
	}
	// The standard libraries of Python and Go come with tests of their own.
	p.Patterns = append(p.Patterns, "*/lib/python*/test/*", "*/lib/python*/idlelib/*", "*/go/src/*_test.go", "*/go/src/*/testdata/*", "*/go/test/*")
	return p
}

// HSSProfile leaves out what the vendor's documentation lists for its scan of sensitive information. Not
// covered is what that says of single rules (source files for some, strings of 32 to 64 word bytes): its rules are others.
func HSSProfile() Profile {
	return Profile{
		Name: "hss",
		Patterns: []string{
			"/usr/*", "/lib/*", "/lib32/*", "/bin/*", "/sbin/*", "/var/lib/*", "/var/log/*",
			"*/node_modules/*/*.md", "*/node_modules/*/test/*", "*/service/iam/examples_test.go", "*/grafana/public/build/*.js",
		},
		MaxSize: 20 << 20,
		Types:   []string{".jpg", ".png", ".gif", ".mov", ".avi", ".mpeg", ".pdf", ".mp4", ".mp3", ".svg", ".tar", ".gz", ".zip"},
	}
}

// Excludes reports whether a profile leaves a file out. size is in bytes, negative if it is not known.
// owned says whether a package of the operating system owns it. Findings in a config are never left out.
func (p Profile) Excludes(path string, size int64, owned bool) bool {
	if strings.HasPrefix(path, ConfigScheme) {
		return false
	}
	if p.Owned && owned || p.MaxSize > 0 && size > p.MaxSize {
		return true
	}
	low := strings.ToLower(path)
	for _, t := range p.Types {
		if strings.HasSuffix(low, t) {
			return true
		}
	}
	path = "/" + strings.TrimPrefix(path, "/")
	for _, pattern := range p.Patterns {
		if Matches(pattern, path) {
			return true
		}
	}
	return false
}

// Matches reports whether a pattern in which "*" stands for any bytes covers all of a path.
// It takes time in proportion to the product of both lengths at worst.
func Matches(pattern, path string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == path
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(path) < len(first)+len(last) || !strings.HasPrefix(path, first) || !strings.HasSuffix(path, last) {
		return false
	}
	path = path[len(first) : len(path)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(path, part)
		if i < 0 {
			return false
		}
		path = path[i+len(part):]
	}
	return true
}

// CheckPattern refuses a pattern that a person may not add.
func CheckPattern(pattern string) error {
	switch {
	case pattern == "" || len(pattern) > 256:
		return plimsoll.Errorf(plimsoll.Invalid, "a path pattern has 1 to 256 bytes, not %d", len(pattern))
	case !strings.HasPrefix(pattern, "/") && !strings.HasPrefix(pattern, "*"):
		return plimsoll.Errorf(plimsoll.Invalid, "a path pattern begins with / or *")
	case strings.Trim(pattern, "*/") == "":
		return plimsoll.Errorf(plimsoll.Invalid, "a path pattern may not cover every file")
	}
	return nil
}
