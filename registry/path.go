package registry

import "plimsoll"

// repositoryPath returns the path of something in a repository.
func repositoryPath(repository, rest string) (string, error) {
	if !plimsoll.ValidRepository(repository) {
		return "", plimsoll.Fail(plimsoll.FailureNotFound, plimsoll.Errorf(plimsoll.Invalid, "%.80q is not the name of a repository", repository))
	}
	return "/v2/" + repository + "/" + rest, nil
}

func pullScope(repository string) string { return "repository:" + repository + ":pull" }
