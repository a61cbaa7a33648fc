package storetest

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"

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
		ProjectID: findingTenant.ProjectID, EnterpriseProject: findingTenant.EnterpriseProject, Kind: plimsoll.FindingVulnerability,
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

// wantShown holds an image's shown count, and that it is what its list holds unhandled.
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

// wantDecidedCount holds that the count is the number of distinct ids of the list that are not handled.
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
	f.rematchTo(2, named("a"), vulnerable("bash", "CVE-3", plimsoll.SeverityHigh), vulnerable("dash", "CVE-1", plimsoll.SeverityHigh))
	f.wantShown(1, a)
	f.wantShown(1, b)
}

// rematchTo judges the first set of an artifact anew.
func (f *findings) rematchTo(revision plimsoll.Revision, digest plimsoll.Digest, vs ...plimsoll.Vulnerability) {
	f.Helper()
	set := f.exec(`SELECT s.set_id FROM artifact_set s JOIN artifact a ON a.id = s.artifact_id WHERE a.digest = ?`, digest)
	_, err := f.s.SaveJudgements(f.ctx, matcher, []plimsoll.SetJudgement{{SetID: set, Judgement: judged(revision, vs...)}})
	f.must(err)
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
	// A narrower scope says otherwise.
	narrow := decision("CVE-1", plimsoll.DecisionScope{Digest: named("a"), Package: "curl"})
	narrow.Status = plimsoll.StatusAffected
	f.decide(narrow)
	f.wantShown(2, a)
	f.wantShown(1, b)
}

