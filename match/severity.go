package match

import (
	"strings"

	cvss2 "github.com/pandatix/go-cvss/20"
	cvss30 "github.com/pandatix/go-cvss/30"
	cvss31 "github.com/pandatix/go-cvss/31"
	cvss4 "github.com/pandatix/go-cvss/40"

	"plimsoll"
)

// rateHits returns a severity and a CVSS score. By docs/severity.md the severity is the
// vendor's rating in the advisories, else follows from their CVSS score, else from the score
// of any stored advisory about the CVE. Of several vendor ratings the worst counts. The score
// is returned even if it does not decide; 0 if there is none.
func rateHits(hits []advisoryHit, stored []plimsoll.Rating) (plimsoll.Severity, float64) {
	own := make([]plimsoll.Rating, 0, 2*len(hits))
	word := plimsoll.SeverityUnknown
	for _, x := range hits {
		w := vendorSeverity(x.affected.Ratings)
		if w == plimsoll.SeverityUnknown {
			w = vendorSeverity(x.advisory.Ratings)
		}
		if w.AtLeast(word) {
			word = w
		}
		own = append(append(own, x.affected.Ratings...), x.advisory.Ratings...)
	}
	score, level, ok := highestScore(own)
	if !ok {
		score, level, ok = highestScore(stored)
	}
	switch {
	case word != plimsoll.SeverityUnknown:
		return word, score
	case ok:
		return level, score
	default:
		return plimsoll.SeverityUnknown, 0
	}
}

// vendorSeverity returns the worst of the vendor's ratings.
func vendorSeverity(ratings []plimsoll.Rating) plimsoll.Severity {
	worst := plimsoll.SeverityUnknown
	for _, r := range ratings {
		if strings.HasPrefix(r.Type, "CVSS_") {
			continue
		}
		if w := parseVendorWord(r.Value); w.AtLeast(worst) {
			worst = w
		}
	}
	return worst
}

// parseVendorWord maps the words that vendors use; any other word gives SeverityUnknown.
func parseVendorWord(word string) plimsoll.Severity {
	switch strings.ToLower(word) {
	case "critical":
		return plimsoll.SeverityCritical
	case "high", "important":
		return plimsoll.SeverityHigh
	case "medium", "moderate":
		return plimsoll.SeverityMedium
	case "low", "negligible", "minor", "none", "unimportant": // Debian: no security problem in its package
		return plimsoll.SeverityLow
	default: // Ubuntu "untriaged"; Debian "not yet assigned", "end-of-life"; "unknown"
		return plimsoll.SeverityUnknown
	}
}

// highestScore returns the highest base score of the newest CVSS version that has one.
func highestScore(ratings []plimsoll.Rating) (score float64, level plimsoll.Severity, ok bool) {
	for _, kind := range [...]string{"CVSS_V4", "CVSS_V3", "CVSS_V2"} {
		for _, r := range ratings {
			if r.Type != kind {
				continue
			}
			if s, valid := baseScore(r); valid && (!ok || s > score) {
				score, ok = s, true
			}
		}
		if ok {
			return score, scoreLevel(kind, score), true
		}
	}
	return 0, plimsoll.SeverityUnknown, false
}

// baseScore returns the base score of a CVSS vector. For v4, the score includes the vector's
// threat and environmental metrics, because the standard defines no separate base score.
func baseScore(r plimsoll.Rating) (float64, bool) {
	switch {
	case r.Type == "CVSS_V4":
		if v, err := cvss4.ParseVector(r.Value); err == nil {
			return v.Score(), true
		}
	case r.Type == "CVSS_V2":
		if v, err := cvss2.ParseVector(r.Value); err == nil {
			return v.BaseScore(), true
		}
	case strings.HasPrefix(r.Value, "CVSS:3.0/"):
		if v, err := cvss30.ParseVector(r.Value); err == nil {
			return v.BaseScore(), true
		}
	default:
		if v, err := cvss31.ParseVector(r.Value); err == nil {
			return v.BaseScore(), true
		}
	}
	return 0, false
}

// scoreLevel follows the qualitative scale of CVSS v3 and v4, and NVD's scale for v2. A score
// of 0 is low, not unknown, because it is a rating.
func scoreLevel(kind string, score float64) plimsoll.Severity {
	switch {
	case score >= 9 && kind != "CVSS_V2":
		return plimsoll.SeverityCritical
	case score >= 7:
		return plimsoll.SeverityHigh
	case score >= 4:
		return plimsoll.SeverityMedium
	default:
		return plimsoll.SeverityLow
	}
}
