package storetest

import (
	"fmt"
	"slices"
	"time"

	"plimsoll"
)

func testDecisionIndex(f *findings) {
	m := f.twoFound(findingTenant, "m")
	f.twoFound(findingTenant, "n")
	top := f.index(findingTenant, "top", "m", "n")
	f.saveTwo(findingTenant, "m") // the index is counted when a member is
	f.rematch(matcher, 2, vulnerable("bash", "CVE-1", plimsoll.SeverityHigh), vulnerable("curl", "CVE-9", plimsoll.SeverityHigh))
	f.wantShown(2, top)
	d := f.decide(decision("CVE-9", plimsoll.DecisionScope{Digest: named("m")}))[0]
	f.wantShown(1, m)
	f.wantShown(2, top) // open in the other member
	f.decide(decision("CVE-9", plimsoll.DecisionScope{Digest: named("top")}))
	f.wantShown(1, top)
	f.end(d)
	f.wantShown(2, m)
	f.wantShown(1, top)
}

func testDecisionIDs(f *findings) {
	img := f.image(findingTenant, "a")
	v := vulnerable("bash", "CVE-1", plimsoll.SeverityHigh)
	v.Aliases = append(v.Aliases, "GHSA-x", "CVE-2026-1000")
	f.save(record(findingTenant, "a", placed(plimsoll.SetOS, "bash"), judged(1, v)))
	for _, id := range []string{"CVE-1", "GHSA-x", "DSA-CVE-1", "cve-2026-1000"} {
		d := f.decide(decision(id, plimsoll.DecisionScope{}))[0]
		f.wantShown(0, img)
		f.end(d)
	}
	f.decide(decision("CVE-11", plimsoll.DecisionScope{}))
	f.wantShown(1, img)
}

func testDecisionAgain(f *findings) {
	f.twoFound(findingTenant, "a")
	first := f.decide(decision("CVE-1", plimsoll.DecisionScope{}))[0]
	before := f.rows(`SELECT * FROM decision`)
	if again := f.decide(decision("CVE-1", plimsoll.DecisionScope{}))[0]; again.ID != first.ID {
		f.Fatalf("said again it is decision %d, was %d", again.ID, first.ID)
	}
	wantEqual(f, before, f.rows(`SELECT * FROM decision`))
	other := decision("CVE-1", plimsoll.DecisionScope{})
	other.Reason = "on second thoughts"
	second := f.decide(other)[0]
	all, err := f.s.Decisions(f.ctx, plimsoll.DecisionFilter{ProjectID: "p1", Ended: true})
	f.must(err)
	if len(all) != 2 || all[0].ID != second.ID || all[1].EndedBy != "rita" || !all[1].EndedAt.Equal(Start()) || !all[0].EndedAt.IsZero() {
		f.Fatalf("history is %+v", all)
	}
	for name, bad := range map[string]func(*plimsoll.Decision){
		"status":        func(d *plimsoll.Decision) { d.Status = "fine" },
		"past":          func(d *plimsoll.Decision) { d.ExpiresAt = Start() },
		"no reason":     func(d *plimsoll.Decision) { d.Status, d.Reason = plimsoll.StatusNotAffected, "" },
		"setting":       func(d *plimsoll.Decision) { d.Kind = plimsoll.FindingSetting },
		"digest":        func(d *plimsoll.Decision) { d.Scope.Digest = "sha256:x" },
		"no finding":    func(d *plimsoll.Decision) { d.Finding = "" },
		"package":       func(d *plimsoll.Decision) { d.Scope.Package = "pkg:deb" },
		"justification": func(d *plimsoll.Decision) { d.Justification = plimsoll.JustifiedMitigated },
	} {
		d := decision("CVE-2", plimsoll.DecisionScope{})
		bad(&d)
		_, err := f.s.Decide(f.ctx, []plimsoll.Decision{decision("CVE-7", plimsoll.DecisionScope{}), d})
		if plimsoll.ErrorCode(err) != plimsoll.Invalid {
			f.Fatalf("%s: %v", name, err)
		}
	}
	left, err := f.s.Decisions(f.ctx, plimsoll.DecisionFilter{ProjectID: "p1", Finding: "CVE-7"})
	f.must(err)
	if len(left) != 0 {
		f.Fatal("decisions beside a bad one were kept")
	}
	f.end(second)
	f.wantError(plimsoll.NotFound, f.s.EndDecision(f.ctx, "p1", nil, second.ID, "edda"))
}