func testDecisionIndex(f *findings) {
	m := f.twoFound(findingTenant, "m")
	f.twoFound(findingTenant, "n")
	top := f.index(findingTenant, "top", "m", "n")
	f.saveTwo(findingTenant, "m") // the index is counted when a member is
	f.rematchTo(2, named("n"), vulnerable("bash", "CVE-1", plimsoll.SeverityHigh), vulnerable("curl", "CVE-9", plimsoll.SeverityHigh))
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
	v.Aliases = append(v.Aliases, "GHSA-x")
	f.save(record(findingTenant, "a", placed(plimsoll.SetOS, "bash"), judged(1, v)))
	for _, id := range []string{"CVE-1", "GHSA-x", "DSA-CVE-1"} {
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

	// The job is there before it is due, and not handed out.
	if f.exec(`SELECT COUNT(*) FROM backlog WHERE kind = 'decisions' AND state = 'pending' AND not_before = ?`, d.ExpiresAt.UnixMilli()) != 1 {
		f.Fatal("no job for the expiry")
	}
	if got := f.handOut(); len(got) != 0 {
		f.Fatalf("handed out too early: %+v", got)
	}
	clock.Advance(time.Minute)
	if open := f.list(f.whole(img), plimsoll.VulnerabilityFilter{Handled: new(false)}); len(open) != 3 {
		f.Fatalf("after expiry %d rows are open, want 3", len(open))
	}
	if got := f.handOut(); len(got) != 1 || got[0].Kind != plimsoll.WorkDecisions {
		f.Fatalf("handed out %+v, want the job of the expiry", got)
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
	n, err := f.s.SettleDecisions(f.ctx)
	f.must(err)
	if n != want {
		f.Fatalf("%d decisions were settled, want %d", n, want)
	}
}

func (f *findings) handOut() []plimsoll.Work {
	f.Helper()
	var got []plimsoll.Work
	_, err := f.s.Dispatch(f.ctx, 10, handing(&got))
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

// testDecisionJob has more images than a decision's own transaction recounts.
func testDecisionJob(f *findings) {
	a := f.twoFound(findingTenant, "a")
	whole := f.whole(a)
	artifact := f.exec(`SELECT artifact_id FROM image WHERE id = ?`, a.ID)
	for i := range 1000 {
		Exec(f.TB.(testing.TB), f.s, `INSERT INTO image (project_id, enterprise_project_id, registry_id, artifact_id, origin, repository, namespace, name, tag,
			digest, size, updated_at, first_seen_at, vulnerabilities) VALUES ('p1', '0', ?, ?, 'private', 'a', 'library', 'a', ?, ?, 1, 0, 0, 2)`,
			whole.RegistryID, artifact, fmt.Sprint("t", i), a.Digest)
	}
	d := f.decide(decision("CVE-1", plimsoll.DecisionScope{}))[0]
	count := func(n int) int64 {
		return f.exec(`SELECT COUNT(*) FROM image WHERE project_id = 'p1' AND vulnerabilities = ?`, n)
	}
	if count(2) != 1001 {
		f.Fatal("the decision's own transaction touched images")
	}
	if got := f.handOut(); len(got) != 1 || got[0].Kind != plimsoll.WorkDecisions || got[0].ProjectID != "p1" {
		f.Fatalf("handed out %+v", got)
	}
	f.settle(1)
	if count(1) != 1001 {
		f.Fatalf("%d images follow the decision", count(1))
	}
	f.end(d)
	f.settle(1)
	if count(2) != 1001 {
		f.Fatalf("%d images follow the end of the decision", count(2))
	}
	if n := f.exec(`SELECT COUNT(*) FROM task`); n != 0 {
		f.Fatalf("%d tasks that nobody asked for", n)
	}
}

func testDecisionNewTag(f *findings) {
	s := f.s
	r := AddRegistry(f.TB.(testing.TB), s, plimsoll.Registry{Name: "dock", EnterpriseProject: "0"})
	a, b := Artifact("a"), Artifact("b")
	Push(f.TB.(testing.TB), s, r, "team/app", map[string]plimsoll.Artifact{"1": a, "2": b})
	f.saveTwo(findingTenant, "a")
	f.decide(decision("CVE-1", plimsoll.DecisionScope{Repository: "team/app", Tag: "3"}), decision("CVE-2", plimsoll.DecisionScope{Digest: a.Digest}))
	shown := func(tag string) *plimsoll.Counts {
		page, err := s.Images(f.ctx, plimsoll.ImageFilter{ProjectID: "p1", Tag: tag})
		f.must(err)
		f.wantDecidedCount(page.Items[0])
		return page.Items[0].Counts
	}
	if c := shown("1"); c.Vulnerabilities != 1 {
		f.Fatalf("tag 1 shows %+v", c)
	}
	Push(f.TB.(testing.TB), s, r, "team/app", map[string]plimsoll.Artifact{"3": a})
	if c := shown("3"); c.Vulnerabilities != 0 {
		f.Fatalf("a new tag shows %+v", c)
	}
	f.must(s.ApplySync(f.ctx, r, plimsoll.RepositoryChange{Repository: "team/app", Tags: []plimsoll.TagSeen{{Tag: "2", Digest: a.Digest}, {Tag: "1", Digest: b.Digest}}}, nil))
	if c := shown("2"); c.Vulnerabilities != 1 {
		f.Fatalf("a moved tag shows %+v", c)
	}
	if c := shown("1"); c != nil && c.Vulnerabilities != 0 {
		f.Fatalf("a tag that moved away shows %+v", c)
	}
}

// testDecisionProperties: whatever is decided, ended, expires, is scanned and judged again, every count
// is the number of distinct ids of the list that are not handled.
func testDecisionProperties(t *rapid.T, f *findings, project string) {
	clock := UseClock(f.s)
	tenant := plimsoll.Tenant{ProjectID: project, EnterpriseProject: "0"}
	names := []string{"a", "b", "c"}
	images := []plimsoll.Image{f.index(tenant, "index", "a", "b")}
	for _, n := range names {
		images = append(images, f.image(tenant, n))
	}
	revision := plimsoll.Revision(f.exec(`SELECT COALESCE(MAX(MAX(from_revision), COALESCE(MAX(to_revision), 0)), 0) FROM set_vulnerability`))
	var made []plimsoll.Decision
	for range rapid.IntRange(1, 8).Draw(t, "steps") {
		switch rapid.SampledFrom([]string{"scan", "scan", "rematch", "decide", "decide", "decide", "end", "time"}).Draw(t, "step") {
		case "scan":
			f.save(drawRecord(t, tenant, rapid.SampledFrom(names).Draw(t, "artifact"), revision))
		case "rematch":
			revision++
			f.rematchAll(revision)
		case "decide":
			made = append(made, f.decide(drawDecision(t, project, clock.Now()))...)
		case "end":
			if len(made) > 0 {
				d := made[len(made)-1]
				made = made[:len(made)-1]
				if err := f.s.EndDecision(f.ctx, project, nil, d.ID, "x"); err != nil && plimsoll.ErrorCode(err) != plimsoll.NotFound {
					t.Fatal(err)
				}
			}
		case "time":
			clock.Advance(time.Minute)
			_, err := f.s.SettleDecisions(f.ctx)
			f.must(err)
		}
		for _, img := range images {
			f.wantDecidedCount(f.whole(img))
		}
	}
}

func drawDecision(t *rapid.T, project string, now time.Time) plimsoll.Decision {
	id := rapid.SampledFrom(drawnIDs()).Draw(t, "finding")
	d := decision(id, plimsoll.DecisionScope{})
	d.ProjectID = project
	d.EnterpriseProject = rapid.SampledFrom([]string{"", "0", "e1"}).Draw(t, "enterprise project")
	switch rapid.IntRange(0, 3).Draw(t, "scope") {
	case 1:
		d.Scope.Digest = named(rapid.SampledFrom([]string{"a", "b", "index"}).Draw(t, "digest"))
	case 2:
		d.Scope.Repository = rapid.SampledFrom([]string{"a", "c", "index"}).Draw(t, "repository")
	}
	d.Scope.Packages = rapid.SampledFrom([]plimsoll.SetKind{"", "", plimsoll.SetOS, plimsoll.SetLanguage}).Draw(t, "packages")
	if rapid.Bool().Draw(t, "of a package") {
		d.Scope.Package = rapid.SampledFrom(drawnPackages()).Draw(t, "package")
	}
	d.Status = rapid.SampledFrom([]plimsoll.DecisionStatus{plimsoll.StatusIgnored, plimsoll.StatusFixed, plimsoll.StatusAffected}).Draw(t, "status")
	if rapid.Bool().Draw(t, "expires") {
		d.ExpiresAt = now.Add(90 * time.Second)
	}
	if rapid.Bool().Draw(t, "by a document") {
		d.Document = "urn:doc"
	}
	return d
}

func drawnIDs() []string { return []string{"CVE-0", "CVE-1", "DSA-CVE-1", "CVE-2", "CVE-9"} }

func drawnPackages() []string {
	return []string{"bash", "src-curl", "dash@1.0", "zlib@2", "pkg:deb/debian/curl"}
}

func handing(got *[]plimsoll.Work) func(*sql.Tx, []plimsoll.Work) error {
	return func(_ *sql.Tx, work []plimsoll.Work) error {
		*got = append(*got, work...)
		return nil
	}
}

func testDocuments(f *findings) {
	img := f.twoFound(findingTenant, "a")
	said := func(ids ...string) (out []plimsoll.Decision) {
		for _, id := range ids {
			d := decision(id, plimsoll.DecisionScope{Digest: named("a")})
			d.Status, d.Justification, d.Author = plimsoll.StatusNotAffected, plimsoll.JustifiedMitigated, "vendor"
			out = append(out, d)
		}
		return out
	}
	doc := plimsoll.VEXDocument{ID: "urn:doc:1", Author: "vendor", Version: "1", Time: Start()}
	load := func(doc plimsoll.VEXDocument, want [3]int, ids ...string) {
		f.Helper()
		got, err := f.s.ImportDocument(f.ctx, findingTenant, doc, said(ids...))
		f.must(err)
		if have := [3]int{got.Added, got.Unchanged, got.Ended}; have != want {
			f.Fatalf("added, unchanged, ended are %v, want %v", have, want)
		}
	}
	load(doc, [3]int{2, 0, 0}, "CVE-1", "CVE-7")
	f.wantShown(1, img)
	before := append(f.rows(`SELECT * FROM decision`), f.rows(`SELECT * FROM vex_document`)...)
	load(doc, [3]int{0, 2, 0}, "CVE-1", "CVE-7")
	wantEqual(f, before, append(f.rows(`SELECT * FROM decision`), f.rows(`SELECT * FROM vex_document`)...))

	newer := doc
	newer.Version, newer.Time = "2", Start().Add(time.Hour)
	load(newer, [3]int{1, 1, 1}, "CVE-2", "CVE-7")
	f.wantShown(1, img)
	_, err := f.s.ImportDocument(f.ctx, findingTenant, doc, said("CVE-1"))
	f.wantError(plimsoll.Conflict, err)
	f.wantShown(1, img)

	// Another document, and the same id in another project, are other decisions.
	other := newer
	other.ID = "urn:doc:2"
	load(other, [3]int{1, 0, 0}, "CVE-1")
	f.wantShown(0, img)
	theirs, err := f.s.ImportDocument(f.ctx, otherTenant, newer, nil)
	f.must(err)
	if theirs.Ended != 0 {
		f.Fatalf("another project's import ended %d decisions", theirs.Ended)
	}
	// A person's word goes before a document's.
	mine := decision("CVE-1", plimsoll.DecisionScope{})
	mine.Status = plimsoll.StatusAffected
	f.decide(mine)
	f.wantShown(1, img)
	load(other, [3]int{0, 0, 1})

	known, err := f.s.KnownProducts(f.ctx, findingTenant, []plimsoll.Digest{named("a"), named("nothing")})
	f.must(err)
	if !known.Digests[named("a")] || known.Digests[named("nothing")] || len(known.Repositories) != 1 || known.Repositories[0].Path != "a" {
		f.Fatalf("known are %+v", known)
	}
	_, err = f.s.ImportDocument(f.ctx, findingTenant, plimsoll.VEXDocument{}, nil)
	f.wantError(plimsoll.Invalid, err)
}
