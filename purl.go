package plimsoll

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// PURL is a package URL, taken apart
// (https://github.com/package-url/purl-spec/blob/main/PURL-SPECIFICATION.rst).
type PURL struct {
	Type       string
	Namespace  string
	Name       string
	Version    string
	Qualifiers map[string]string // keys in lower case
}

// maxPURL bounds a package URL, in bytes.
const maxPURL = 4096

// ParsePURL takes a package URL apart. A subpath is dropped.
func ParsePURL(s string) (PURL, error) {
	bad := Errorf(Invalid, "%.100q is not a package URL", s)
	rest, ok := strings.CutPrefix(s, "pkg:")
	if !ok || len(s) > maxPURL {
		return PURL{}, bad
	}
	rest, _, _ = strings.Cut(strings.TrimLeft(rest, "/"), "#")
	rest, query, _ := strings.Cut(rest, "?")
	kind, path, ok := strings.Cut(rest, "/")
	if !ok || kind == "" {
		return PURL{}, bad
	}
	p := PURL{Type: strings.ToLower(kind)}
	path = strings.Trim(path, "/")
	// An @ in a namespace ("@scope") is to be encoded; one that starts a segment is taken as such.
	if at := strings.LastIndexByte(path, '@'); at > 0 && path[at-1] != '/' {
		path, p.Version = path[:at], path[at+1:]
	}
	var fine bool
	if p.Version, fine = decoded(p.Version); !fine {
		return PURL{}, bad
	}
	parts := strings.Split(path, "/")
	for i := range parts {
		if parts[i], fine = decoded(parts[i]); !fine || parts[i] == "" {
			return PURL{}, bad
		}
	}
	p.Name, p.Namespace = parts[len(parts)-1], strings.Join(parts[:len(parts)-1], "/")
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if value, fine = decoded(value); !fine {
			return PURL{}, bad
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

func decoded(s string) (string, bool) {
	out, err := url.PathUnescape(s)
	return out, err == nil && utf8.ValidString(out) && !strings.ContainsFunc(out, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// normalise follows the rules of the types whose names are not case-sensitive.
func (p *PURL) normalise() {
	switch p.Type {
	case "pypi":
		p.Name = pypiName(p.Name)
	case "apk", "bitbucket", "composer", "deb", "github", "oci":
		p.Namespace, p.Name = strings.ToLower(p.Namespace), strings.ToLower(p.Name)
	case "nuget":
		p.Name = strings.ToLower(p.Name)
	case "rpm":
		p.Namespace = strings.ToLower(p.Namespace)
	}
}

// String writes the URL with its qualifiers in order.
func (p PURL) String() string {
	var b strings.Builder
	b.WriteString("pkg:" + p.Type + "/")
	for part := range strings.SplitSeq(p.Namespace, "/") {
		if part != "" {
			b.WriteString(encoded(part) + "/")
		}
	}
	b.WriteString(encoded(p.Name))
	if p.Version != "" {
		b.WriteString("@" + encoded(p.Version))
	}
	keys := make([]string, 0, len(p.Qualifiers))
	for key := range p.Qualifiers {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	separator := "?"
	for _, key := range keys {
		b.WriteString(separator + key + "=" + encoded(p.Qualifiers[key]))
		separator = "&"
	}
	return b.String()
}

// encoded escapes everything but letters, digits and "-._~".
func encoded(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

// comparedQualifiers tell builds of one package apart. One that only one side has says nothing.
var comparedQualifiers = [...]string{"arch", "distro", "epoch"}

// Called reports whether a scope's package means p: a package URL, a name, or
// name@version. A package URL whose arch is "source" or "src", and a name, may be those of the source package.
func (p Package) Called(scope string) bool {
	if strings.HasPrefix(scope, "pkg:") {
		want, err := ParsePURL(scope)
		have, err2 := ParsePURL(p.PURL)
		return err == nil && err2 == nil && want.means(have, p)
	}
	name, version := scope, ""
	if at := strings.LastIndexByte(scope, '@'); at > 0 {
		name, version = scope[:at], scope[at+1:]
	}
	return (name == p.Name && (version == "" || version == p.Version)) ||
		(name == p.AdvisoryName() && (version == "" || version == p.AdvisoryVersion()))
}

func (p PURL) means(have PURL, pkg Package) bool {
	name, version := have.Name, have.Version
	arch := p.Qualifiers["arch"]
	source := arch == "source" || arch == "src"
	if source {
		name, version = pkg.AdvisoryName(), pkg.AdvisoryVersion()
	}
	if p.Type != have.Type || p.Namespace != have.Namespace || p.Name != name || (p.Version != "" && p.Version != version) {
		return false
	}
	for _, key := range comparedQualifiers {
		a, b := p.Qualifiers[key], have.Qualifiers[key]
		if a != "" && b != "" && a != b && !(source && key == "arch") {
			return false
		}
	}
	return true
}
