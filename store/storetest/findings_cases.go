package storetest

import (
	"fmt"
	"slices"
	"time"

	"plimsoll"
)

const matcher = "matcher-1"

func pkg(name string) plimsoll.Package {
	return plimsoll.Package{Ecosystem: "Debian:12", Name: name, Version: "1.0", Source: "src-" + name, Arch: "amd64", PURL: "pkg:deb/debian/" + name}
}

// placed makes a set of the packages, each at /<name> in layer 0.
func placed(kind plimsoll.SetKind, names ...string) plimsoll.PlacedSet {
	var packages []plimsoll.Package
	for _, n := range names {
		packages = append(packages, pkg(n))
	}
	set := plimsoll.PlacedSet{PackageSet: plimsoll.NewPackageSet(kind, packages)}
	for i, p := range set.Packages {
		set.Places = append(set.Places, plimsoll.Place{Package: i, Path: p.Name})
	}
	return set
}

// vulnerable is a vulnerability of a package.
func vulnerable(name, id string, severity plimsoll.Severity) plimsoll.Vulnerability {
	return plimsoll.Vulnerability{
		ID: id, Advisories: []string{"DSA-" + id}, Aliases: []string{id}, Package: pkg(name),
		FixedVersion: "1.1", Severity: severity, Score: 7.5, Summary: "About " + id, URL: "https://example.test/" + id,
	}
}

func judged(revision plimsoll.Revision, vs ...plimsoll.Vulnerability) plimsoll.Judgement {
	return plimsoll.Judgement{Revision: revision, Vulnerabilities: vs}
}

// record is a scan of an artifact with one operating system set.
func record(t plimsoll.Tenant, name string, set plimsoll.PlacedSet, j plimsoll.Judgement) plimsoll.ScanRecord {
	return plimsoll.ScanRecord{
		Tenant: t, Digest: named(name), Matcher: matcher,
		Sets: []plimsoll.PlacedSet{set}, Judgements: []plimsoll.Judgement{j},
	}
}

func testSets(f *findings) {
	f.image(findingTenant, "a")
	both := record(findingTenant, "a", placed(plimsoll.SetOS, "bash", "curl"), judged(1))
	lang := placed(plimsoll.SetLanguage, "left-pad")
	lang.Places = append(lang.Places, plimsoll.Place{Package: 0, Layer: 1, Path: "again/left-pad"})
	both.Sets, both.Judgements = append(both.Sets, lang), append(both.Judgements, judged(1))
	f.save(both)
	got, err := f.s.ArtifactSets(f.ctx, findingTenant, named("a"))
	f.must(err)
	for i := range got {
		slices.SortFunc(got[i].Places, func(a, b plimsoll.Place) int { return a.Package - b.Package })
	}
	for i := range both.Sets {
		if got[i].Hash() != both.Sets[i].Hash() {
			f.Fatalf("set %d came back with another hash", i)
		}
	}
	if len(got[1].Places) != 2 || len(got[0].Places) != 2 {
		f.Fatalf("places are lost: %+v", got)
	}
	// Fewer sets than before: the rest goes.
	one := both
	one.Sets, one.Judgements = both.Sets[1:], both.Judgements[1:]
	f.save(one)
	got, err = f.s.ArtifactSets(f.ctx, findingTenant, named("a"))
	f.must(err)
	if len(got) != 1 || got[0].Kind != plimsoll.SetLanguage {
		f.Fatalf("got %+v, want the language set alone", got)
	}
	_, err = f.s.ArtifactSets(f.ctx, otherTenant, named("a"))
	f.wantError(plimsoll.NotFound, err)
}

