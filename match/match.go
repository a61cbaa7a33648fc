package match

import (
	"slices"
	"strings"

	"plimsoll"
)

// Version is the matcher's version. It is raised whenever the result for the same packages
// and evidence changes.
const Version = "5"

// Keys returns the ecosystems and names by which to look up advisories for the packages,
// sorted and without duplicates. Packages of ecosystems that cannot be judged have none.
func Keys(packages []plimsoll.Package) []plimsoll.AdvisoryKey {
	out := make([]plimsoll.AdvisoryKey, 0, len(packages))
	for _, p := range packages {
		base := plimsoll.BaseEcosystem(p.Ecosystem)
		s, ok := schemeOf(base)
		if !ok || s.version == nil {
			continue
		}
		first, second := s.subjects(p)
		out = append(out, plimsoll.NewAdvisoryKey(base, first.name))
		if second.name != "" {
			out = append(out, plimsoll.NewAdvisoryKey(base, second.name))
		}
		out = append(out, ownerKeys(p.Owner)...)
	}
	slices.SortFunc(out, func(a, b plimsoll.AdvisoryKey) int {
		return strings.Compare(a.Ecosystem+"\n"+a.Name, b.Ecosystem+"\n"+b.Name)
	})
	return slices.Compact(out)
}

// Judge compares the packages with the evidence. Its result does not depend on the order of
// either. A package may be both affected and not judged: one advisory applies to it, and
// another has a version that cannot be ordered.
func Judge(packages []plimsoll.Package, e plimsoll.Evidence) plimsoll.Judgement {
	j := packageJudge{
		evidence:   e,
		entries:    indexEntries(e.Advisories),
		covered:    coveredReleases(e.Releases),
		named:      namedOwners(packages, e.Advisories),
		evaluators: map[string]*rangeEvaluator{},
	}
	out := plimsoll.Judgement{Revision: e.Revision}
	for _, p := range packages {
		found, malware, reason := j.judgePackage(p)
		out.Vulnerabilities = append(out.Vulnerabilities, found...)
		out.Malicious = append(out.Malicious, malware...)
		if reason != "" {
			out.NotJudged = append(out.NotJudged, plimsoll.NotJudged{Package: p, Reason: reason})
		}
	}
	slices.SortFunc(out.Vulnerabilities, func(a, b plimsoll.Vulnerability) int {
		if d := strings.Compare(a.ID, b.ID); d != 0 {
			return d
		}
		return a.Package.Compare(b.Package)
	})
	slices.SortFunc(out.Malicious, func(a, b plimsoll.MaliciousPackage) int { return a.Package.Compare(b.Package) })
	slices.SortFunc(out.NotJudged, func(a, b plimsoll.NotJudged) int { return a.Package.Compare(b.Package) })
	return out
}

type packageJudge struct {
	evidence   plimsoll.Evidence
	entries    map[plimsoll.AdvisoryKey][]affectedEntry
	covered    map[string]bool               // by "base ecosystem:normalized release"
	named      map[plimsoll.AdvisoryKey]bool // owners that some advisory in force names
	evaluators map[string]*rangeEvaluator    // by base ecosystem
}

// affectedEntry is an element of an advisory's affected list, with its advisory.
type affectedEntry struct {
	advisory *plimsoll.Advisory
	affected *plimsoll.Affected
}

// indexEntries indexes affected entries by package, without those of withdrawn advisories.
func indexEntries(advisories []plimsoll.Advisory) map[plimsoll.AdvisoryKey][]affectedEntry {
	out := map[plimsoll.AdvisoryKey][]affectedEntry{}
	for i := range advisories {
		a := &advisories[i]
		if !a.Withdrawn.IsZero() {
			continue
		}
		for k := range a.Affected {
			f := &a.Affected[k]
			key := plimsoll.NewAdvisoryKey(f.Ecosystem, f.Name)
			out[key] = append(out[key], affectedEntry{a, f})
		}
	}
	return out
}

// coveredReleases returns the normalized releases that have advisories.
func coveredReleases(releases map[string]bool) map[string]bool {
	out := map[string]bool{}
	for ecosystem, has := range releases {
		base, suffix, _ := strings.Cut(ecosystem, ":")
		s, known := schemeOf(base)
		if !has || !known {
			continue
		}
		if release, ok := s.release(suffix); ok {
			out[base+":"+release] = true
		}
	}
	return out
}

