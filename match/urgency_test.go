package match

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

// TestUrgencyPage compares the table of docs/severity.md with the rule, cell by cell: a
// row a severity, and a column what is known about attacks.
func TestUrgencyPage(t *testing.T) {
	page, err := os.ReadFile("../docs/severity.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(page), "## Urgency")
	if !ok {
		t.Fatal("the page says nothing about urgency")
	}
	cells := 0
	for line := range strings.SplitSeq(section, "\n") {
		row := strings.Split(strings.Trim(line, "| "), "|")
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		if len(row) != 5 || !strings.HasPrefix(row[1], "`") {
			continue
		}
		for severity := range strings.SplitSeq(row[0], ", ") {
			for i, threats := range [][]plimsoll.Threat{
				{{}, {EPSS: 99}, {Ransomware: true}},
				{{EPSS: 100}, {EPSS: 499}},
				{{EPSS: 500}, {EPSS: 1000}},
				{{Exploited: true}, {Exploited: true, EPSS: 1}},
			} {
				for _, threat := range threats {
					cells++
					if got := "`" + string(threat.Urgency(plimsoll.Severity(severity))) + "`"; got != row[i+1] {
						t.Errorf("%s with %+v is %s, the page says %s", severity, threat, got, row[i+1])
					}
				}
			}
		}
	}
	if cells != 5*9 {
		t.Errorf("the page has %d cells", cells)
	}
}

// TestSameJudgement: what a threat changes is what its urgencies say.
func TestSameJudgement(t *testing.T) {
	threats := []plimsoll.Threat{{}, {EPSS: 1}, {EPSS: 99}, {EPSS: 100}, {EPSS: 499}, {EPSS: 500}, {EPSS: 1000}, {Exploited: true}, {Exploited: true, EPSS: 500}}
	for _, a := range threats {
		for _, b := range threats {
			same := a.Exploited == b.Exploited
			for _, s := range plimsoll.Severities() {
				same = same && a.Urgency(s) == b.Urgency(s)
			}
			if a.SameJudgement(b) && !same {
				t.Errorf("%+v and %+v are judged otherwise", a, b)
			}
		}
	}
}

// TestThreatsInJudgement: a vulnerability gets the threat data of its CVE, merged from several
// feeds.
func TestThreatsInJudgement(t *testing.T) {
	p := plimsoll.Package{Ecosystem: "PyPI", Name: "x", Version: "1"}
	e := plimsoll.Evidence{
		Releases: map[string]bool{"PyPI": true},
		Threats: map[string]plimsoll.Threat{
			"CVE-2026-0001": plimsoll.Threat{EPSS: 700}.Join(plimsoll.Threat{Exploited: true}), "CVE-2026-0002": {EPSS: 20},
		},
	}
	for n := range 3 {
		e.Advisories = append(e.Advisories, plimsoll.Advisory{ID: "CVE-2026-000" + strconv.Itoa(n+1), Affected: []plimsoll.Affected{
			{Ecosystem: "PyPI", Name: "x", Ranges: []plimsoll.Range{events("i", "0")}, Ratings: []plimsoll.Rating{{Type: "vendor", Value: "low"}}}}})
	}
	var got []string
	for _, v := range Judge([]plimsoll.Package{p}, e).Vulnerabilities {
		got = append(got, v.ID+" "+string(v.Severity)+" "+string(v.Urgency)+" "+strconv.FormatBool(v.Exploited))
	}
	want := []string{"CVE-2026-0001 low now true", "CVE-2026-0002 low later false", "CVE-2026-0003 low later false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestMaliciousPackage: such records make no vulnerability.
func TestMaliciousPackage(t *testing.T) {
	bad := plimsoll.Package{Ecosystem: "npm", Name: "lod4sh", Version: "1.0.0"}
	record := func(id string, versions ...string) plimsoll.Advisory {
		return plimsoll.Advisory{ID: id, Summary: "of " + id, Aliases: []string{"GHSA-1"}, Affected: []plimsoll.Affected{{Ecosystem: "npm", Name: "lod4sh", Versions: versions}}}
	}
	e := plimsoll.Evidence{Releases: map[string]bool{"npm": true}, Advisories: []plimsoll.Advisory{
		record("MAL-2026-2", "1.0.0"), record("MAL-2026-1", "1.0.0", "1.0.1"), record("MAL-2026-3", "2.0.0"),
	}}
	got := Judge([]plimsoll.Package{bad}, e)
	want := plimsoll.Judgement{Malicious: []plimsoll.MaliciousPackage{{Package: bad, Advisories: []string{"MAL-2026-1", "MAL-2026-2"}, Summary: "of MAL-2026-1"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