func testSavedTwice(f *findings) {
	img := f.image(findingTenant, "a")
	r := record(findingTenant, "a", placed(plimsoll.SetOS, "bash", "curl"), judged(3,
		vulnerable("bash", "CVE-1", plimsoll.SeverityHigh), vulnerable("curl", "CVE-1", plimsoll.SeverityHigh),
		vulnerable("curl", "CVE-2", plimsoll.SeverityLow)))
	r.ScannedAt = time.UnixMilli(1_650_000_000_000)
	r.Judgements[0].NotJudged = []plimsoll.NotJudged{{Package: pkg("bash"), Reason: plimsoll.NotJudgedVersion}}
	r.Settings = []plimsoll.Setting{
		{Rule: "image.user", Result: plimsoll.SettingFailed, Evidence: []string{"USER root"}},
		{Rule: "image.health", Result: plimsoll.SettingPass},
	}
	r.Malware = []plimsoll.Malware{{Path: "eicar", Kind: plimsoll.MalwareMatch, Rule: "EICAR", Layer: layerName("a", 1)}}
	if !f.save(r) {
		f.Fatal("the first save changed nothing")
	}
	want := clean(2, 1, 1)
	want.ScannedAt = r.ScannedAt.UnixMilli()
	wantEqual(f, want, f.shown(img))
	before := f.dump("")
	f.s.DB().Now = func() time.Time { return time.UnixMilli(1_800_000_000_000) }
	if f.save(r) {
		f.Fatal("the same record changed something")
	}
	r.ScannedAt = time.Time{}
	if f.save(r) {
		f.Fatal("a record of known bytes changed something")
	}
	wantEqual(f, before, f.dump(""))
}

func testBadRecords(f *findings) {
	f.image(findingTenant, "a")
	before := f.dump("")
	good := record(findingTenant, "a", placed(plimsoll.SetOS, "bash", "curl"), judged(1))
	for name, change := range map[string]func(*plimsoll.ScanRecord){
		"no judgement":        func(r *plimsoll.ScanRecord) { r.Judgements = nil },
		"place of nothing":    func(r *plimsoll.ScanRecord) { r.Sets[0].Places = []plimsoll.Place{{Package: 2}} },
		"unsorted":            func(r *plimsoll.ScanRecord) { slices.Reverse(r.Sets[0].Packages) },
		"unknown package":     func(r *plimsoll.ScanRecord) { r.Judgements[0] = judged(1, vulnerable("x", "CVE-1", "high")) },
		"doubled package":     func(r *plimsoll.ScanRecord) { r.Sets[0].Packages = []plimsoll.Package{pkg("a"), pkg("a")} },
		"too many judgements": func(r *plimsoll.ScanRecord) { r.Judgements = []plimsoll.Judgement{{}, {}} },
	} {
		r := good
		r.Sets = []plimsoll.PlacedSet{placed(plimsoll.SetOS, "bash", "curl")}
		r.Judgements = slices.Clone(good.Judgements)
		change(&r)
		if _, err := f.s.SaveScan(f.ctx, r); plimsoll.ErrorCode(err) != plimsoll.Internal {
			f.Errorf("%s: error is %v, want an internal one", name, err)
		}
	}
	good.Digest = named("unknown")
	_, err := f.s.SaveScan(f.ctx, good)
	f.wantError(plimsoll.NotFound, err)
	wantEqual(f, before, f.dump(""))
}

func testFailedRescan(f *findings) {
	img := f.image(findingTenant, "a")
	f.must(f.s.FailScan(f.ctx, findingTenant, named("a"), plimsoll.FailureAuth, "the registry said 401"))
	never := shown{State: plimsoll.ScanFailed, Failure: plimsoll.FailureAuth, Detail: "the registry said 401", Vulnerabilities: -1, Settings: -1, Malware: -1}
	wantEqual(f, never, f.shown(img))

	r := record(findingTenant, "a", placed(plimsoll.SetOS, "bash"), judged(1, vulnerable("bash", "CVE-1", plimsoll.SeverityHigh)))
	r.Settings = []plimsoll.Setting{{Rule: "image.user", Result: plimsoll.SettingFailed}}
	r.Malware = []plimsoll.Malware{{Path: "x", Kind: plimsoll.MalwareMatch, Rule: "X"}}
	r.ScannedAt = time.UnixMilli(5)
	f.save(r)
	want := clean(1, 1, 1)
	want.ScannedAt = 5
	wantEqual(f, want, f.shown(img))

	f.must(f.s.FailScan(f.ctx, findingTenant, named("a"), plimsoll.FailureDownload, "cut"))
	failed := want
	failed.State, failed.Failure, failed.Detail = plimsoll.ScanUnreachable, plimsoll.FailureDownload, "cut"
	wantEqual(f, failed, f.shown(img))
	if n := len(f.list(img, plimsoll.VulnerabilityFilter{})); n != 1 {
		f.Fatalf("%d vulnerabilities are left, want 1", n)
	}
	before := f.dump("")
	f.must(f.s.FailScan(f.ctx, findingTenant, named("a"), plimsoll.FailureDownload, "cut"))
	wantEqual(f, before, f.dump(""))

	f.save(r)
	wantEqual(f, want, f.shown(img))
	f.wantError(plimsoll.NotFound, f.s.FailScan(f.ctx, otherTenant, named("a"), plimsoll.FailureAuth, ""))
}

