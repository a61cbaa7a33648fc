package registry

import (
	"regexp"

	"plimsoll"
)

// The grammar of names (OCI Distribution Specification 1.1, "Pulling manifests").
var (
	repositoryGrammar = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagGrammar        = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
)

const maxRepositoryBytes = 255

// ValidRepository reports whether s is the path of a repository.
func ValidRepository(s string) bool {
	return len(s) <= maxRepositoryBytes && repositoryGrammar.MatchString(s)
}

// ValidTag reports whether s is a tag.
func ValidTag(s string) bool { return tagGrammar.MatchString(s) }

// repositoryPath returns the path of something in a repository.
func repositoryPath(repository, rest string) (string, error) {
	if !ValidRepository(repository) {
		return "", plimsoll.Fail(plimsoll.FailureNotFound, plimsoll.Errorf(plimsoll.Invalid, "%.80q is not the name of a repository", repository))
	}
	return "/v2/" + repository + "/" + rest, nil
}

func pullScope(repository string) string { return "repository:" + repository + ":pull" }
