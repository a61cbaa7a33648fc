package match

import (
	"slices"
	"strings"

	"plimsoll"
)

// releaseOfOwner returns the scheme and the normalized release of the distribution of an owner; ok is false without an
// owner, and if its distribution cannot be judged.
func releaseOfOwner(o plimsoll.Owner) (s ecosystemScheme, base, release string, ok bool) {
	if o.Name == "" {
		return s, "", "", false
	}
	base, suffix, _ := strings.Cut(o.Ecosystem, ":")
	s, known := schemeOf(base)
	if !known || s.version == nil {
		return s, "", "", false
	}
	release, ok = s.release(suffix)
	return s, base, release, ok
}

// ownerKeys returns the keys by which to look up what the owner's distribution publishes about it.
func ownerKeys(o plimsoll.Owner) []plimsoll.AdvisoryKey {
	s, base, _, ok := releaseOfOwner(o)
	if !ok {
		return nil
	}
	first, second := s.subjects(plimsoll.Package{Ecosystem: o.Ecosystem, Name: o.Name, Source: o.Source})
	keys := []plimsoll.AdvisoryKey{plimsoll.NewAdvisoryKey(base, first.name)}
	if second.name != "" {
		keys = append(keys, plimsoll.NewAdvisoryKey(base, second.name))
	}
	return keys
}

// namedOwners returns the keys of owners of packages that some advisory in force names, regardless of the release.
func namedOwners(packages []plimsoll.Package, advisories []plimsoll.Advisory) map[plimsoll.AdvisoryKey]bool {
	owners := map[plimsoll.AdvisoryKey]bool{}
	for _, p := range packages {
		for _, key := range ownerKeys(p.Owner) {
			owners[key] = true
		}
	}
	named := map[plimsoll.AdvisoryKey]bool{}
	if len(owners) == 0 {
		return named
	}
	for i := range advisories {
		if !advisories[i].Withdrawn.IsZero() {
			continue
		}
		for _, f := range advisories[i].Affected {
			if key := plimsoll.NewAdvisoryKey(f.Ecosystem, f.Name); owners[key] {
				named[key] = true
			}
		}
	}
	return named
}

// isJudgedByDistribution reports whether the advisories of a distribution judge the package, through its owner: they
// cover the owner's release, and, if another vendor made the owner, they name it. Distributions repair vulnerabilities
// without raising the version that advisories of languages compare.
func (j *packageJudge) isJudgedByDistribution(p plimsoll.Package) bool {
	_, base, release, ok := releaseOfOwner(p.Owner)
	if !ok || !j.covered[base+":"+release] {
		return false
	}
	return !p.Owner.OtherVendor || slices.ContainsFunc(ownerKeys(p.Owner), func(key plimsoll.AdvisoryKey) bool { return j.named[key] })
}