func testPartialFailure(f *findings) {
	img := f.image(findingTenant, "a")

	// Packages could not be read: they are not judged, the rest is.
	r := plimsoll.ScanRecord{Tenant: findingTenant, Digest: named("a"), Failure: plimsoll.FailurePackages, Detail: "status is cut"}
	r.Settings = []plimsoll.Setting{{Rule: "image.user", Result: plimsoll.SettingFailed}}
	r.Malware = []plimsoll.Malware{}
	f.save(r)
	want := shown{State: plimsoll.ScanFailed, ScannedAt: Start().UnixMilli(), Failure: plimsoll.FailurePackages, Detail: "status is cut", Vulnerabilities: -1, Settings: 1}
	wantEqual(f, want, f.shown(img))

	// What is found beside a failure counts.
	r = record(findingTenant, "a", placed(plimsoll.SetOS, "bash"), judged(1, vulnerable("bash", "CVE-1", plimsoll.SeverityHigh)))
	r.Failure = plimsoll.FailureMalware
	f.save(r)
	wantEqual(f, shown{State: plimsoll.ScanFailed, ScannedAt: Start().UnixMilli(), Failure: plimsoll.FailureMalware, Vulnerabilities: 1, Settings: 1}, f.shown(img))

	// Malware that is found while not every file was looked at is added, and takes nothing away.
	one, two := plimsoll.Malware{Path: "x", Kind: plimsoll.MalwareMatch, Rule: "X", Engine: "clamd, yara/x"}, plimsoll.Malware{Path: "y", Kind: plimsoll.MalwareMatch, Rule: "Y"}
	part := plimsoll.ScanRecord{Tenant: findingTenant, Digest: named("a"), Failure: plimsoll.FailureEngine, MalwareAdds: true}
	for _, found := range [][]plimsoll.Malware{{one}, {two, {Path: "x", Kind: plimsoll.MalwareMatch, Rule: "X", Engine: "yara/x"}}} {
		part.Malware = found
		f.save(part)
		if f.save(part) {
			f.Fatal("the same part changed something")
		}
	}
	malware, err := f.s.ImageMalware(f.ctx, img)
	f.must(err)
	wantEqual(f, []plimsoll.Malware{one, two}, malware)
	wantEqual(f, 2, f.shown(img).Malware)
	part.Failure, part.MalwareAdds, part.Malware = plimsoll.FailureSecrets, false, []plimsoll.Malware{}
	f.save(part)

	// A match that failed keeps sets and judgement.
	r.Sets, r.Failure = []plimsoll.PlacedSet{placed(plimsoll.SetOS, "bash", "curl"), placed(plimsoll.SetLanguage, "x")}, plimsoll.FailureMatch
	f.save(r)
	wantEqual(f, shown{State: plimsoll.ScanFailed, ScannedAt: Start().UnixMilli(), Failure: plimsoll.FailureMatch, Vulnerabilities: 1, Settings: 1}, f.shown(img))
	if rows := f.list(img, plimsoll.VulnerabilityFilter{}); len(rows) != 1 {
		f.Fatalf("%d vulnerabilities are listed, want 1", len(rows))
	}
}

func testFindingTenancy(f *findings) {
	f.image(findingTenant, "a")
	f.image(otherTenant, "a")
	set := placed(plimsoll.SetOS, "bash")
	other := "WHERE project_id = 'p2'"
	before := f.dump(other)
	f.save(record(findingTenant, "a", set, judged(1, vulnerable("bash", "CVE-1", plimsoll.SeverityHigh))))
	f.must(f.s.FailScan(f.ctx, findingTenant, named("a"), plimsoll.FailureAuth, ""))
	wantEqual(f, before, f.dump(other))
	stranger := plimsoll.Image{Tenant: plimsoll.Tenant{ProjectID: "p3", EnterpriseProject: "0"}, Digest: named("a")}
	_, err := f.s.ImageVulnerabilities(f.ctx, stranger, plimsoll.VulnerabilityFilter{})
	f.wantError(plimsoll.NotFound, err)
	_, err = f.s.ImageMalware(f.ctx, stranger)
	f.wantError(plimsoll.NotFound, err)
	_, err = f.s.ImageSettings(f.ctx, stranger)
	f.wantError(plimsoll.NotFound, err)
}

