package match

import (
	"slices"

	"plimsoll"
)

// canonicalIDs returns the ids of the vulnerabilities that a record is evidence of: every
// CVE that it stands for, else the smallest of its id and aliases. There is no
// transitive closure: an alias's aliases do not count. An erratum that names no CVE
// and is not a security one fixes bugs; it is evidence of nothing.
func canonicalIDs(a plimsoll.Advisory) []string {
	if cves := a.CVEs(); len(cves) > 0 {
		return cves
	}
	if a.Erratum() && !securityErratum(a.ID) {
		return nil
	}
	return []string{slices.Min(append([]string{a.ID}, a.Aliases...))}
}

// securityErratum tells RHSA, ALSA … from RHBA (bugs) and RHEA (enhancements).
func securityErratum(id string) bool { return len(id) > 3 && id[2] == 'S' && id[3] == 'A' }

// otherAliases are the record's other names of the vulnerability, less its CVEs: each of
// those is a vulnerability of its own.
func otherAliases(a plimsoll.Advisory, id string) []string {
	return slices.DeleteFunc(slices.Clone(a.Aliases), func(other string) bool {
		return other == id || plimsoll.IsCVE(other)
	})
}
