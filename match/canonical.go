package match

import (
	"slices"

	"plimsoll"
)

// canonicalIDs returns the ids of the vulnerabilities that an advisory describes: all its
// CVEs, else the smallest of its id and aliases. There is no transitive closure: the aliases
// of an alias do not count. An erratum without a CVE that is not a security erratum only
// fixes bugs and describes no vulnerability.
func canonicalIDs(a plimsoll.Advisory) []string {
	if cves := a.CVEs(); len(cves) > 0 {
		return cves
	}
	if a.Erratum() && !securityErratum(a.ID) {
		return nil
	}
	return []string{slices.Min(append([]string{a.ID}, a.Aliases...))}
}

// securityErratum reports whether the id is of a security erratum (RHSA, ALSA, …), not of bug
// fixes (RHBA) or enhancements (RHEA).
func securityErratum(id string) bool { return len(id) > 3 && id[2] == 'S' && id[3] == 'A' }

// otherAliases returns the advisory's aliases except id and CVEs, because each CVE is a
// separate vulnerability.
func otherAliases(a plimsoll.Advisory, id string) []string {
	return slices.DeleteFunc(slices.Clone(a.Aliases), func(other string) bool {
		return other == id || plimsoll.IsCVE(other)
	})
}
