package storetest

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"plimsoll"
	"plimsoll/store"
)

// Decisions defines what a store must do with what people said about findings.
func Decisions(t *testing.T, open func(t *testing.T) *store.Store) {
	t.Run("shown counts", func(t *testing.T) { testDecisionCounts(newFindings(t, open(t))) })
	t.Run("scopes", func(t *testing.T) { testDecisionScopes(newFindings(t, open(t))) })
	t.Run("index", func(t *testing.T) { testDecisionIndex(newFindings(t, open(t))) })
	t.Run("ids", func(t *testing.T) { testDecisionIDs(newFindings(t, open(t))) })
	t.Run("said again", func(t *testing.T) { testDecisionAgain(newFindings(t, open(t))) })
	t.Run("expiry", func(t *testing.T) { testDecisionExpiry(newFindings(t, open(t))) })
	t.Run("tenancy", func(t *testing.T) { testDecisionTenancy(newFindings(t, open(t))) })
	t.Run("list", func(t *testing.T) { testDecisionList(newFindings(t, open(t))) })
	t.Run("many images", func(t *testing.T) { testDecisionJob(newFindings(t, open(t))) })
	t.Run("new tags", func(t *testing.T) { testDecisionNewTag(newFindings(t, open(t))) })
	t.Run("questions", func(t *testing.T) { testDecisionQuestions(newFindings(t, open(t))) })
	t.Run("documents", func(t *testing.T) { testDocuments(newFindings(t, open(t))) })
	t.Run("properties", func(t *testing.T) {
		s := open(t)
		n := 0
		rapid.Check(t, func(t *rapid.T) {
			n++
			testDecisionProperties(t, newFindings(t, s), fmt.Sprint("decided-", n))
		})
	})
}

func decision(finding string, scope plimsoll.DecisionScope) plimsoll.Decision {
	return plimsoll.Decision{
		Tenant: findingTenant, Kind: plimsoll.FindingVulnerability,
		Finding: finding, Scope: scope, Status: plimsoll.StatusIgnored, Reason: "not ours", Author: "rita",
	}
}

func (f *findings) decide(list ...plimsoll.Decision) []plimsoll.Decision {
	f.Helper()
	out, err := f.s.Decide(f.ctx, list)
	f.must(err)
	return out
}

func (f *findings) end(d plimsoll.Decision) {
	f.Helper()
	f.must(f.s.EndDecision(f.ctx, d.ProjectID, nil, d.ID, "edda"))
}

// wantShown checks an image's shown count, and that as many findings of its list are not handled.
func (f *findings) wantShown(want int64, img plimsoll.Image) {
	f.Helper()
	whole := f.whole(img)
	f.wantDecidedCount(whole)
	if got := f.shown(img).Vulnerabilities; got != want {
		f.Fatalf("image %s shows %d vulnerabilities, want %d", img.Digest.Short(), got, want)
	}
}

// whole reads an image as lists give it.
func (f *findings) whole(img plimsoll.Image) plimsoll.Image {
	f.Helper()
	whole, err := f.s.Image(f.ctx, img.ProjectID, nil, img.ID)
	f.must(err)
	return whole
}

// wantDecidedCount checks that the count is the number of distinct ids of the list that are not handled.
func (f *findings) wantDecidedCount(img plimsoll.Image) {
	f.Helper()
	ids := func(handled bool) (map[string]bool, int) {
		out := map[string]bool{}
		list := f.list(img, plimsoll.VulnerabilityFilter{Handled: &handled})
		for _, p := range list {
			out[p.ID] = true
			if p.Handled() != handled {
				f.Fatalf("%s at %s is in the wrong list: %+v", p.ID, p.Path, p.Decision)
			}
		}
		return out, len(list)
	}
	open, n := ids(false)
	_, handled := ids(true)
	if all := len(f.list(img, plimsoll.VulnerabilityFilter{})); n+handled != all {
		f.Fatalf("%d open and %d handled rows, but %d in all", n, handled, all)
	}
	if got := max(f.shown(img).Vulnerabilities, 0); got != int64(len(open)) {
		f.Fatalf("image %s shows %d vulnerabilities, its list has %d that are not handled", img.Digest.Short(), got, len(open))
	}
}