func testDecisionExpiry(f *findings) {
	img := f.twoFound(findingTenant, "a")
	clock := UseClock(f.s)
	d := decision("CVE-1", plimsoll.DecisionScope{})
	d.ExpiresAt = Start().Add(time.Hour)
	f.decide(d)
	f.wantShown(1, img)
	f.settle(0)
	clock.Advance(59 * time.Minute)
	f.settle(0)
	f.wantShown(1, img)

	// The job is there before it is due, and not claimed.
	if f.exec(`SELECT COUNT(*) FROM backlog WHERE kind = 'decisions' AND state = 'pending' AND not_before = ?`, d.ExpiresAt.UnixMilli()) != 1 {
		f.Fatal("no job for the expiry")
	}
	if got := f.claimAll(); len(got) != 0 {
		f.Fatalf("claimed too early: %+v", got)
	}
	clock.Advance(time.Minute)
	if open := f.list(f.whole(img), plimsoll.VulnerabilityFilter{Handled: new(false)}); len(open) != 3 {
		f.Fatalf("after expiry %d rows are open, want 3", len(open))
	}
	if got := f.claimAll(); len(got) != 1 || got[0].Kind != plimsoll.WorkDecisions {
		f.Fatalf("claimed %+v, want the job of the expiry", got)
	}
	f.settle(1)
	f.wantShown(2, img)
	f.settle(0)
	active, err := f.s.Decisions(f.ctx, plimsoll.DecisionFilter{ProjectID: "p1"})
	f.must(err)
	if len(active) != 0 {
		f.Fatalf("listed as active: %+v", active)
	}
	// It can be said again.
	d.ExpiresAt = time.Time{}
	f.decide(d)
	f.wantShown(1, img)
}

func (f *findings) settle(want int) {
	f.Helper()
	n, err := f.s.RecountDecisions(f.ctx)
	f.must(err)
	if n != want {
		f.Fatalf("%d decisions were settled, want %d", n, want)
	}
}

func (f *findings) claimAll() []plimsoll.Work {
	f.Helper()
	got, err := f.s.Claim(f.ctx, 10, time.Time{})
	f.must(err)
	return got
}

func testDecisionTenancy(f *findings) {
	mine, theirs := f.twoFound(findingTenant, "a"), f.twoFound(otherTenant, "a")
	aside := plimsoll.Tenant{ProjectID: "p1", EnterpriseProject: "e7"}
	other := f.twoFound(aside, "b")
	d := f.decide(decision("CVE-1", plimsoll.DecisionScope{}))[0]
	f.wantShown(1, mine)
	f.wantShown(2, theirs)
	f.wantShown(2, other)
	whole := decision("CVE-2", plimsoll.DecisionScope{})
	whole.EnterpriseProject = ""
	whole = f.decide(whole)[0]
	f.wantShown(0, mine)
	f.wantShown(2, theirs)
	f.wantShown(1, other)

	f.wantError(plimsoll.NotFound, f.s.EndDecision(f.ctx, "p2", nil, d.ID, "otto"))
	f.wantError(plimsoll.NotFound, f.s.EndDecision(f.ctx, "p1", []string{"e7"}, d.ID, "scot"))
	f.wantError(plimsoll.Forbidden, f.s.EndDecision(f.ctx, "p1", []string{"e7"}, whole.ID, "scot"))
	seen := func(project string, eps ...string) (ids []int64) {
		list, err := f.s.Decisions(f.ctx, plimsoll.DecisionFilter{ProjectID: project, EnterpriseProjects: eps, Ended: true})
		f.must(err)
		for _, d := range list {
			ids = append(ids, d.ID)
		}
		return ids
	}
	wantEqual(f, []int64{whole.ID, d.ID}, seen("p1"))
	wantEqual(f, []int64{whole.ID}, seen("p1", "e7"))
	wantEqual(f, nil, seen("p2"))
	for _, p := range f.list(f.whole(theirs), plimsoll.VulnerabilityFilter{}) {
		if p.Decision != nil {
			f.Fatalf("another project sees %+v", p.Decision)
		}
	}
}

func testDecisionList(f *findings) {
	var want []int64
	for i := range 7 {
		d := decision(fmt.Sprint("CVE-", i), plimsoll.DecisionScope{Package: "bash"})
		if i%2 == 0 {
			d.Document = "urn:x"
		}
		want = append(want, f.decide(d)[0].ID)
	}
	slices.Reverse(want)
	var got []int64
	filter := plimsoll.DecisionFilter{ProjectID: "p1", Limit: 3}
	for {
		page, err := f.s.Decisions(f.ctx, filter)
		f.must(err)
		for _, d := range page {
			got = append(got, d.ID)
		}
		if len(page) < filter.Limit {
			break
		}
		filter.Before = page[len(page)-1].ID
	}
	wantEqual(f, want, got)
	ofDocument, err := f.s.Decisions(f.ctx, plimsoll.DecisionFilter{ProjectID: "p1", Document: "urn:x"})
	f.must(err)
	named, err := f.s.Decisions(f.ctx, plimsoll.DecisionFilter{ProjectID: "p1", Finding: "CVE-3", Status: plimsoll.StatusIgnored})
	f.must(err)
	if len(ofDocument) != 4 || len(named) != 1 || named[0].Scope.Package != "bash" {
		f.Fatalf("filters give %+v and %+v", ofDocument, named)
	}
	_, err = f.s.Decisions(f.ctx, plimsoll.DecisionFilter{})
	f.wantError(plimsoll.Invalid, err)
}
