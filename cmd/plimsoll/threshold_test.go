package main

import (
	"testing"

	"plimsoll"
	"plimsoll/app/imagescan"
)

// TestUnknownSeverityMeetsTheThreshold: what no source has rated may be as bad as the threshold.
func TestUnknownSeverityMeetsTheThreshold(t *testing.T) {
	var r imagescan.Result
	for _, s := range []plimsoll.Severity{plimsoll.SeverityLow, plimsoll.SeverityUnknown} {
		r.Vulnerabilities = append(r.Vulnerabilities, imagescan.Vulnerability{ID: "CVE-" + string(s), Severity: s})
	}
	if !(threshold{severity: plimsoll.SeverityHigh, unknownFails: true}).isMet(r) {
		t.Error("unknown passes high")
	}
	if (threshold{severity: plimsoll.SeverityHigh}).isMet(r) {
		t.Error("unknown or low is high")
	}
	if n := countUnknown(r); n != 1 || len(r.Vulnerabilities) != 2 {
		t.Errorf("%d of %d are unknown", n, len(r.Vulnerabilities))
	}
	r.Vulnerabilities = r.Vulnerabilities[:1]
	if (threshold{severity: plimsoll.SeverityHigh, unknownFails: true}).isMet(r) {
		t.Error("low is high")
	}
}
