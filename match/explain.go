package match

import (
	"slices"
	"strconv"
	"strings"

	"plimsoll"
)

// Explain explains how each package was judged for an id: a CVE, the id of an advisory, or
// an alias of either. checked contains the packages that an advisory about the id names, in
// the order given, each with the result per affected entry. ids are the canonical ids of
// these advisories, sorted. Explain and Judge give the same results for the same evidence.
func Explain(id string, packages []plimsoll.Package, e plimsoll.Evidence) (checked []plimsoll.CheckedPackage, ids []string) {
	about := slices.DeleteFunc(slices.Clone(e.Advisories), func(a plimsoll.Advisory) bool { return !isAbout(a, id) })
	for _, a := range about {
		ids = append(ids, canonicalIDs(a)...)
	}
	if plimsoll.IsCVE(id) && slices.Contains(ids, id) {
		ids = []string{id} // of an advisory about several CVEs, only this one is meant
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	named := namedOwners(packages, e.Advisories)
	e.Advisories = about
	x := explainer{packageJudge{
		evidence: e, entries: indexAllEntries(about), covered: coveredReleases(e.Releases), named: named, evaluators: map[string]*rangeEvaluator{},
	}, ids}
	for _, p := range packages {
		if c, ok := x.explainPackage(p); ok {
			checked = append(checked, c)
		}
	}
	return checked, ids
}

// isAbout reports whether an advisory is about an id.
func isAbout(a plimsoll.Advisory, id string) bool {
	return a.ID == id || slices.Contains(a.Aliases, id) || slices.Contains(a.Upstream, id) || slices.Contains(canonicalIDs(a), id)
}

// indexAllEntries is indexEntries including the entries of withdrawn advisories.
func indexAllEntries(advisories []plimsoll.Advisory) map[plimsoll.AdvisoryKey][]affectedEntry {
	out := map[plimsoll.AdvisoryKey][]affectedEntry{}
	for i := range advisories {
		a := &advisories[i]
		for k := range a.Affected {
			f := &a.Affected[k]
			key := plimsoll.NewAdvisoryKey(f.Ecosystem, f.Name)
			out[key] = append(out[key], affectedEntry{a, f})
		}
	}
	return out
}

type explainer struct {
	packageJudge
	ids []string // canonical ids to explain
}

// explainPackage checks one package; ok is false if no advisory names it.
func (x *explainer) explainPackage(p plimsoll.Package) (c plimsoll.CheckedPackage, ok bool) {
	c.Package = p
	base, suffix, _ := strings.Cut(p.Ecosystem, ":")
	s, known := schemeOf(base)
	if !known || s.version == nil {
		return c, false // Keys returns nothing for it, so there is no evidence
	}
	release, releaseKnown := s.release(suffix)
	h := x.evaluators[base]
	if h == nil {
		h = &rangeEvaluator{scheme: s, parsed: map[string]parsedBound{}}
		x.evaluators[base] = h
	}
	byDistribution := x.isJudgedByDistribution(p)
	var hits []advisoryHit
	first, second := s.subjects(p)
	for _, subject := range [...]advisorySubject{first, second} {
		if subject.name == "" {
			continue
		}
		for _, e := range x.entries[plimsoll.NewAdvisoryKey(base, subject.name)] {
			check := h.checkEntry(subject, e, release, releaseKnown)
			if byDistribution && check.Result != plimsoll.CheckWithdrawn && !e.advisory.Malicious() {
				check.Result = plimsoll.CheckByDistribution
			}
			c.Checks = append(c.Checks, check)
			if check.Result == plimsoll.CheckAffected {
				hits = append(hits, advisoryHit{affectedEntry: e, fixed: check.Fixed})
			}
			if check.Result == plimsoll.CheckNotJudged {
				c.Reason = plimsoll.NotJudgedVersion
			}
		}
	}
	switch {
	case byDistribution:
	case !releaseKnown:
		c.Reason = plimsoll.NotJudgedDistribution
	case !x.covered[base+":"+release]:
		c.Reason = plimsoll.NotJudgedEcosystem
	}
	if len(hits) > 0 {
		slices.SortStableFunc(hits, compareHits)
		c.RatedBy = ratedBy(hits, x.storedRatings())
	}
	slices.SortStableFunc(c.Checks, compareChecks)
	return c, len(c.Checks) > 0
}

// compareChecks orders affected entries first, then by how close the result is to affected.
func compareChecks(a, b plimsoll.AdvisoryCheck) int {
	order := []plimsoll.CheckResult{plimsoll.CheckAffected, plimsoll.CheckNotJudged, plimsoll.CheckNotAffected, plimsoll.CheckByDistribution, plimsoll.CheckWithdrawn, plimsoll.CheckOtherRelease}
	if d := slices.Index(order, a.Result) - slices.Index(order, b.Result); d != 0 {
		return d
	}
	return strings.Compare(a.Advisory+"\n"+a.Ecosystem+"\n"+a.Feed, b.Advisory+"\n"+b.Ecosystem+"\n"+b.Feed)
}

// storedRatings returns the ratings of other advisories that Judge uses for one of the ids.
func (x *explainer) storedRatings() []plimsoll.Rating {
	for _, id := range x.ids {
		if r := x.evidence.Ratings[id]; len(r) > 0 {
			return r
		}
	}
	return nil
}

// checkEntry compares one affected entry with one name and version of a package. releaseKnown
// reports whether the package's release is known.
func (h *rangeEvaluator) checkEntry(subject advisorySubject, e affectedEntry, release string, releaseKnown bool) plimsoll.AdvisoryCheck {
	c := plimsoll.AdvisoryCheck{
		Advisory: e.advisory.ID, Feed: e.advisory.Feed, Revision: e.advisory.Since, Modified: e.advisory.Modified,
		Ecosystem: e.affected.Ecosystem, Name: subject.name, Version: subject.version, Result: plimsoll.CheckNotAffected,
		Listed: slices.Contains(e.affected.Versions, subject.version),
	}
	if len(e.affected.Ranges) > 0 {
		c.Range = &e.affected.Ranges[0]
	}
	switch {
	case !e.advisory.Withdrawn.IsZero():
		c.Result = plimsoll.CheckWithdrawn
		return c
	case !releaseKnown:
		c.Result = plimsoll.CheckNotJudged
		return c
	case !appliesToRelease(h.scheme, e.affected.Ecosystem, release):
		c.Result = plimsoll.CheckOtherRelease
		return c
	}
	v := h.evaluate(subject.version, *e.affected)
	if v.unjudged {
		c.Result = plimsoll.CheckNotJudged
	}
	c.Fixed = v.fixed
	if v.affected {
		c.Result = plimsoll.CheckAffected
	}
	for i, r := range e.affected.Ranges {
		in, fixed, err := false, "", h.parseBound(subject.version).err
		if err == nil && !(h.scheme.hasModules && differsInModularity(subject.version, r)) {
			in, fixed, err = h.evaluateRange(h.parseBound(subject.version).orderedVersion, r)
		}
		if err == nil && c.Fixed == "" && v.affected {
			c.Fixed = fixed
		}
		if in {
			c.Range = &e.affected.Ranges[i]
			break
		}
	}
	if c.Fixed == "" && c.Result == plimsoll.CheckNotAffected && c.Range != nil {
		c.Fixed = lastFixed(*c.Range)
	}
	return c
}

// lastFixed returns the last fixed version of a range, which a version outside the range has
// probably reached.
func lastFixed(r plimsoll.Range) (fixed string) {
	for _, e := range r.Events {
		if e.Fixed != "" {
			fixed = e.Fixed
		}
	}
	return fixed
}

// ratedBy describes which rating decided the severity; docs/severity.md lists the order.
func ratedBy(hits []advisoryHit, stored []plimsoll.Rating) string {
	level, score := rateHits(hits, stored)
	for _, x := range hits {
		for _, ratings := range [...][]plimsoll.Rating{x.affected.Ratings, x.advisory.Ratings} {
			if w := vendorSeverity(ratings); w != plimsoll.SeverityUnknown && w == level {
				return "the vendor's word in " + x.advisory.ID
			}
		}
	}
	for _, x := range hits {
		if r, ok := ratingWithScore(slices.Concat(x.affected.Ratings, x.advisory.Ratings), score); ok {
			return r.Type + " of " + x.advisory.ID + ": " + r.Value
		}
	}
	if r, ok := ratingWithScore(stored, score); ok {
		return r.Type + " of another record that names the CVE: " + r.Value + " (" + strconv.FormatFloat(score, 'f', 1, 64) + ")"
	}
	return "no rating is known"
}

func ratingWithScore(ratings []plimsoll.Rating, score float64) (plimsoll.Rating, bool) {
	for _, r := range ratings {
		if s, ok := baseScore(r); strings.HasPrefix(r.Type, "CVSS_") && ok && s == score {
			return r, true
		}
	}
	return plimsoll.Rating{}, false
}
