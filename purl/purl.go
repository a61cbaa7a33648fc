// Package purl reads and writes package URLs.
package purl

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// PackageURL is a parsed package URL
// (https://github.com/package-url/purl-spec/blob/main/PURL-SPECIFICATION.rst).
type PackageURL struct {
	Type       string
	Namespace  string
	Name       string
	Version    string
	Qualifiers map[string]string // keys in lower case
}

// maxBytes bounds the length of a package URL.
const maxBytes = 4096

// Parse parses a package URL. A subpath is dropped.
func Parse(s string) (PackageURL, error) {
	bad := fmt.Errorf("%.100q is not a package URL", s)
	rest, ok := strings.CutPrefix(s, "pkg:")
	if !ok || len(s) > maxBytes {
		return PackageURL{}, bad
	}
	rest, _, _ = strings.Cut(strings.TrimLeft(rest, "/"), "#")
	rest, query, _ := strings.Cut(rest, "?")
	kind, path, ok := strings.Cut(rest, "/")
	if !ok || kind == "" {
		return PackageURL{}, bad
	}
	p := PackageURL{Type: strings.ToLower(kind)}
	path = strings.Trim(path, "/")
	// An @ in a namespace ("@scope") is to be encoded; one that starts a segment is taken as such.
	if at := strings.LastIndexByte(path, '@'); at > 0 && path[at-1] != '/' {
		path, p.Version = path[:at], path[at+1:]
	}
	var fine bool
	if p.Version, fine = decodeSegment(p.Version); !fine {
		return PackageURL{}, bad
	}
	parts := strings.Split(path, "/")
	for i := range parts {
		if parts[i], fine = decodeSegment(parts[i]); !fine || parts[i] == "" {
			return PackageURL{}, bad
		}
	}
	p.Name, p.Namespace = parts[len(parts)-1], strings.Join(parts[:len(parts)-1], "/")
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if value, fine = decodeSegment(value); !fine {
			return PackageURL{}, bad
		}
		if key == "" || value == "" {
			continue
		}
		if p.Qualifiers == nil {
			p.Qualifiers = map[string]string{}
		}
		p.Qualifiers[strings.ToLower(key)] = value
	}
	p.normalise()
	return p, nil
}

func decodeSegment(s string) (string, bool) {
	out, err := url.PathUnescape(s)
	return out, err == nil && utf8.ValidString(out) && !strings.ContainsFunc(out, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// normalise follows the rules of the types whose names are not case-sensitive.
func (p *PackageURL) normalise() {
	switch p.Type {
	case "pypi":
		p.Name = PyPIName(p.Name)
	case "apk", "bitbucket", "composer", "deb", "github", "oci":
		p.Namespace, p.Name = strings.ToLower(p.Namespace), strings.ToLower(p.Name)
	case "nuget":
		p.Name = strings.ToLower(p.Name)
	case "rpm":
		p.Namespace = strings.ToLower(p.Namespace)
	}
}

// String writes the URL with its qualifiers in order.
func (p PackageURL) String() string {
	var b strings.Builder
	b.WriteString("pkg:" + p.Type + "/")
	for part := range strings.SplitSeq(p.Namespace, "/") {
		if part != "" {
			b.WriteString(encodeSegment(part) + "/")
		}
	}
	b.WriteString(encodeSegment(p.Name))
	if p.Version != "" {
		b.WriteString("@" + encodeSegment(p.Version))
	}
	keys := make([]string, 0, len(p.Qualifiers))
	for key := range p.Qualifiers {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	separator := "?"
	for _, key := range keys {
		b.WriteString(separator + key + "=" + encodeSegment(p.Qualifiers[key]))
		separator = "&"
	}
	return b.String()
}

// encodeSegment escapes everything but letters, digits and "-._~".
func encodeSegment(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

// PyPIName normalises the name of a PyPI project: lower case, runs of
// ".", "-" and "_" become one "-" (https://peps.python.org/pep-0503/#normalized-names).
func PyPIName(name string) string {
	separator := func(c byte) bool { return c == '.' || c == '-' || c == '_' }
	out := make([]byte, 0, len(name))
	for i := range len(name) {
		switch c := name[i]; {
		case !separator(c):
			out = append(out, c)
		case i == 0 || !separator(name[i-1]):
			out = append(out, '-')
		}
	}
	return strings.ToLower(string(out))
}
