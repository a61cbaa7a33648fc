package plimsoll

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strconv"
	"strings"
)

// MalwareKind says what a malware finding is about.
type MalwareKind string

// The kinds.
const (
	MalwareMatch     MalwareKind = "match"             // a signature matched
	MalwareNotLooked MalwareKind = "not_looked"        // the file could not be inspected: too big, encrypted
	MalwarePackage   MalwareKind = "malicious_package" // an advisory says that the package itself is malware
)

// Malware is a finding about one file.
type Malware struct {
	Path   string      `json:"path"`
	Kind   MalwareKind `json:"kind"`
	Rule   string      `json:"rule"`   // name of the signature
	Engine string      `json:"engine"` // which engine and list
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

// Secret is a credential found in a file. The secret itself is never kept.
type Secret struct {
	Path     string   `json:"path"`
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Line     int      `json:"line,omitempty"`
	Excerpt  string   `json:"excerpt"` // masked
	Layer    Digest   `json:"layer,omitempty"`
	Shadowed bool     `json:"shadowed,omitempty"` // replaced or removed by an upper layer; counts all the same: it can be extracted

	// Size is of the file, or of the member of an archive, in bytes; 0 = not known, or in a config.
	Size int64 `json:"size,omitempty"`

	// Owned says whether the file is as a package of the operating system brought it.
	Owned Ownership `json:"owned,omitempty"`
}

// Ownership says who brought a file.
type Ownership string

// The answers. A file that is in a package's place with other content is nobody's.
const (
	OwnershipUnknown Ownership = "" // not looked at yet, in a config, or a database could not be read
	OwnedByPackage   Ownership = "package"
	OwnedByNobody    Ownership = "nobody"
)

// ConfigScheme begins the paths of secrets in an image's config. No file of a layer has such
// a path: paths of layers hold no empty segment.
const ConfigScheme = "image-config://"

// ID names a finding of one artifact, 32 hexadecimal digits. It stays the same as long as the
// artifact's bytes and the rule do.
func (s Secret) ID(artifact Digest) string {
	h := sha256.New()
	for _, part := range [...]string{string(artifact), s.Path, string(s.Layer), s.Rule, strconv.Itoa(s.Line)} {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// FoundSecret is a secret of an image with what a person said about it.
type FoundSecret struct {
	Secret
	ID        string   `json:"id"`
	Platform  Platform `json:"platform,omitzero"` // of a member of an index
	Ignored   bool     `json:"ignored,omitempty"`
	IgnoredBy string   `json:"ignored_by,omitempty"`
	ScannedAt int64    `json:"-"` // ms since 1970, last inspection of bytes; of lists over images
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

// SecretProfile says which paths secrets are not shown for. It is applied when findings are
// asked for, so that another profile needs no new scan.
type SecretProfile struct {
	Name     string
	Patterns []string // "*" stands for any bytes, slashes too; held against the path with a leading slash
	Owned    bool     // files as packages of the operating system brought them are left out

	MaxSize int64    // bytes of a file, 0 = any
	Types   []string // ends of names, with the dot, lower case
}

// DefaultSecretProfile leaves out what operating-system packages brought, and documents, tests, examples
// and settings of their makers' builds inside of installed packages of languages.
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
	// The standard libraries of Python and Go come with tests of their own.
	p.Patterns = append(p.Patterns, "*/lib/python*/test/*", "*/lib/python*/idlelib/*", "*/go/src/*_test.go", "*/go/src/*/testdata/*", "*/go/test/*")
	return p
}

// Excludes reports whether a profile leaves a finding out. What is not known of its file is no
// reason to. Findings in a config are never left out.
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

// MatchesPath reports whether a pattern in which "*" stands for any bytes covers all of a path.
// It takes time in proportion to the product of both lengths at worst.
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

// MaxSecretPaths bounds the patterns that a project may add.
const MaxSecretPaths = 20

// ValidateSecretPaths refuses patterns that a person may not add to a profile.
func ValidateSecretPaths(patterns []string) error {
	if len(patterns) > MaxSecretPaths {
		return Errorf(Invalid, "%d path patterns, at most %d can be", len(patterns), MaxSecretPaths)
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
