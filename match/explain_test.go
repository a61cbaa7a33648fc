package match_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"plimsoll"
	"plimsoll/match"
)

func explainEvidence() plimsoll.Evidence {
	until := func(ecosystem, name, fixed string) plimsoll.Affected {
		return plimsoll.Affected{Ecosystem: ecosystem, Name: name, Ranges: []plimsoll.Range{{Type: "ECOSYSTEM", Events: []plimsoll.Event{{Introduced: "0"}, {Fixed: fixed}}}}}
	}
	return plimsoll.Evidence{
		Revision: 9,
		Releases: map[string]bool{"Debian:12": true, "Debian:11": true, "npm": true},
		Ratings:  map[string][]plimsoll.Rating{"CVE-2026-1002": {{Type: "CVSS_V3", Value: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}},
		Advisories: []plimsoll.Advisory{
			{ID: "DSA-1-1", Feed: "debian", Since: 4, Modified: time.Unix(1, 0), Upstream: []string{"CVE-2026-1001", "CVE-2026-1002"}, Affected: []plimsoll.Affected{
				until("Debian:11", "openssl", "1.1.1-2"), until("Debian:12", "openssl", "3.0.2-1"), until("Debian:12", "bad", "not a version at all:::"),
			}},
			{ID: "GHSA-x", Feed: "npm", Aliases: []string{"CVE-2026-1001"}, Ratings: []plimsoll.Rating{{Type: "vendor", Value: "MODERATE"}}, Affected: []plimsoll.Affected{
				{Ecosystem: "npm", Name: "left-pad", Versions: []string{"1.0.0"}},
			}},
			{ID: "GHSA-old", Feed: "npm", Aliases: []string{"CVE-2026-1001"}, Withdrawn: time.Unix(2, 0), Affected: []plimsoll.Affected{until("npm", "left-pad", "2.0.0")}},
		},
	}
}

func TestExplain(t *testing.T) {
	libssl := plimsoll.Package{Ecosystem: "Debian:12", Name: "libssl3", Version: "3.0.1-1", Source: "openssl", SourceVersion: "3.0.1-1"}
	fixed := plimsoll.Package{Ecosystem: "Debian:12", Name: "openssl", Version: "3.0.2-1"}
	leftPad := plimsoll.Package{Ecosystem: "npm", Name: "left-pad", Version: "1.0.0"}
	other := plimsoll.Package{Ecosystem: "npm", Name: "right-pad", Version: "1.0.0"}
	checked, ids := match.Explain("CVE-2026-1001", []plimsoll.Package{libssl, fixed, leftPad, other}, explainEvidence())
	if diff := cmp.Diff([]string{"CVE-2026-1001"}, ids); diff != "" {
		t.Error(diff)
	}
	r := func(fixed string) *plimsoll.Range {
		return &plimsoll.Range{Type: "ECOSYSTEM", Events: []plimsoll.Event{{Introduced: "0"}, {Fixed: fixed}}}
	}
	dsa := func(ecosystem, version string, result plimsoll.CheckResult, fixed string, in *plimsoll.Range) plimsoll.AdvisoryCheck {
		return plimsoll.AdvisoryCheck{Advisory: "DSA-1-1", Feed: "debian", Revision: 4, Modified: time.Unix(1, 0), Ecosystem: ecosystem, Name: "openssl", Version: version, Result: result, Fixed: fixed, Range: in}
	}
	want := []plimsoll.CheckedPackage{
		{Package: libssl, RatedBy: "no rating is known", Checks: []plimsoll.AdvisoryCheck{
			dsa("Debian:12", "3.0.1-1", plimsoll.CheckAffected, "3.0.2-1", r("3.0.2-1")),
			dsa("Debian:11", "3.0.1-1", plimsoll.CheckOtherRelease, "", r("1.1.1-2")),
		}},
		{Package: fixed, Checks: []plimsoll.AdvisoryCheck{
			dsa("Debian:12", "3.0.2-1", plimsoll.CheckNotAffected, "3.0.2-1", r("3.0.2-1")),
			dsa("Debian:11", "3.0.2-1", plimsoll.CheckOtherRelease, "", r("1.1.1-2")),
		}},
		{Package: leftPad, RatedBy: "the vendor's word in GHSA-x", Checks: []plimsoll.AdvisoryCheck{
			{Advisory: "GHSA-x", Feed: "npm", Ecosystem: "npm", Name: "left-pad", Version: "1.0.0", Result: plimsoll.CheckAffected, Listed: true},
			{Advisory: "GHSA-old", Feed: "npm", Ecosystem: "npm", Name: "left-pad", Version: "1.0.0", Result: plimsoll.CheckWithdrawn, Range: r("2.0.0")},
		}},
	}
	if diff := cmp.Diff(want, checked); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}

	checked, ids = match.Explain("DSA-1-1", []plimsoll.Package{libssl}, explainEvidence())
	if diff := cmp.Diff([]string{"CVE-2026-1001", "CVE-2026-1002"}, ids); diff != "" || len(checked) != 1 {
		t.Errorf("a notice means %v: %s", checked, diff)
	}
	if checked, _ := match.Explain("CVE-2026-1002", []plimsoll.Package{libssl}, explainEvidence()); checked[0].RatedBy[:7] != "CVSS_V3" {
		t.Errorf("rated by %q", checked[0].RatedBy)
	}
	if checked, ids := match.Explain("CVE-2026-1009", []plimsoll.Package{libssl}, explainEvidence()); checked != nil || ids != nil {
		t.Errorf("of an unknown id: %v %v", checked, ids)
	}
	for reason, p := range map[string]plimsoll.Package{
		plimsoll.NotJudgedVersion:      {Ecosystem: "npm", Name: "left-pad", Version: "not!a version"},
		plimsoll.NotJudgedDistribution: {Ecosystem: "Debian:sid?", Name: "openssl", Version: "3"},
		plimsoll.NotJudgedEcosystem:    {Ecosystem: "Debian:10", Name: "openssl", Version: "3"},
	} {
		checked, _ := match.Explain("CVE-2026-1001", []plimsoll.Package{p}, explainEvidence())
		if len(checked) != 1 || checked[0].Reason != reason || checked[0].RatedBy != "" {
			t.Errorf("%s: %+v", reason, checked)
		}
	}
}