// judgePackage judges one package. Of a package that the distribution of its owner judges, the advisories of the language
// say only whether it is malware: a vulnerability is found in the owner. reason is why it could not be judged, or not by every
// advisory; "" if it was.
func (j *packageJudge) judgePackage(p plimsoll.Package) (found []plimsoll.Vulnerability, malware []plimsoll.MaliciousPackage, reason string) {
	base, suffix, _ := strings.Cut(p.Ecosystem, ":")
	if base == "" {
		return nil, nil, plimsoll.NotJudgedDistribution
	}
	s, known := schemeOf(base)
	if !known {
		return nil, nil, plimsoll.NotJudgedEcosystem
	}
	if s.version == nil {
		return nil, nil, plimsoll.NotJudgedOrder
	}
	release, ok := s.release(suffix)
	if !ok {
		return nil, nil, plimsoll.NotJudgedDistribution
	}
	h := j.evaluators[base]
	if h == nil {
		h = &rangeEvaluator{scheme: s, parsed: map[string]parsedBound{}}
		j.evaluators[base] = h
	}
	hits, unjudged := j.findHits(h, p, base, release)
	switch {
	case !j.covered[base+":"+release]:
		reason = plimsoll.NotJudgedEcosystem
	case unjudged:
		reason = plimsoll.NotJudgedVersion
	}
	malicious, hits := splitMalicious(hits)
	if j.isJudgedByDistribution(p) {
		return nil, maliciousPackage(p, malicious), ""
	}
	return j.mergeByID(h, p, hits), maliciousPackage(p, malicious), reason
}

// advisoryHit is an affected entry that applies to a package, with the fixed version.
type advisoryHit struct {
	affectedEntry
	fixed string
}

func (j *packageJudge) findHits(h *rangeEvaluator, p plimsoll.Package, base, release string) (hits []advisoryHit, unjudged bool) {
	first, second := h.scheme.subjects(p)
	hits, unjudged = j.findHitsFor(h, first, base, release)
	if second.name == "" {
		return hits, unjudged
	}
	more, also := j.findHitsFor(h, second, base, release)
	return append(hits, more...), unjudged || also
}

// findHitsFor compares one name and version of a package with the entries about it. A version that cannot be ordered is
// not judged; in an ecosystem with packages that have no version, only if some entry has to be compared with it.
func (j *packageJudge) findHitsFor(h *rangeEvaluator, subject advisorySubject, base, release string) (hits []advisoryHit, unjudged bool) {
	unjudged = !h.scheme.unversioned && h.parseBound(subject.version).err != nil
	for _, e := range j.entries[plimsoll.NewAdvisoryKey(base, subject.name)] {
		if !appliesToRelease(h.scheme, e.affected.Ecosystem, release) {
			continue
		}
		v := h.evaluate(subject.version, *e.affected)
		unjudged = unjudged || v.unjudged
		if v.affected {
			hits = append(hits, advisoryHit{affectedEntry: e, fixed: v.fixed})
		}
	}
	return hits, unjudged
}

// appliesToRelease reports whether an entry's ecosystem includes the release. In the OSV
// schema a suffix limits the entry to a release; without a suffix it applies to all releases.
func appliesToRelease(s ecosystemScheme, ecosystem, release string) bool {
	_, suffix, scoped := strings.Cut(ecosystem, ":")
	if !scoped {
		return true
	}
	r, ok := s.release(suffix)
	return ok && r == release
}

// mergeByID makes one vulnerability per canonical id of the hits.
func (j *packageJudge) mergeByID(h *rangeEvaluator, p plimsoll.Package, hits []advisoryHit) []plimsoll.Vulnerability {
	byID := map[string][]advisoryHit{}
	for _, x := range hits {
		for _, id := range canonicalIDs(*x.advisory) {
			byID[id] = append(byID[id], x)
		}
	}
	out := make([]plimsoll.Vulnerability, 0, len(byID))
	for id, hits := range byID {
		slices.SortStableFunc(hits, compareHits)
		out = append(out, j.newVulnerability(h, id, p, hits))
	}
	return out
}

func (j *packageJudge) newVulnerability(h *rangeEvaluator, id string, p plimsoll.Package, hits []advisoryHit) plimsoll.Vulnerability {
	v := plimsoll.Vulnerability{ID: id, Package: p, Advisories: []string{}, Aliases: []string{}}
	for _, x := range hits {
		a := x.advisory
		v.Advisories = append(v.Advisories, a.ID)
		v.Aliases = append(v.Aliases, otherAliases(*a, id)...)
		v.FixedVersion = h.laterVersion(v.FixedVersion, x.fixed)
		if v.Summary == "" {
			v.Summary = a.Summary
		}
		if v.URL == "" {
			v.URL = a.URL
		}
	}
	slices.Sort(v.Advisories)
	v.Advisories = slices.Compact(v.Advisories)
	slices.Sort(v.Aliases)
	v.Aliases = slices.Compact(v.Aliases)
	v.Severity, v.Score = rateHits(hits, j.evidence.Ratings[id])
	threat := j.evidence.Threats[id]
	v.Urgency, v.Exploited = threat.Urgency(v.Severity), threat.Exploited
	return v
}

// compareHits orders hits by content, so that the order of the evidence does not matter.
func compareHits(a, b advisoryHit) int {
	for _, c := range [...][2]string{
		{a.advisory.ID, b.advisory.ID}, {a.affected.Ecosystem, b.affected.Ecosystem}, {a.fixed, b.fixed},
		{a.advisory.Feed, b.advisory.Feed}, {a.advisory.Summary, b.advisory.Summary}, {a.advisory.URL, b.advisory.URL},
	} {
		if d := strings.Compare(c[0], c[1]); d != 0 {
			return d
		}
	}
	return 0
}
