package storetest

import (
	"plimsoll"
)

// judgementRows returns every row of judgement: package, id, from, to, why it began and ended.
// From and to are revisions; 0 is "with the set", -1 "still".
func (f *findings) judgementRows() []string {
	return f.rows(`SELECT p.name, ' ', v.vulnerability, ' ', v.severity, ' ', COALESCE(r.revision, 0), ' ', COALESCE(e.revision, -1), ' ', s.began, '/', s.ended
		FROM set_vulnerability s JOIN package p ON p.id = s.package_id JOIN verdict v ON v.id = s.verdict_id
		LEFT JOIN rematch r ON r.id = s.from_revision LEFT JOIN rematch e ON e.id = s.to_revision`)
}

func testRevisions(f *findings) {
	img := f.image(findingTenant, "a")
	high := plimsoll.SeverityHigh
	set := placed(plimsoll.SetOS, "bash", "curl")
	f.save(record(findingTenant, "a", set, judged(1,
		vulnerable("bash", "CVE-1", high), vulnerable("bash", "CVE-2", high), vulnerable("curl", "CVE-3", high))))

	// At 2, one ends, one is rated differently, one begins and one stays.
	second := []plimsoll.Vulnerability{vulnerable("bash", "CVE-2", plimsoll.SeverityLow), vulnerable("curl", "CVE-3", high), vulnerable("curl", "CVE-4", high)}
	if n := f.rematch(matcher, 2, second...); n != 4 {
		f.Fatalf("the rematch changed %d rows, want 4", n)
	}
	after2 := []string{
		"bash CVE-1 high 0 2 /y", "bash CVE-2 high 0 2 /y", "bash CVE-2 low 2 -1 y/",
		"curl CVE-3 high 0 -1 /", "curl CVE-4 high 2 -1 y/",
	}
	wantEqual(f, after2, f.judgementRows())
	wantEqual(f, clean(3, 0, 0), f.shown(img))

	// A later revision with the same judgement writes nothing about any set.
	before := f.dump("")
	if n := f.rematch(matcher, 3, second...); n != 0 {
		f.Fatalf("an unchanged judgement changed %d rows", n)
	}
	delete(before, "rematch")
	after := f.dump("")
	delete(after, "rematch")
	wantEqual(f, before, after)

	// Another matcher corrects what it finds at the same revision.
	if n := f.rematch("matcher-2", 3, vulnerable("curl", "CVE-3", high)); n != 2 {
		f.Fatalf("the correction changed %d rows, want 2", n)
	}
	corrected := []string{
		"bash CVE-1 high 0 2 /y", "bash CVE-2 high 0 2 /y", "bash CVE-2 low 2 3 y/y",
		"curl CVE-3 high 0 -1 /", "curl CVE-4 high 2 3 y/y",
	}
	wantEqual(f, corrected, f.judgementRows())
	wantEqual(f, clean(1, 0, 0), f.shown(img))

	// A scan at a newer revision leaves the judgement of a stored set to the rematch.
	f.save(record(findingTenant, "a", set, judged(5)))
	wantEqual(f, corrected, f.judgementRows())
	wantEqual(f, clean(1, 0, 0), f.shown(img))
}

func (f *findings) wantThrough(want plimsoll.Revision) {
	f.Helper()
	if got := f.rematchState(matcher).Through; got != want {
		f.Fatalf("judged through %d, want %d", got, want)
	}
}

func testOvertaken(f *findings) {
	img, other := f.image(findingTenant, "a"), f.image(findingTenant, "b")
	old := record(findingTenant, "a", placed(plimsoll.SetOS, "bash"), judged(1, vulnerable("bash", "CVE-1", plimsoll.SeverityHigh)))
	f.save(old)
	f.wantThrough(0)
	f.rematch(matcher, 2)
	f.wantThrough(2)

	// A scan that judged before the rematch must not bring the old finding back.
	if f.save(old) {
		f.Fatal("an overtaken judgement changed something")
	}
	wantEqual(f, clean(0, 0, 0), f.shown(img))
	f.wantBehind(false)

	// A new set that the rematch could not see, judged too early.
	r := f.begin(matcher, 3)
	f.save(record(findingTenant, "b", placed(plimsoll.SetOS, "bash", "zlib"), judged(2, vulnerable("zlib", "CVE-2", plimsoll.SeverityHigh))))
	f.wantBehind(true)
	wantEqual(f, clean(1, 0, 0), f.shown(other))
	done, err := f.s.FinishRematch(f.ctx, r)
	f.must(err)
	if done {
		f.Fatal("a rematch ended that left a set behind")
	}
	f.wantThrough(2)
	behind := f.rematchState(matcher).Behind
	packages := f.packagesOf(plimsoll.RematchScope{Sets: behind})
	if len(behind) != 1 || len(packages) != 2 {
		f.Fatalf("sets %v and packages %v are behind", behind, packages)
	}
	f.rejudge(r, f.judgementsOf(packages))
	f.finish(r, behind...)
	f.wantBehind(false)
	f.wantThrough(3)
	wantEqual(f, clean(0, 0, 0), f.shown(other))
	if through := f.rematchState("matcher-2").Through; through != 0 {
		f.Fatalf("matcher-2 never judged, but through %d", through)
	}
}

func (f *findings) wantBehind(want bool) {
	f.Helper()
	if got := f.rematchState(matcher).Behind; len(got) > 0 != want {
		f.Fatalf("sets %v are behind, want some: %t", got, want)
	}
}

func testNotJudged(f *findings) {
	f.image(findingTenant, "a")
	j := judged(1)
	j.NotJudged = []plimsoll.NotJudged{{Package: pkg("bash"), Reason: "one"}, {Package: pkg("curl"), Reason: "two"}}
	set := placed(plimsoll.SetOS, "bash", "curl", "dash")
	f.save(record(findingTenant, "a", set, j))
	query := `SELECT p.name, ' ', n.reason FROM set_not_judged n JOIN package p ON p.id = n.package_id`
	wantEqual(f, []string{"bash one", "curl two"}, f.rows(query))
	r := f.begin(matcher, 2)
	js := f.judgementsOf(f.packages())
	for i, p := range f.packages() {
		js[i].NotJudged = map[string]string{"curl": "three", "dash": "four"}[p.Name]
	}
	f.rejudge(r, js)
	f.finish(r)
	wantEqual(f, []string{"curl three", "dash four"}, f.rows(query))
}

func testSharedSet(f *findings) {
	first, second, third := f.image(findingTenant, "a"), f.image(findingTenant, "b"), f.image(otherTenant, "c")
	set := placed(plimsoll.SetOS, "bash", "curl")
	one := judged(1, vulnerable("bash", "CVE-1", plimsoll.SeverityHigh))
	f.save(record(findingTenant, "a", set, one))
	rows := f.judgementRows()
	f.save(record(findingTenant, "b", set, one))
	f.save(record(otherTenant, "c", set, one))
	wantEqual(f, rows, f.judgementRows())
	if sets := f.rows(`SELECT hash FROM package_set`); len(sets) != 1 {
		f.Fatalf("%d sets are stored, want one", len(sets))
	}

	// A rematch changes every image with the set.
	f.rematch(matcher, 2, vulnerable("bash", "CVE-1", plimsoll.SeverityHigh), vulnerable("curl", "CVE-2", plimsoll.SeverityLow))
	for _, img := range []plimsoll.Image{first, second, third} {
		wantEqual(f, clean(2, 0, 0), f.shown(img))
	}
}