// TestExplainAgreesWithJudge: a package has an advisory that affects it exactly if Judge finds the vulnerability in it.
func TestExplainAgreesWithJudge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := explainEvidence()
		version := func(label string) string {
			return rapid.SampledFrom([]string{"1", "1.5", "2", "3", "nonsense version"}).Draw(t, label)
		}
		for i := range e.Advisories {
			for k := range e.Advisories[i].Affected {
				f := &e.Advisories[i].Affected[k]
				f.Ranges = []plimsoll.Range{{Type: "ECOSYSTEM", Events: []plimsoll.Event{{Introduced: version("introduced")}, {Fixed: version("fixed")}}}}
			}
		}
		p := rapid.SampledFrom([]plimsoll.Package{
			{Ecosystem: "Debian:12", Name: "openssl", Version: "1"}, {Ecosystem: "Debian:11", Name: "openssl", Version: "2"},
			{Ecosystem: "Debian:10", Name: "openssl", Version: "2"}, {Ecosystem: "npm", Name: "left-pad", Version: "1.0.0"},
		}).Draw(t, "package")
		p.Version = version("installed")
		for _, id := range []string{"CVE-2026-1001", "CVE-2026-1002"} {
			want := false
			for _, v := range match.Judge([]plimsoll.Package{p}, e).Vulnerabilities {
				want = want || v.ID == id
			}
			checked, _ := match.Explain(id, []plimsoll.Package{p}, e)
			got := len(checked) == 1 && checked[0].RatedBy != ""
			if got != want {
				t.Fatalf("%s in %+v: Judge says %v, Explain %+v", id, p, want, checked)
			}
		}
	})
}
