package match

import (
	"slices"

	"plimsoll"
)

// splitMalicious parts evidence of malicious packages from evidence of vulnerabilities. A record
// that the same hits name by another id (an alias of a MAL record) stays what it is.
func splitMalicious(hits []advisoryHit) (malicious, others []advisoryHit) {
	for _, x := range hits {
		if x.advisory.Malicious() {
			malicious = append(malicious, x)
		} else {
			others = append(others, x)
		}
	}
	return malicious, others
}

// maliciousPackage makes one finding of all the hits on a package.
func maliciousPackage(p plimsoll.Package, hits []advisoryHit) []plimsoll.MaliciousPackage {
	if len(hits) == 0 {
		return nil
	}
	slices.SortStableFunc(hits, compareHits)
	m := plimsoll.MaliciousPackage{Package: p}
	for _, x := range hits {
		m.Advisories = append(m.Advisories, x.advisory.ID)
		if m.Summary == "" {
			m.Summary = x.advisory.Summary
		}
	}
	m.Advisories = slices.Compact(m.Advisories)
	return []plimsoll.MaliciousPackage{m}
}
