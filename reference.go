package plimsoll

import (
	"regexp"
	"strings"
)

// The grammar of names (OCI Distribution Specification 1.1, "Pulling manifests").
var (
	repositoryGrammar = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagGrammar        = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
)

const maxRepositoryBytes = 255

// ValidRepository reports whether path is the path of a repository in a registry: at most 255 bytes that match the
// grammar of the OCI Distribution Specification.
func ValidRepository(path string) bool {
	return len(path) <= maxRepositoryBytes && repositoryGrammar.MatchString(path)
}

// ValidTag reports whether tag matches the grammar of the OCI Distribution Specification.
func ValidTag(tag string) bool { return tagGrammar.MatchString(tag) }

// DefaultNamespace is the namespace of a repository path with a single segment.
const DefaultNamespace = "library"

// SplitRepository cuts a repository path into namespace (its first segment) and name (the rest).
func SplitRepository(path string) (namespace, name string) {
	if ns, rest, ok := strings.Cut(path, "/"); ok {
		return ns, rest
	}
	return DefaultNamespace, path
}

// SplitTag cuts repository:tag at the colon; ok is false if there is none. The port of a registry is not taken for a tag.
func SplitTag(name string) (repository, tag string, ok bool) {
	colon := strings.LastIndexByte(name, ':')
	if colon <= strings.LastIndexByte(name, '/') {
		return name, "", false
	}
	return name[:colon], name[colon+1:], true
}

// DefaultTag is the tag of a reference that has neither a tag nor a digest.
const DefaultTag = "latest"

// Reference names an image in a registry, like registry.example:5000/team/web:1.4.0.
type Reference struct {
	Registry   string // host[:port], as written
	Repository string
	Tag        string // DefaultTag if the reference has neither a tag nor a digest
	Digest     Digest // "" if the reference has none; where it is given, Tag is only a note for people
}

// TagOrDigest returns the digest, or the tag if there is no digest: what a registry is asked for.
func (r Reference) TagOrDigest() string {
	if r.Digest != "" {
		return string(r.Digest)
	}
	return r.Tag
}

// hasUserInfo reports whether something other than a digest follows an @: the host of user:password@host, say. No
// message may repeat such a reference.
func hasUserInfo(reference string) bool {
	before, after, found := strings.Cut(reference, "@")
	return found && (!strings.Contains(before, "/") || strings.ContainsAny(after, "/@"))
}

// ParseReference reads host[:port]/repository with a tag, a digest, or both. A reference without a host is Invalid:
// there is no default registry.
func ParseReference(s string) (Reference, error) {
	if hasUserInfo(s) {
		return Reference{}, Errorf(Invalid, "the reference contains a user name or a password").
			WithHint("give them with --username and --password-stdin")
	}
	host, rest, ok := strings.Cut(s, "/")
	if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return Reference{}, Errorf(Invalid, "reference %.200q names no registry", s).
			WithHint("write it in full: registry.example.org/team/web:1.4.0")
	}
	if u, err := ParseRegistryURL("https://" + host); err != nil || u.Host != strings.ToLower(host) {
		return Reference{}, Errorf(Invalid, "reference %.200q: %q is not a host", s, host)
	}
	rest, digest, pinned := strings.Cut(rest, "@")
	r := Reference{Registry: host}
	var tagged bool
	if r.Repository, r.Tag, tagged = SplitTag(rest); !tagged && !pinned {
		r.Tag = DefaultTag
	}
	switch {
	case r.Repository == "" || tagged && r.Tag == "":
		return Reference{}, Errorf(Invalid, "reference %.200q lacks a repository or a tag", s)
	case !ValidRepository(r.Repository):
		return Reference{}, Errorf(Invalid, "%.80q is not the name of a repository", r.Repository)
	case !pinned && !ValidTag(r.Tag):
		return Reference{}, Errorf(Invalid, "%.80q is neither a tag nor a digest", r.Tag)
	}
	var err error
	if pinned {
		r.Digest, err = ParseDigest(digest)
	}
	return r, err
}
