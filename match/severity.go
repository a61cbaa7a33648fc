package match

import (
	"strings"

	cvss2 "github.com/pandatix/go-cvss/20"
	cvss30 "github.com/pandatix/go-cvss/30"
	cvss31 "github.com/pandatix/go-cvss/31"
	cvss4 "github.com/pandatix/go-cvss/40"

	"plimsoll"
)

// rateHits follows docs/severity.md: the vendor's rating in the records, else the CVSS
// score of the records, else that of any stored record that names the CVE. Of several
// vendor ratings the worst counts. The score is told whether or not it decides.
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

// vendorSeverity returns the worst level among the vendor's words.
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

// parseVendorWord maps the words that vendors use; any other is no rating.
func parseVendorWord(word string) plimsoll.Severity {
	switch strings.ToLower(word) {
	case "critical":
		return plimsoll.SeverityCritical
	case "high", "important":
		return plimsoll.SeverityHigh
	case "medium", "moderate":
		return plimsoll.SeverityMedium
	case "low", "negligible", "minor", "none":
		return plimsoll.SeverityLow
	default: // Ubuntu "untriaged"; Debian "unimportant", "not yet assigned", "end-of-life"; "unknown"
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

// baseScore reads a vector; of a v4 vector the score includes what it says of threat
// and environment, as the standard defines no base score apart from it.
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

// scoreLevel follows the qualitative scale of CVSS v3 and v4, and NVD's of v2. A score
// of 0 is low: somebody looked and rated.
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
