package match_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"plimsoll"
	"plimsoll/match"
)

func rangeTo(fixed string) []plimsoll.Range {
	return []plimsoll.Range{{Type: "ECOSYSTEM", Events: []plimsoll.Event{{Introduced: "0"}, {Fixed: fixed}}}}
}

func affects(ecosystem, name, fixed string) plimsoll.Affected {
	return plimsoll.Affected{Ecosystem: ecosystem, Name: name, Ranges: rangeTo(fixed)}
}

var (
	libssl  = plimsoll.Package{Ecosystem: "Debian:12", Name: "libssl3", Version: "3.0.1-1+b1", Source: "openssl", SourceVersion: "3.0.1-1"}
	debian  = map[string]bool{"Debian:12": true}
	openssl = affects("Debian:12", "openssl", "3.0.2-1")
)

func judge(p plimsoll.Package, releases map[string]bool, a ...plimsoll.Advisory) plimsoll.Judgement {
	return match.Judge([]plimsoll.Package{p}, plimsoll.Evidence{Advisories: a, Releases: releases})
}

func vulnerabilityIDs(j plimsoll.Judgement) []string {
	out := []string{}
	for _, v := range j.Vulnerabilities {
		out = append(out, v.ID)
	}
	return out
}

func TestCanonicalIDs(t *testing.T) {
	for _, c := range []struct {
		name string
		a    plimsoll.Advisory
		want []string
	}{
		{"CVEs of aliases and upstream", plimsoll.Advisory{ID: "DSA-1-1", Aliases: []string{"CVE-2026-0002"}, Upstream: []string{"CVE-2026-0001", "CVE-2026-0002"}}, []string{"CVE-2026-0001", "CVE-2026-0002"}},
		{"the id itself", plimsoll.Advisory{ID: "CVE-2026-0001"}, []string{"CVE-2026-0001"}},
		{"no CVE", plimsoll.Advisory{ID: "PYSEC-1", Aliases: []string{"GHSA-1"}, Upstream: []string{"A-1"}}, []string{"GHSA-1"}},
		{"no alias", plimsoll.Advisory{ID: "DSA-1-1"}, []string{"DSA-1-1"}},
		{"related is only similar", plimsoll.Advisory{ID: "DSA-1-1", Related: []string{"CVE-2026-0001"}}, []string{"DSA-1-1"}},
		{"related of an erratum", plimsoll.Advisory{ID: "ALSA-2026:1", Related: []string{"CVE-2026-0001"}}, []string{"CVE-2026-0001"}},
		{"a security erratum without a CVE", plimsoll.Advisory{ID: "RHSA-2026:1"}, []string{"RHSA-2026:1"}},
		{"a bug fix", plimsoll.Advisory{ID: "ALBA-2026:1"}, []string{}},
		{"an enhancement", plimsoll.Advisory{ID: "RHEA-2026:1", Aliases: []string{"A-1"}}, []string{}},
		{"a bug fix with a CVE", plimsoll.Advisory{ID: "RHBA-2026:1", Related: []string{"CVE-2026-0001"}}, []string{"CVE-2026-0001"}},
		{"no CVE by its form", plimsoll.Advisory{ID: "A-1", Aliases: []string{"CVE-2026-1", "CVE-26-00001", "CVE-2026-000x"}}, []string{"A-1"}},
		{"withdrawn", plimsoll.Advisory{ID: "CVE-2026-0001", Withdrawn: time.Unix(1, 0)}, []string{}},
	} {
		c.a.Affected = []plimsoll.Affected{openssl}
		if diff := cmp.Diff(c.want, vulnerabilityIDs(judge(libssl, debian, c.a))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestMerge: three advisories for one CVE are one vulnerability.
func TestMerge(t *testing.T) {
	got := judge(libssl, debian,
		plimsoll.Advisory{ID: "DSA-2-1", Upstream: []string{"CVE-2026-0001", "CVE-2026-0002"}, Aliases: []string{"B-1"}, Affected: []plimsoll.Affected{affects("Debian:12", "openssl", "3.0.9-1")}},
		plimsoll.Advisory{ID: "DEBIAN-CVE-2026-0001", Upstream: []string{"CVE-2026-0001"}, Aliases: []string{"A-1", "CVE-2026-0001"}, Summary: "text", URL: "https://example.test",
			Affected: []plimsoll.Affected{affects("Debian:12", "openssl", "3.0.10-1"), affects("Debian:12", "openssl", "3.0.0-1")}},
		plimsoll.Advisory{ID: "DSA-2-1", Upstream: []string{"CVE-2026-0001"}, Affected: []plimsoll.Affected{affects("Debian:12", "openssl", "3.0.3-1")}},
		plimsoll.Advisory{ID: "DSA-3-1", Upstream: []string{"CVE-2026-0001"}, Affected: []plimsoll.Affected{affects("Debian:12", "openssl", "3.0.0-1")}},
	)
	want := []plimsoll.Vulnerability{
		{ID: "CVE-2026-0001", Advisories: []string{"DEBIAN-CVE-2026-0001", "DSA-2-1"}, Aliases: []string{"A-1", "B-1"}, Package: libssl,
			FixedVersion: "3.0.10-1", Severity: plimsoll.SeverityUnknown, Urgency: plimsoll.UrgencySoon, Summary: "text", URL: "https://example.test"},
		{ID: "CVE-2026-0002", Advisories: []string{"DSA-2-1"}, Aliases: []string{"B-1"}, Package: libssl, FixedVersion: "3.0.9-1", Severity: plimsoll.SeverityUnknown, Urgency: plimsoll.UrgencySoon},
	}
	if diff := cmp.Diff(want, got.Vulnerabilities); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestReleaseOfPackage compares one advisory with packages of many releases.
func TestReleaseOfPackage(t *testing.T) {
	for _, c := range []struct {
		pack, record string
		hit          bool
		reason       string
	}{
		{"Debian:12", "Debian:12", true, ""},
		{"Debian:11", "Debian:12", false, plimsoll.NotJudgedEcosystem},
		{"Debian:12", "Debian", true, plimsoll.NotJudgedEcosystem},
		{"Debian", "Debian:12", false, plimsoll.NotJudgedDistribution},
		{"", "Debian:12", false, plimsoll.NotJudgedDistribution},
		{"Alpine:v3.20", "Alpine:v3.20", true, ""},
		{"Alpine:v3.2", "Alpine:v3.20", false, plimsoll.NotJudgedEcosystem},
		{"Ubuntu:22.04", "Ubuntu:22.04:LTS", true, ""},
		{"Ubuntu:22.04:LTS", "Ubuntu:22.04:LTS", true, ""},
		{"Ubuntu:24.10", "Ubuntu:24.10", true, ""},
		{"Ubuntu:22.04", "Ubuntu:Pro:22.04:LTS", false, plimsoll.NotJudgedEcosystem},
		{"Ubuntu:22.04", "Ubuntu:Pro:FIPS-updates:22.04:LTS", false, plimsoll.NotJudgedEcosystem},
		{"Ubuntu:Pro:22.04:LTS", "Ubuntu:Pro:22.04:LTS", false, plimsoll.NotJudgedDistribution},
		{"Debian:12", "Ubuntu:12", false, plimsoll.NotJudgedEcosystem},
		{"Plan9:4", "Plan9:4", false, plimsoll.NotJudgedEcosystem},
	} {
		p := plimsoll.Package{Ecosystem: c.pack, Name: "openssl", Version: "1.0-r0"}
		j := judge(p, map[string]bool{c.record: true}, plimsoll.Advisory{ID: "CVE-2026-0001", Affected: []plimsoll.Affected{affects(c.record, "openssl", "2.0-r0")}})
		if got := len(j.Vulnerabilities) == 1; got != c.hit {
			t.Errorf("%q against %q: affected is %v", c.pack, c.record, got)
		}
		reason := ""
		if len(j.NotJudged) > 0 {
			reason = j.NotJudged[0].Reason
		}
		if reason != c.reason {
			t.Errorf("%q against %q: not judged because %q, want %q", c.pack, c.record, reason, c.reason)
		}
	}
}

func TestSourceNames(t *testing.T) {
	a := plimsoll.Advisory{ID: "CVE-2026-0001", Affected: []plimsoll.Affected{affects("Debian:12", "openssl", "3.0.1-1")}}
	if j := judge(libssl, debian, a); len(j.Vulnerabilities) != 0 {
		t.Errorf("the binary's version 3.0.1-1+b1 counted, not the source's: %v", j.Vulnerabilities)
	}
	binary := plimsoll.Package{Ecosystem: "Debian:12", Name: "openssl", Version: "3.0.0-1"}
	if j := judge(binary, debian, a); len(j.Vulnerabilities) != 1 {
		t.Error("a package that is its own source was not found")
	}
	want := []plimsoll.AdvisoryKey{{Ecosystem: "Alpine", Name: "musl"}, {Ecosystem: "Debian", Name: "openssl"}}
	got := match.Keys([]plimsoll.Package{libssl, binary, {Ecosystem: "Alpine:v3.20", Name: "musl-utils", Source: "musl"}, {Ecosystem: "", Name: "x"}, {Ecosystem: "Plan9", Name: "x"}})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

// TestNoOrder: a version without order is not judged; one without order in an advisory
// leaves what the others say.
func TestNoOrder(t *testing.T) {
	odd := plimsoll.Package{Ecosystem: "Debian:12", Name: "openssl", Version: "latest"}
	if j := judge(odd, debian); len(j.NotJudged) != 1 || j.NotJudged[0].Reason != plimsoll.NotJudgedVersion {
		t.Errorf("%+v", j.NotJudged)
	}
	j := judge(libssl, debian,
		plimsoll.Advisory{ID: "CVE-2026-0001", Affected: []plimsoll.Affected{affects("Debian:12", "openssl", "<unfixed>")}},
		plimsoll.Advisory{ID: "CVE-2026-0002", Affected: []plimsoll.Affected{openssl}})
	if len(j.NotJudged) != 1 || j.NotJudged[0].Reason != plimsoll.NotJudgedVersion || len(j.Vulnerabilities) != 1 {
		t.Errorf("%+v", j)
	}
}

// TestOrderOfEvidence: neither the order of records nor that of packages matters.
func TestOrderOfEvidence(t *testing.T) {
	version := rapid.SampledFrom([]string{"0", "1", "1.1", "2~rc1", "2", "2.0-1", "1:0.5", "odd one"})
	entry := rapid.Custom(func(t *rapid.T) plimsoll.Affected {
		a := affects(rapid.SampledFrom([]string{"Debian:11", "Debian:12", "Debian"}).Draw(t, "ecosystem"), rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name"), version.Draw(t, "fixed"))
		a.Versions = rapid.SliceOfN(version, 0, 2).Draw(t, "versions")
		if word := rapid.SampledFrom([]string{"", "low", "high"}).Draw(t, "word"); word != "" {
			a.Ratings = []plimsoll.Rating{{Type: "vendor", Value: word}}
		}
		return a
	})
	record := rapid.Custom(func(t *rapid.T) plimsoll.Advisory {
		id := rapid.SampledFrom([]string{"A-1", "A-2", "A-3"}).Draw(t, "id")
		return plimsoll.Advisory{
			ID: id, Summary: rapid.SampledFrom([]string{"", "s", "t"}).Draw(t, "summary"),
			Aliases:  rapid.SliceOfN(rapid.SampledFrom([]string{"CVE-2026-0001", "CVE-2026-0002", "GHSA-1"}), 0, 3).Draw(t, "aliases"),
			Affected: rapid.SliceOfN(entry, 1, 3).Draw(t, "affected"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		var packages []plimsoll.Package
		for i, v := range rapid.SliceOfN(version, 1, 4).Draw(t, "installed") {
			packages = append(packages, plimsoll.Package{Ecosystem: "Debian:12", Name: fmt.Sprint("p", i), Version: v, Source: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "source")})
		}
		e := plimsoll.Evidence{Advisories: rapid.SliceOfN(record, 0, 6).Draw(t, "records"), Releases: debian}
		want := match.Judge(packages, e)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		e.Advisories, packages = slices.Clone(e.Advisories), slices.Clone(packages)
		r.Shuffle(len(e.Advisories), func(i, k int) { e.Advisories[i], e.Advisories[k] = e.Advisories[k], e.Advisories[i] })
		r.Shuffle(len(packages), func(i, k int) { packages[i], packages[k] = packages[k], packages[i] })
		if diff := cmp.Diff(want, match.Judge(packages, e)); diff != "" {
			t.Errorf("another order, another judgement:\n%s", diff)
		}
	})
}

func BenchmarkJudge(b *testing.B) {
	db := importAdvisories(b, "Ubuntu.zip")
	packages := dpkg(b, shared(b, "roots", "ubuntu-22.04-web"), "Ubuntu:22.04")
	keys := match.Keys(packages)
	b.Run("evidence", func(b *testing.B) {
		for b.Loop() {
			if _, err := db.Evidence(b.Context(), keys); err != nil {
				b.Fatal(err)
			}
		}
	})
	e, err := db.Evidence(b.Context(), keys)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("judge", func(b *testing.B) {
		for b.Loop() {
			if j := match.Judge(packages, e); len(j.Vulnerabilities) == 0 {
				b.Fatal("nothing was found")
			}
		}
	})
}
