package storetest

import (
	"slices"

	"plimsoll"
)

func (f *findings) begin(matcher string, through plimsoll.Revision) plimsoll.Rematch {
	f.Helper()
	r, err := f.s.BeginRematch(f.ctx, matcher, through)
	f.must(err)
	return r
}

func (f *findings) packages() []plimsoll.StoredPackage {
	f.Helper()
	ids, err := f.s.PackageIDs(f.ctx)
	f.must(err)
	packages, err := f.s.Packages(f.ctx, ids)
	f.must(err)
	if len(packages) != len(ids) {
		f.Fatalf("%d of %d packages are there", len(packages), len(ids))
	}
	return packages
}

// judgementsOf judges some packages, or all, by the vulnerabilities; the others have none.
func (f *findings) judgementsOf(ids []int64, vs ...plimsoll.Vulnerability) []plimsoll.PackageJudgement {
	f.Helper()
	var js []plimsoll.PackageJudgement
	for _, p := range f.packages() {
		if ids != nil && !slices.Contains(ids, p.ID) {
			continue
		}
		j := plimsoll.PackageJudgement{PackageID: p.ID}
		for _, v := range vs {
			if v.Package == p.Package {
				j.Vulnerabilities = append(j.Vulnerabilities, v)
			}
		}
		js = append(js, j)
	}
	return js
}

// rejudge saves judgements of packages for the reason "y".
func (f *findings) rejudge(r plimsoll.Rematch, js []plimsoll.PackageJudgement) int {
	f.Helper()
	changes, err := f.s.JudgementChanges(f.ctx, js)
	f.must(err)
	for i := range changes.Findings {
		changes.Findings[i].Reason = "y"
	}
	rows, err := f.s.SaveChanges(f.ctx, r, changes)
	f.must(err)
	again, err := f.s.SaveChanges(f.ctx, r, changes)
	f.must(err)
	if again != 0 {
		f.Fatalf("the same changes wrote %d rows", again)
	}
	return rows
}

// finish counts and ends a rematch.
func (f *findings) finish(r plimsoll.Rematch) {
	f.Helper()
	_, err := f.s.RecountChanged(f.ctx, r)
	f.must(err)
	done, err := f.s.FinishRematch(f.ctx, r)
	f.must(err)
	if !done {
		f.Fatal("the rematch did not end")
	}
}

// rematch judges every stored package and returns how many rows of judgement changed.
func (f *findings) rematch(matcher string, through plimsoll.Revision, vs ...plimsoll.Vulnerability) int {
	f.Helper()
	r := f.begin(matcher, through)
	rows := f.rejudge(r, f.judgementsOf(nil, vs...))
	f.finish(r)
	return rows
}

// testCutOff: what a rematch wrote is out of sight until the artifact is counted, and a
// rematch that ends at any step is gone on with.
func testCutOff(f *findings) {
	img, other := f.image(findingTenant, "a"), f.image(findingTenant, "b")
	high := plimsoll.SeverityHigh
	one, two, three := vulnerable("bash", "CVE-1", high), vulnerable("bash", "CVE-2", high), vulnerable("curl", "CVE-3", high)
	f.save(record(findingTenant, "a", placed(plimsoll.SetOS, "bash", "curl"), judged(1, one)))
	f.save(record(findingTenant, "b", placed(plimsoll.SetOS, "curl"), judged(1)))
	r := f.begin(matcher, 2)
	f.rejudge(r, f.judgementsOf(nil, two, three))
	ids := func(img plimsoll.Image) (out []string) {
		for _, p := range f.list(img, plimsoll.VulnerabilityFilter{}) {
			out = append(out, p.ID)
		}
		f.wantCountsMatchLists(img)
		return out
	}
	wantEqual(f, []string{"CVE-1"}, ids(img))
	wantEqual(f, nil, ids(other))

	if again := f.begin(matcher, 2); again.ID != r.ID || again.Since != 0 {
		f.Fatalf("%+v goes on with %+v", again, r)
	}
	images, err := f.s.RecountChanged(f.ctx, r)
	f.must(err)
	if images != 2 {
		f.Fatalf("%d image rows were rewritten, want 2", images)
	}
	wantEqual(f, []string{"CVE-2", "CVE-3"}, ids(img))
	wantEqual(f, []string{"CVE-3"}, ids(other))
	f.wantThrough(0)

	// Newer advisories overtake it: nothing of the old ones is left over.
	next := f.begin(matcher, 3)
	if next.ID == r.ID || next.Since != 0 {
		f.Fatalf("%+v is not a rematch of its own", next)
	}
	f.rejudge(next, f.judgementsOf(nil, two))
	wantEqual(f, []string{"CVE-2", "CVE-3"}, ids(img))
	f.finish(next)
	wantEqual(f, []string{"CVE-2"}, ids(img))
	wantEqual(f, nil, ids(other))
	f.wantThrough(3)
	if n := f.rematch(matcher, 4, two); n != 0 {
		f.Fatalf("a rematch that finds nothing new changed %d rows", n)
	}
	if other := f.begin("matcher-2", 4); other.Since != 4 || !other.OtherMatcher {
		f.Fatalf("%+v does not know what was before", other)
	}
}