// twoFound stores an image with CVE-1 in bash and curl and CVE-2 in curl.
func (f *findings) twoFound(t plimsoll.Tenant, name string) plimsoll.Image {
	f.Helper()
	img := f.image(t, name)
	f.saveTwo(t, name)
	return img
}

func (f *findings) saveTwo(t plimsoll.Tenant, name string) {
	f.Helper()
	f.save(record(t, name, placed(plimsoll.SetOS, "bash", "curl"), judged(1,
		vulnerable("bash", "CVE-1", plimsoll.SeverityHigh), vulnerable("curl", "CVE-1", plimsoll.SeverityHigh),
		vulnerable("curl", "CVE-2", plimsoll.SeverityLow))))
}

func testDecisionCounts(f *findings) {
	a, b := f.twoFound(findingTenant, "a"), f.twoFound(findingTenant, "b")
	f.wantShown(2, a)
	d := f.decide(decision("CVE-1", plimsoll.DecisionScope{}))[0]
	f.wantShown(1, a)
	f.wantShown(1, b)
	if got := f.exec(`SELECT raw_vulnerabilities FROM artifact WHERE digest = ?`, named("a")); got != 2 {
		f.Fatalf("the raw count is %d", got)
	}
	f.end(d)
	f.wantShown(2, a)

	// What is affected, or looked into, is still to be done.
	for _, status := range []plimsoll.DecisionStatus{plimsoll.StatusAffected, plimsoll.StatusUnderInvestigation} {
		open := decision("CVE-1", plimsoll.DecisionScope{})
		open.Status = status
		f.decide(open)
		f.wantShown(2, a)
	}
	// The same number of other vulnerabilities.
	f.decide(decision("CVE-1", plimsoll.DecisionScope{}))
	f.save(record(findingTenant, "a", placed(plimsoll.SetOS, "bash", "dash"), judged(1,
		vulnerable("bash", "CVE-3", plimsoll.SeverityHigh), vulnerable("dash", "CVE-4", plimsoll.SeverityHigh))))
	f.wantShown(2, a)
	// A rematch that finds what was decided about.
	f.rematch(matcher, 2, vulnerable("bash", "CVE-3", plimsoll.SeverityHigh), vulnerable("dash", "CVE-1", plimsoll.SeverityHigh))
	f.wantShown(1, a)
	f.wantShown(1, b)
}

func testDecisionScopes(f *findings) {
	a, b := f.twoFound(findingTenant, "a"), f.twoFound(findingTenant, "b")
	for _, test := range []struct {
		name         string
		scope        plimsoll.DecisionScope
		wantA, wantB int64
	}{
		{"repository", plimsoll.DecisionScope{Repository: "a"}, 1, 2},
		{"image", plimsoll.DecisionScope{Repository: "b", Tag: "v1"}, 2, 1},
		{"another tag", plimsoll.DecisionScope{Repository: "b", Tag: "v2"}, 2, 2},
		{"registry", plimsoll.DecisionScope{RegistryID: f.whole(b).RegistryID}, 2, 1},
		{"artifact", plimsoll.DecisionScope{Digest: named("a")}, 1, 2},
		{"one of two packages", plimsoll.DecisionScope{Package: "bash"}, 2, 2},
		{"package elsewhere", plimsoll.DecisionScope{Repository: "a", Package: "bash@9"}, 2, 2},
	} {
		d := f.decide(decision("CVE-1", test.scope))[0]
		f.wantShown(test.wantA, a)
		f.wantShown(test.wantB, b)
		f.end(d)
		f.wantShown(2, a)
		f.wantShown(2, b)
	}
	// Both packages, each by a decision of its own.
	f.decide(decision("CVE-1", plimsoll.DecisionScope{Package: "pkg:deb/debian/bash"}), decision("CVE-1", plimsoll.DecisionScope{Package: "src-curl"}))
	f.wantShown(1, a)
	// A narrower scope has another status.
	narrow := decision("CVE-1", plimsoll.DecisionScope{Digest: named("a"), Package: "curl"})
	narrow.Status = plimsoll.StatusAffected
	f.decide(narrow)
	f.wantShown(2, a)
	f.wantShown(1, b)
}
