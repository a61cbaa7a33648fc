package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"plimsoll"
)

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
	if got := f.claimAll(); len(got) != 1 || got[0].Kind != plimsoll.WorkDecisions || got[0].ProjectID != "p1" {
		f.Fatalf("claimed %+v", got)
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
		f.Fatalf("%d tasks without a request", n)
	}
}

func testDecisionNewTag(f *findings) {
	s := f.s
	r := AddRegistry(f.TB.(testing.TB), s, plimsoll.Registry{Name: "dock", Tenant: plimsoll.Tenant{EnterpriseProject: "0"}})
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
	revision := f.rematchState(matcher).Through
	check := func() {
		for _, img := range images {
			f.wantDecidedCount(f.whole(img))
		}
	}
	var made []plimsoll.Decision
	for range rapid.IntRange(1, 8).Draw(t, "steps") {
		switch rapid.SampledFrom([]string{"scan", "scan", "rematch", "decide", "decide", "decide", "end", "time"}).Draw(t, "step") {
		case "scan":
			f.save(drawRecord(t, tenant, rapid.SampledFrom(names).Draw(t, "artifact"), revision))
		case "rematch":
			revision++
			r := f.begin(matcher, revision)
			f.rejudge(r, f.judgedLike(revision))
			check() // not visible yet
			if rapid.Bool().Draw(t, "decide meanwhile") {
				made = append(made, f.decide(drawDecision(t, project, clock.Now()))...)
				check()
			}
			_, err := f.s.CountRematch(f.ctx, r, nil)
			f.must(err)
			check()
			f.finish(r)
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
			_, err := f.s.RecountDecisions(f.ctx)
			f.must(err)
		}
		check()
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
	// A decision of a person precedes one of a document.
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

// testDecisionQuestions tests what lists and exports read beside decisions.
func testDecisionQuestions(f *findings) {
	a, b := f.twoFound(findingTenant, "a"), f.twoFound(findingTenant, "b")
	f.twoFound(otherTenant, "c")
	lang := placed(plimsoll.SetLanguage, "left-pad")
	r := record(findingTenant, "b", lang, judged(1, vulnerable("left-pad", "CVE-5", plimsoll.SeverityLow)))
	f.save(r)
	tenant := findingTenant
	ids := func(kind plimsoll.SetKind) []string {
		got, err := f.s.ProjectVulnerabilities(f.ctx, tenant, kind)
		f.must(err)
		return got
	}
	wantEqual(f, []string{"CVE-1", "CVE-2", "CVE-5"}, ids(""))
	wantEqual(f, []string{"CVE-1", "CVE-2"}, ids(plimsoll.SetOS))
	wantEqual(f, []string{"CVE-5"}, ids(plimsoll.SetLanguage))
	tenant.EnterpriseProject = "e9"
	wantEqual(f, nil, ids(""))

	named := func(project string, eps []string, id string) (out []string) {
		got, err := f.s.VulnerabilitiesNamed(f.ctx, project, eps, id)
		f.must(err)
		for _, v := range got {
			out = append(out, fmt.Sprint(v.ID, v.Advisories, v.Score))
		}
		return out
	}
	wantEqual(f, []string{"CVE-1[DSA-CVE-1] 7.5"}, named("p1", nil, "CVE-1"))
	wantEqual(f, []string{"CVE-1[DSA-CVE-1] 7.5"}, named("p1", []string{"0"}, "DSA-CVE-1"))
	wantEqual(f, nil, named("p1", []string{"e9"}, "CVE-1"))
	wantEqual(f, nil, named("p2", nil, "CVE-5"))
	if n := len(f.list(f.whole(a), plimsoll.VulnerabilityFilter{AnyID: "DSA-CVE-1"})); n != 2 {
		f.Fatalf("%d rows answer to an advisory, want 2", n)
	}

	about := func(d plimsoll.Decision) (out []string) {
		got, err := f.s.DecidedImages(f.ctx, d)
		f.must(err)
		for _, i := range got {
			out = append(out, i.Path)
		}
		slices.Sort(out)
		return out
	}
	wantEqual(f, []string{"a"}, about(decision("CVE-1", plimsoll.DecisionScope{})))
	wantEqual(f, []string{"b"}, about(decision("CVE-5", plimsoll.DecisionScope{})))
	wantEqual(f, []string{"b"}, about(decision("CVE-1", plimsoll.DecisionScope{Repository: "b"})))
	wantEqual(f, nil, about(decision("CVE-1", plimsoll.DecisionScope{Repository: "b", Tag: "v9"})))
	wantEqual(f, []string{"b"}, about(decision("CVE-1", plimsoll.DecisionScope{Digest: b.Digest})))
	wantEqual(f, []string{"a"}, about(decision("CVE-1", plimsoll.DecisionScope{RegistryID: f.whole(a).RegistryID})))
	elsewhere := decision("CVE-1", plimsoll.DecisionScope{})
	elsewhere.EnterpriseProject = "e9"
	wantEqual(f, nil, about(elsewhere))
}