// testScanBeside: scans that change the sets of an artifact while a rematch counts.
func testScanBeside(f *findings) {
	index := f.index(findingTenant, "index", "a")
	img := f.image(findingTenant, "a")
	high := plimsoll.SeverityHigh
	bash, curl, dash := vulnerable("bash", "CVE-1", high), vulnerable("curl", "CVE-2", high), vulnerable("dash", "CVE-3", high)
	f.save(record(findingTenant, "a", placed(plimsoll.SetOS, "bash"), judged(1)))
	f.rematch(matcher, 1)
	r := f.begin(matcher, 2)
	f.rejudge(r, f.judgementsOf(nil, bash))
	f.save(record(findingTenant, "a", placed(plimsoll.SetOS, "curl"), judged(2, curl)))
	f.wantCountsMatchLists(img)
	_, err := f.s.RecountChanged(f.ctx, r)
	f.must(err)
	both := record(findingTenant, "a", placed(plimsoll.SetOS, "bash"), judged(1))
	both.Sets, both.Judgements = append(both.Sets, placed(plimsoll.SetLanguage, "dash")), append(both.Judgements, judged(1, dash))
	f.save(both)
	for _, i := range []plimsoll.Image{img, index} {
		f.wantCountsMatchLists(i)
	}
	if done, err := f.s.FinishRematch(f.ctx, r); done || err != nil {
		f.Fatalf("a rematch ended that had not counted everything: %v", err)
	}
	sets, packages, err := f.s.BehindSets(f.ctx)
	f.must(err)
	f.rejudge(r, f.judgementsOf(packages, dash))
	f.must(f.s.ForgetBehind(f.ctx, sets))
	f.finish(r)
	for _, i := range []plimsoll.Image{img, index} {
		wantEqual(f, int64(2), f.shown(i).Vulnerabilities)
		f.wantCountsMatchLists(i)
	}
}

func testTouched(f *findings) {
	f.image(findingTenant, "a")
	set := placed(plimsoll.SetOS, "bash", "curl", "dash")
	odd := plimsoll.Package{Ecosystem: "PyPI", Name: "Zope.Interface", Version: "1"}
	set.PackageSet = plimsoll.NewPackageSet(plimsoll.SetOS, append(set.Packages, odd))
	f.save(record(findingTenant, "a", set, judged(1, vulnerable("dash", "CVE-1", plimsoll.SeverityHigh))))
	for _, c := range []struct {
		changes plimsoll.AdvisoryChanges
		want    []string
	}{
		{plimsoll.AdvisoryChanges{}, nil},
		{plimsoll.AdvisoryChanges{Keys: []plimsoll.AdvisoryKey{{Ecosystem: "Debian", Name: "bash"}}}, []string{"bash"}},
		{plimsoll.AdvisoryChanges{Keys: []plimsoll.AdvisoryKey{{Ecosystem: "Debian", Name: "src-curl"}}}, []string{"curl"}},
		{plimsoll.AdvisoryChanges{Keys: []plimsoll.AdvisoryKey{{Ecosystem: "Ubuntu", Name: "bash"}}}, nil},
		{plimsoll.AdvisoryChanges{Keys: []plimsoll.AdvisoryKey{{Ecosystem: "PyPI", Name: "zope-interface"}}}, []string{"Zope.Interface"}},
		{plimsoll.AdvisoryChanges{CVEs: []string{"CVE-1", "CVE-2"}}, []string{"dash"}},
	} {
		ids, err := f.s.PackagesAffected(f.ctx, c.changes)
		f.must(err)
		packages, err := f.s.Packages(f.ctx, ids)
		f.must(err)
		var got []string
		for _, p := range packages {
			got = append(got, p.Name)
		}
		wantEqual(f, c.want, got)
	}
}
