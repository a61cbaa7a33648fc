package match

import (
	"slices"

	"plimsoll"
)

// splitMalicious separates hits by malicious-package advisories (MAL-…) from hits by
// vulnerability advisories. Each hit is classified by its own advisory: an alias of a MAL
// advisory that is a separate record still counts as a vulnerability.
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

// maliciousPackage makes one finding from all malicious-package hits of a package; none
// without hits.
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
