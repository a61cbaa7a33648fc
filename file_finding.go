package plimsoll

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strconv"
	"strings"
)

// FileFinding is what an analyzer found in one file, for analyzers whose findings need no type of their own.
type FileFinding struct {
	Path     string   `json:"path"` // "outer!/inner" of an archive's member
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity,omitempty"`
	Line     int      `json:"line,omitempty"`   // from 1; 0 = the whole file
	Detail   string   `json:"detail,omitempty"` // for people; without secrets

	// Set when the layers of an image are folded.
	Layer    Digest `json:"layer,omitempty"`    // diff ID
	Shadowed bool   `json:"shadowed,omitempty"` // replaced or removed by an upper layer
}

// MalwareKind is the kind of a malware finding.
type MalwareKind string

// The kinds.
const (
	MalwareMatch     MalwareKind = "match"             // a signature matched
	MalwareNotLooked MalwareKind = "not_looked"        // the file could not be inspected, for instance too large or encrypted
	MalwarePackage   MalwareKind = "malicious_package" // an advisory reports the package itself as malware
)

// Malware is a malware finding in one file.
type Malware struct {
	Path   string      `json:"path"`
	Kind   MalwareKind `json:"kind"`
	Rule   string      `json:"rule"`   // name of the signature
	Engine string      `json:"engine"` // engine and list of the signature
	Size   int64       `json:"size"`
	SHA256 string      `json:"sha256"` // hex

	// Set when the layers of an image are folded.
	Layer    Digest `json:"layer,omitempty"`    // diff ID
	Shadowed bool   `json:"shadowed,omitempty"` // replaced or removed by an upper layer: listed, not counted
}

// MalwareFile is a visible file of an image with malware.
type MalwareFile struct {
	Image   Image
	Path    string
	Matches []Malware // by layer and rule
}

// FoldedFileName is the last segment of a path in lower case, as filters by a part of a file's name compare it.
func FoldedFileName(p string) string { return strings.ToLower(path.Base(p)) }

// Secret is a credential found in a file. The secret itself is never stored.
type Secret struct {
	Path     string   `json:"path"`
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Line     int      `json:"line,omitempty"`
	Excerpt  string   `json:"excerpt"` // masked
	Layer    Digest   `json:"layer,omitempty"`
	Shadowed bool     `json:"shadowed,omitempty"` // replaced or removed by an upper layer; counted, because it can be extracted

	// Size is the size of the file, or of the archive's member, in bytes; 0 = unknown, or in a config.
	Size int64 `json:"size,omitempty"`

	// Owned reports whether a package of the operating system installed the file, unchanged.
	Owned Ownership `json:"owned,omitempty"`
}

// Ownership reports whether a package installed a file.
type Ownership string

// The values. A file of a package whose content was changed has no owner.
const (
	OwnershipUnknown Ownership = "" // not known yet, in a config, or a database could not be read
	OwnedByPackage   Ownership = "package"
	OwnedByNone      Ownership = "nobody"
)

// ConfigScheme is the prefix of the paths of secrets in an image's config. No file of a layer has
// such a path: paths of layers contain no empty segment.
const ConfigScheme = "image-config://"

// ID identifies a finding of one artifact by 32 hexadecimal digits. It stays the same as long as
// the artifact's bytes and the rule do.
func (s Secret) ID(artifact Digest) string {
	h := sha256.New()
	for _, part := range [...]string{string(artifact), s.Path, string(s.Layer), s.Rule, strconv.Itoa(s.Line)} {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// FoundSecret is a secret of an image with the decision about it.
type FoundSecret struct {
	Secret
	ID        string   `json:"id"`
	Platform  Platform `json:"platform,omitzero"` // of a member of an index
	Ignored   bool     `json:"ignored,omitempty"`
	IgnoredBy string   `json:"ignored_by,omitempty"`
	ScannedAt int64    `json:"-"` // last inspection of bytes, ms since 1970; set in lists over several images
}

// SecretFilter selects secrets over the images of a project, each secret once however many tags lead to it.
type SecretFilter struct {
	ProjectID          string
	EnterpriseProjects []string      // nil = every one
	Local              bool          // of images that clients sent; false = of images of registries
	Profile            SecretProfile // what is left out
	Offset             int
	Limit              int // 0 = MaxLimit
}

// SecretProfile selects the paths whose secrets are not shown. It is applied when findings are
// read, so that another profile needs no new scan.
type SecretProfile struct {
	Name     string
	Patterns []string // compared with the path and a leading slash; "*" matches any bytes, slashes too
	Owned    bool     // excludes unchanged files of packages of the operating system

	MaxSize int64    // bytes of a file, 0 = any
	Types   []string // extensions of names, with the dot, lower case
}

// DefaultSecretProfile excludes unchanged files of operating system packages, and in installed packages of languages
// their documents, tests, examples and build settings.
func DefaultSecretProfile() SecretProfile {
	p := SecretProfile{Name: "default", Owned: true, Patterns: []string{"/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/var/lib/dpkg/*", "/lib/apk/db/*"}}
	for _, root := range []string{"/node_modules/", "/site-packages/", "/dist-packages/", "/gems/", "/pkg/mod/"} {
		for _, folder := range []string{"test", "tests", "__tests__", "testdata", "test-fixtures", "fixtures", "spec", "example", "examples", "doc", "docs", "demo", "samples", ".github", ".circleci"} {
			p.Patterns = append(p.Patterns, "*"+root+"*/"+folder+"/*")
		}
		for _, end := range []string{".md", ".rst", ".map", ".d.ts", ".example", ".examples.json", ".sample", "/.travis.yml", "/.coveralls.yml"} {
			p.Patterns = append(p.Patterns, "*"+root+"*"+end)
		}
	}
	// The standard libraries of Python and Go include tests.
	p.Patterns = append(p.Patterns, "*/lib/python*/test/*", "*/lib/python*/idlelib/*", "*/go/src/*_test.go", "*/go/src/*/testdata/*", "*/go/test/*")
	return p
}

// Excludes reports whether a profile excludes a finding. An unknown size or owner excludes none.
// Findings in a config are never excluded.
func (p SecretProfile) Excludes(s Secret) bool {
	path := s.Path
	if strings.HasPrefix(path, ConfigScheme) {
		return false
	}
	if p.Owned && s.Owned == OwnedByPackage || p.MaxSize > 0 && s.Size > p.MaxSize {
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
		if MatchesPath(pattern, path) {
			return true
		}
	}
	return false
}

// MatchesPath reports whether a pattern matches a whole path; "*" matches any bytes. The worst-case
// time is the product of both lengths.
func MatchesPath(pattern, path string) bool {
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

// MaxSecretPaths is the number of patterns that a project may add.
const MaxSecretPaths = 20

// ValidateSecretPaths refuses patterns that users may not add to a profile (Invalid).
func ValidateSecretPaths(patterns []string) error {
	if len(patterns) > MaxSecretPaths {
		return Errorf(Invalid, "%d path patterns, at most %d are allowed", len(patterns), MaxSecretPaths)
	}
	for _, pattern := range patterns {
		switch {
		case pattern == "" || len(pattern) > 256:
			return Errorf(Invalid, "a path pattern has 1 to 256 bytes, not %d", len(pattern))
		case !strings.HasPrefix(pattern, "/") && !strings.HasPrefix(pattern, "*"):
			return Errorf(Invalid, "a path pattern begins with / or *")
		case strings.Trim(pattern, "*/") == "":
			return Errorf(Invalid, "a path pattern may not cover every file")
		}
	}
	return nil
}
