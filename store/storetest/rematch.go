package storetest

import (
	"fmt"

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
	return f.packagesOf(plimsoll.RematchScope{All: true})
}

// packagesOf returns the packages of a scope, which comes in batches of two.
func (f *findings) packagesOf(scope plimsoll.RematchScope) (out []plimsoll.StoredPackage) {
	f.Helper()
	seen := map[int64]bool{}
	f.must(f.s.EachPackage(f.ctx, scope, 2, func(batch []plimsoll.StoredPackage) error {
		if len(batch) == 0 || len(batch) > 2 {
			f.Fatalf("a batch of %d packages", len(batch))
		}
		for _, p := range batch {
			if seen[p.ID] {
				f.Fatalf("package %d comes twice", p.ID)
			}
			seen[p.ID] = true
		}
		out = append(out, batch...)
		return nil
	}))
	return out
}

// rematchState returns how current the judgement is, as this matcher sees it.
func (f *findings) rematchState(matcher string) plimsoll.RematchState {
	f.Helper()
	state, err := f.s.RematchState(f.ctx, matcher)
	f.must(err)
	return state
}

// judgementsOf returns a judgement for each package, with those vulnerabilities that are about it.
func (f *findings) judgementsOf(packages []plimsoll.StoredPackage, vs ...plimsoll.Vulnerability) []plimsoll.PackageJudgement {
	f.Helper()
	var js []plimsoll.PackageJudgement
	for _, p := range packages {
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
	changes, err := f.s.SaveJudgements(f.ctx, js)
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

// finish counts and ends a rematch, which has judged sets that were behind.
func (f *findings) finish(r plimsoll.Rematch, judgedBehind ...int64) {
	f.Helper()
	_, err := f.s.CountRematch(f.ctx, r, judgedBehind)
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
	rows := f.rejudge(r, f.judgementsOf(f.packages(), vs...))
	f.finish(r)
	return rows
}

// testCutOff: what a rematch wrote is not visible until the artifact is counted, and a
// rematch that is interrupted at any step is resumed.
func testCutOff(f *findings) {
	img, other := f.image(findingTenant, "a"), f.image(findingTenant, "b")
	high := plimsoll.SeverityHigh
	one, two, three := vulnerable("bash", "CVE-1", high), vulnerable("bash", "CVE-2", high), vulnerable("curl", "CVE-3", high)
	f.save(record(findingTenant, "a", placed(plimsoll.SetOS, "bash", "curl"), judged(1, one)))
	f.save(record(findingTenant, "b", placed(plimsoll.SetOS, "curl"), judged(1)))
	r := f.begin(matcher, 2)
	f.rejudge(r, f.judgementsOf(f.packages(), two, three))
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
		f.Fatalf("%+v resumes %+v", again, r)
	}
	images, err := f.s.CountRematch(f.ctx, r, nil)
	f.must(err)
	if images != 2 {
		f.Fatalf("%d image rows were rewritten, want 2", images)
	}
	wantEqual(f, []string{"CVE-2", "CVE-3"}, ids(img))
	wantEqual(f, []string{"CVE-3"}, ids(other))
	f.wantThrough(0)

	// A rematch with newer advisories replaces it: nothing of the old ones is left.
	next := f.begin(matcher, 3)
	if next.ID == r.ID || next.Since != 0 {
		f.Fatalf("%+v is not a rematch of its own", next)
	}
	f.rejudge(next, f.judgementsOf(f.packages(), two))
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

// testScanBeside: scans change the sets of an artifact while a rematch counts.
func testScanBeside(f *findings) {
	index := f.index(findingTenant, "index", "a")
	img := f.image(findingTenant, "a")
	high := plimsoll.SeverityHigh
	bash, curl, dash := vulnerable("bash", "CVE-1", high), vulnerable("curl", "CVE-2", high), vulnerable("dash", "CVE-3", high)
	f.save(record(findingTenant, "a", placed(plimsoll.SetOS, "bash"), judged(1)))
	f.rematch(matcher, 1)
	r := f.begin(matcher, 2)
	f.rejudge(r, f.judgementsOf(f.packages(), bash))
	f.save(record(findingTenant, "a", placed(plimsoll.SetOS, "curl"), judged(2, curl)))
	f.wantCountsMatchLists(img)
	_, err := f.s.CountRematch(f.ctx, r, nil)
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
	behind := f.rematchState(matcher).Behind
	f.rejudge(r, f.judgementsOf(f.packagesOf(plimsoll.RematchScope{Sets: behind}), dash))
	f.finish(r, behind...)
	for _, i := range []plimsoll.Image{img, index} {
		wantEqual(f, int64(2), f.shown(i).Vulnerabilities)
		f.wantCountsMatchLists(i)
	}
}

// testRematchScope: changes of advisories select the packages that they may affect.
func testRematchScope(f *findings) {
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
		var got []string
		for _, p := range f.packagesOf(plimsoll.RematchScope{Changes: c.changes}) {
			got = append(got, p.Name)
		}
		wantEqual(f, c.want, got)
	}
}

// testMaliciousPackages: a package that is malware by advisories is malware of every artifact
// with it, beside the malware in its files, from the scan on and after each rematch.
func testMaliciousPackages(f *findings) {
	one, other := f.image(findingTenant, "one"), f.image(otherTenant, "other")
	lang := placed(plimsoll.SetLanguage, "left-pad", "lost")
	lang.Places = []plimsoll.Place{{Package: 0, Layer: 1, Path: "app/a"}, {Package: 0, Layer: 1, Path: "app/b"}}
	scan := func(t plimsoll.Tenant, name string, malicious ...plimsoll.MaliciousPackage) {
		r := record(t, name, lang, plimsoll.Judgement{Revision: 1, Malicious: malicious})
		r.Malware = []plimsoll.Malware{{Path: "app/a", Kind: plimsoll.MalwareMatch, Rule: "r", Engine: "e"}}
		f.save(r)
	}
	shown := func(img plimsoll.Image, count int64, want ...string) {
		f.Helper()
		var got []string
		list, err := f.s.ImageMalware(f.ctx, img)
		f.must(err)
		for _, m := range list {
			got = append(got, fmt.Sprint(m.Path, " ", m.Kind, " ", m.Rule))
		}
		wantEqual(f, want, got)
		if n := f.shown(img).Malware; n != count {
			f.Errorf("%d paths counted, want %d", n, count)
		}
	}
	const a, b, file = "app/a malicious_package MAL-1", "app/b malicious_package MAL-1", "app/a match r"
	scan(findingTenant, "one")
	shown(one, 1, file)
	// The set is stored already, so only a rematch changes its judgement.
	scan(otherTenant, "other", plimsoll.MaliciousPackage{Package: lang.Packages[0], Advisories: []string{"MAL-1"}})
	shown(other, 1, file)

	id := f.exec(`SELECT id FROM package WHERE name = 'left-pad'`)
	judge := func(artifacts int, advisories ...string) {
		f.Helper()
		n, err := f.s.SaveMalicious(f.ctx, []plimsoll.PackageJudgement{{PackageID: id, Malicious: advisories}})
		f.must(err)
		if n != artifacts {
			f.Errorf("%d artifacts changed, want %d", n, artifacts)
		}
	}
	judge(2, "MAL-1")
	shown(one, 2, file, a, b)
	shown(other, 2, file, a, b)
	judge(0, "MAL-1")
	scan(findingTenant, "one")
	shown(one, 2, file, a, b)
	judge(2)
	shown(one, 1, file)
	for _, malicious := range [][]string{{"MAL-1"}, nil} { // as a rematch does
		_, err := f.s.SaveJudgements(f.ctx, []plimsoll.PackageJudgement{{PackageID: id, Malicious: malicious}})
		f.must(err)
		if malicious == nil {
			shown(one, 1, file)
		} else {
			shown(one, 2, file, a, b)
		}
	}

	fresh := f.image(findingTenant, "fresh")
	lone := placed(plimsoll.SetLanguage, "left-pad")
	f.save(record(findingTenant, "fresh", lone, plimsoll.Judgement{Revision: 1,
		Malicious: []plimsoll.MaliciousPackage{{Package: lone.Packages[0], Advisories: []string{"MAL-1"}}}}))
	shown(fresh, 1, "left-pad malicious_package MAL-1")
	shown(one, 2, file, a, b)
}