func testIndex(f *findings) {
	index := f.index(findingTenant, "index", "amd64", "arm64", "-proof")
	never := shown{State: plimsoll.ScanNone, Vulnerabilities: -1, Settings: -1, Malware: -1}
	f.image(findingTenant, "amd64")
	f.image(findingTenant, "arm64")
	wantEqual(f, never, f.shown(index))

	high := plimsoll.SeverityHigh
	amd := record(findingTenant, "amd64", placed(plimsoll.SetOS, "bash", "curl"), judged(1, vulnerable("bash", "CVE-1", high), vulnerable("curl", "CVE-2", high)))
	amd.Settings = []plimsoll.Setting{{Rule: "a", Result: plimsoll.SettingFailed}, {Rule: "b", Result: plimsoll.SettingPass}}
	amd.Malware = []plimsoll.Malware{{Path: "x", Kind: plimsoll.MalwareMatch, Rule: "X"}, {Path: "y", Kind: plimsoll.MalwareMatch, Rule: "X", Shadowed: true}}
	amd.ScannedAt = time.UnixMilli(7)
	f.save(amd)
	half := shown{State: plimsoll.ScanNone, ScannedAt: 7, Vulnerabilities: 2, Settings: 1, Malware: 1}
	wantEqual(f, half, f.shown(index))

	arm := record(findingTenant, "arm64", placed(plimsoll.SetOS, "bash", "dash"), judged(1, vulnerable("bash", "CVE-1", high), vulnerable("dash", "CVE-3", high)))
	arm.Settings = []plimsoll.Setting{{Rule: "a", Result: plimsoll.SettingFailed}, {Rule: "b", Result: plimsoll.SettingFailed}}
	arm.Malware = []plimsoll.Malware{{Path: "x", Kind: plimsoll.MalwareMatch, Rule: "X"}, {Path: "z", Kind: plimsoll.MalwareNotLooked, Rule: "too big"}}
	f.save(arm)
	whole := clean(3, 2, 1)
	whole.ScannedAt = Start().UnixMilli() // of the other member, whose layers were all known
	wantEqual(f, whole, f.shown(index))
	if f.save(amd) || f.save(arm) {
		f.Fatal("the same records changed something")
	}
	var got []string
	for _, p := range f.list(index, plimsoll.VulnerabilityFilter{}) {
		got = append(got, fmt.Sprint(p.ID, " ", p.Package.Name, " ", p.Platform))
	}
	wantEqual(f, []string{"CVE-1 bash linux/amd64", "CVE-1 bash linux/arm64", "CVE-2 curl linux/amd64", "CVE-3 dash linux/arm64"}, got)
	settings, err := f.s.ImageSettings(f.ctx, index)
	f.must(err)
	wantEqual(f, []plimsoll.Setting{{Rule: "a", Result: plimsoll.SettingFailed}, {Rule: "b", Result: plimsoll.SettingFailed}}, settings)
	malware, err := f.s.ImageMalware(f.ctx, index)
	f.must(err)
	wantEqual(f, []plimsoll.Malware{amd.Malware[0], amd.Malware[1], arm.Malware[1]}, malware)

	// A rematch reaches the index through its member.
	f.rematch(matcher, 2, vulnerable("bash", "CVE-1", high), vulnerable("curl", "CVE-2", high))
	whole.Vulnerabilities = 2
	wantEqual(f, whole, f.shown(index))

	f.must(f.s.FailScan(f.ctx, findingTenant, named("arm64"), plimsoll.FailureOversized, "too big"))
	whole.State, whole.Failure, whole.Detail = plimsoll.ScanOversized, plimsoll.FailureOversized, "too big"
	wantEqual(f, whole, f.shown(index))
}
