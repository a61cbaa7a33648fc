package storetest

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"plimsoll"
)

var (
	analyzerA = plimsoll.AnalyzerID{Name: "a", Version: "1"}
	analyzerB = plimsoll.AnalyzerID{Name: "b", Version: "2+rules"}
)

func someLayers(names ...string) []plimsoll.Layer {
	var out []plimsoll.Layer
	for _, n := range names {
		out = append(out, plimsoll.Layer{Descriptor: plimsoll.Descriptor{Digest: named("blob " + n)}, DiffID: named(n)})
	}
	return out
}

func report(layer string, id plimsoll.AnalyzerID) plimsoll.LayerReport {
	return plimsoll.LayerReport{DiffID: named(layer), Analyzer: id, Tree: &plimsoll.Tree{Entries: 2, Links: []plimsoll.Link{{Path: layer, Target: "etc"}}}}
}

func (f *findings) wantMissing(t plimsoll.Tenant, shared bool, layers []plimsoll.Layer, analyzers []plimsoll.AnalyzerID, want ...int) {
	f.Helper()
	got, err := f.s.MissingLayers(f.ctx, t, shared, layers, analyzers)
	f.must(err)
	wantEqual(f, want, got)
}

func testLayers(f *findings) {
	both := []plimsoll.AnalyzerID{analyzerA, analyzerB}
	layers := someLayers("one", "two", "one")
	f.wantMissing(findingTenant, false, layers, both, 0, 1, 2)
	f.wantMissing(findingTenant, true, layers, nil)

	failed := report("two", analyzerB)
	failed.Failures = []plimsoll.FileFailure{{Path: "x", Code: plimsoll.FailurePackages}}
	save := func() {
		one := []plimsoll.LayerReport{report("one", analyzerA), report("one", analyzerB)}
		f.must(f.s.SaveLayer(f.ctx, findingTenant, named("blob one"), named("one"), one))
		f.must(f.s.SaveLayer(f.ctx, findingTenant, named("blob two"), named("two"), []plimsoll.LayerReport{report("two", analyzerA), failed}))
	}
	save()
	before := f.dump("")
	save()
	wantEqual(f, before, f.dump(""))
	f.wantMissing(findingTenant, false, layers, both, 1)
	f.wantMissing(findingTenant, false, layers, []plimsoll.AnalyzerID{analyzerA, analyzerA})
	newer := plimsoll.AnalyzerID{Name: "a", Version: "2"}
	f.wantMissing(findingTenant, false, layers, []plimsoll.AnalyzerID{newer}, 0, 1, 2)
	f.wantMissing(findingTenant, true, []plimsoll.Layer{{}}, nil, 0)

	got, err := f.s.LayerReports(f.ctx, []plimsoll.Digest{named("one"), named("two"), named("none")}, []plimsoll.AnalyzerID{analyzerB, analyzerA})
	f.must(err)
	wantEqual(f, map[plimsoll.Digest][]plimsoll.LayerReport{
		named("one"): {report("one", analyzerB), report("one", analyzerA)},
		named("two"): {report("two", analyzerA)},
	}, got)
	err = f.s.SaveLayer(f.ctx, findingTenant, named("blob one"), named("one"), []plimsoll.LayerReport{report("two", analyzerA)})
	f.wantError(plimsoll.Internal, err)
}

func testLayerTenancy(f *findings) {
	only := []plimsoll.AnalyzerID{analyzerA}
	layers := someLayers("one")
	f.must(f.s.SaveLayer(f.ctx, otherTenant, named("blob one"), named("one"), []plimsoll.LayerReport{report("one", analyzerA)}))

	// Another project's proof is none of ours, whatever a config claims; a shared registry needs none.
	f.wantMissing(findingTenant, false, layers, only, 0)
	f.wantMissing(findingTenant, true, layers, only)
	sibling := plimsoll.Tenant{ProjectID: otherTenant.ProjectID, EnterpriseProject: "ep"}
	f.wantMissing(sibling, false, layers, only)

	// Our own proof of another blob does not prove this claim.
	f.must(f.s.SaveLayer(f.ctx, findingTenant, named("blob x"), named("one"), nil))
	f.wantMissing(findingTenant, false, layers, only, 0)
	f.must(f.s.SaveLayer(f.ctx, findingTenant, named("blob one"), named("other"), nil))
	f.wantMissing(findingTenant, false, layers, only, 0)
	f.must(f.s.SaveLayer(f.ctx, findingTenant, named("blob one"), named("one"), nil))
	f.wantMissing(findingTenant, false, layers, only)
}

func testVulnerabilityList(f *findings) {
	img := f.image(findingTenant, "a")
	os := placed(plimsoll.SetOS, "bash", "curl")
	lang := placed(plimsoll.SetLanguage, "left-pad", "lost")
	lang.Places = []plimsoll.Place{{Package: 0, Layer: 1, Path: "app/b"}, {Package: 0, Layer: 1, Path: "app/a"}}
	r := record(findingTenant, "a", os, judged(1, vulnerable("bash", "CVE-2", plimsoll.SeverityUnknown), vulnerable("curl", "CVE-2", plimsoll.SeverityUnknown)))
	r.Sets = append(r.Sets, lang, placed(plimsoll.SetLanguage, "left-pad", "lost"))
	again := judged(1, vulnerable("left-pad", "GHSA-1", plimsoll.SeverityLow), vulnerable("left-pad", "CVE-9", plimsoll.SeverityCritical), vulnerable("lost", "CVE-9", plimsoll.SeverityCritical))
	again.Vulnerabilities[0].Urgency, again.Vulnerabilities[0].Exploited = plimsoll.UrgencyNow, true
	r.Judgements = append(r.Judgements, again, again)
	f.save(r)
	wantEqual(f, clean(3, 0, 0), f.shown(img))

	yes, no := true, false
	for _, c := range []struct {
		name   string
		filter plimsoll.VulnerabilityFilter
		want   []string
	}{
		{"all", plimsoll.VulnerabilityFilter{Handled: &no}, []string{
			"critical CVE-9 left-pad app/a", "critical CVE-9 left-pad app/b", "critical CVE-9 left-pad left-pad",
			"critical CVE-9 lost ", "critical CVE-9 lost lost",
			"low GHSA-1 left-pad app/a", "low GHSA-1 left-pad app/b", "low GHSA-1 left-pad left-pad",
			"unknown CVE-2 bash bash", "unknown CVE-2 curl curl",
		}},
		{"pages", plimsoll.VulnerabilityFilter{Limit: 1, IDContains: "cve-2"}, []string{"unknown CVE-2 bash bash", "unknown CVE-2 curl curl"}},
		{"package", plimsoll.VulnerabilityFilter{Package: "curl"}, []string{"unknown CVE-2 curl curl"}},
		{"package is exact", plimsoll.VulnerabilityFilter{Package: "cur"}, nil},
		{"severity and source", plimsoll.VulnerabilityFilter{OS: &no, Severities: []plimsoll.Severity{"low", "unknown"}}, []string{
			"low GHSA-1 left-pad app/a", "low GHSA-1 left-pad app/b", "low GHSA-1 left-pad left-pad",
		}},
		{"urgent because exploited", plimsoll.VulnerabilityFilter{Urgency: plimsoll.UrgencyNow, IDContains: "GHSA"}, []string{
			"low GHSA-1 left-pad app/a", "low GHSA-1 left-pad app/b", "low GHSA-1 left-pad left-pad",
		}},
		{"urgency of the severity", plimsoll.VulnerabilityFilter{Urgency: plimsoll.UrgencySoon}, []string{"unknown CVE-2 bash bash", "unknown CVE-2 curl curl"}},
		{"operating system", plimsoll.VulnerabilityFilter{OS: &yes, IDContains: "9"}, nil},
		{"handled", plimsoll.VulnerabilityFilter{Handled: &yes}, nil},
	} {
		var got []string
		for _, p := range f.list(img, c.filter) {
			got = append(got, fmt.Sprint(p.Severity, " ", p.ID, " ", p.Package.Name, " ", p.Path))
		}
		if !slices.Equal(got, c.want) {
			f.Errorf("%s: got\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}

	page, err := f.s.ImageVulnerabilities(f.ctx, img, plimsoll.VulnerabilityFilter{IDContains: "GHSA", Limit: 1})
	f.must(err)
	want := plimsoll.Placed{Vulnerability: again.Vulnerabilities[0], Layer: layerName("a", 1), Path: "app/a"}
	wantEqual(f, plimsoll.Page[plimsoll.Placed]{Total: 3, Items: []plimsoll.Placed{want}}, page)
	for _, bad := range []plimsoll.VulnerabilityFilter{{Offset: -1}, {Limit: -1}, {Limit: plimsoll.MaxLimit + 1}} {
		_, err := f.s.ImageVulnerabilities(f.ctx, img, bad)
		f.wantError(plimsoll.Invalid, err)
	}
}

func testFileFindings(f *findings) {
	img := f.image(findingTenant, "a")
	r := plimsoll.ScanRecord{Tenant: findingTenant, Digest: named("a"), Matcher: matcher}
	r.Settings = []plimsoll.Setting{
		{Rule: "a", Title: "A", Severity: plimsoll.SeverityHigh, Result: plimsoll.SettingFailed, Advice: "do", Evidence: []string{"x", "y"}},
		{Rule: "b", Result: plimsoll.SettingNotLooked},
		{Rule: "c", Result: plimsoll.SettingFailed},
	}
	r.Malware = []plimsoll.Malware{
		{Path: "bin/x", Kind: plimsoll.MalwareMatch, Rule: "R1", Engine: "e", Size: 1 << 40, SHA256: "ab", Layer: layerName("a", 0)},
		{Path: "bin/x", Kind: plimsoll.MalwareMatch, Rule: "R2", Layer: layerName("a", 0)},
		{Path: "bin/y", Kind: plimsoll.MalwareMatch, Rule: "R1", Layer: layerName("a", 0), Shadowed: true},
		{Path: "bin/z", Kind: plimsoll.MalwareNotLooked, Rule: "encrypted"},
	}
	f.save(r)
	wantEqual(f, clean(0, 2, 1), f.shown(img))
	wantFileFindings(f, img, r)

	r.Settings = []plimsoll.Setting{{Rule: "a", Result: plimsoll.SettingPass}, r.Settings[2]}
	r.Malware = r.Malware[2:]
	r.Malware[0].Shadowed = false
	r.Malware[1].Kind = plimsoll.MalwareMatch
	f.save(r)
	wantEqual(f, clean(0, 1, 2), f.shown(img))
	wantFileFindings(f, img, r)
}

func wantFileFindings(f *findings, img plimsoll.Image, r plimsoll.ScanRecord) {
	f.Helper()
	settings, err := f.s.ImageSettings(f.ctx, img)
	f.must(err)
	wantEqual(f, r.Settings, settings)
	malware, err := f.s.ImageMalware(f.ctx, img)
	f.must(err)
	wantEqual(f, r.Malware, malware)
}

// drawRecord draws a scan whose judgement depends on the set and the revision alone, as a matcher's does.
func drawRecord(t *rapid.T, tenant plimsoll.Tenant, name string, revision plimsoll.Revision) plimsoll.ScanRecord {
	names := []string{"bash", "curl", "dash", "zlib"}
	severities := plimsoll.Severities()
	r := plimsoll.ScanRecord{Tenant: tenant, Digest: named(name), Matcher: matcher}
	for range rapid.IntRange(0, 3).Draw(t, "sets") {
		chosen := rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, 4, rapid.ID[string]).Draw(t, "packages")
		kind := rapid.SampledFrom([]plimsoll.SetKind{plimsoll.SetOS, plimsoll.SetLanguage}).Draw(t, "kind")
		set := placed(kind, chosen...)
		set.Places = nil
		for range rapid.IntRange(0, 5).Draw(t, "places") {
			set.Places = append(set.Places, plimsoll.Place{
				Package: rapid.IntRange(0, len(set.Packages)-1).Draw(t, "package"),
				Layer:   rapid.IntRange(0, 1).Draw(t, "layer"),
				Path:    rapid.SampledFrom([]string{"x", "y"}).Draw(t, "path"),
			})
		}
		r.Sets = append(r.Sets, set)
		r.Judgements = append(r.Judgements, judgeLike(set.PackageSet, revision, severities))
	}
	for _, rule := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"r1", "r2", "r3"}), rapid.ID[string]).Draw(t, "rules") {
		result := rapid.SampledFrom([]plimsoll.SettingResult{plimsoll.SettingPass, plimsoll.SettingFailed}).Draw(t, "result")
		r.Settings = append(r.Settings, plimsoll.Setting{Rule: rule, Result: result})
	}
	drawFileFindings(t, &r)
	return r
}

// judgeLike is a matcher: each hash bit of package and revision decides one id.
func judgeLike(set plimsoll.PackageSet, revision plimsoll.Revision, severities []plimsoll.Severity) plimsoll.Judgement {
	j := judged(revision)
	for _, p := range set.Packages {
		bits := plimsoll.DigestOf(fmt.Append(nil, p.Name, revision)).Hex()
		for i := range 3 {
			if bits[i] < '8' {
				j.Vulnerabilities = append(j.Vulnerabilities, vulnerable(p.Name, fmt.Sprint("CVE-", i), severities[i]))
			}
		}
	}
	return j
}

// testFindingProperties saves scans of three images and an index over two of them, and rematches.
func testFindingProperties(t *rapid.T, f *findings, project string) {
	tenant := plimsoll.Tenant{ProjectID: project, EnterpriseProject: "0"}
	names := []string{"a", "b", "c"}
	images := []plimsoll.Image{f.index(tenant, "index", "a", "b")}
	for _, n := range names {
		images = append(images, f.image(tenant, n))
	}
	revision := f.rematchState(matcher).Through // sets outlive a project: their revisions go on
	for range rapid.IntRange(1, 4).Draw(t, "steps") {
		if rapid.Bool().Draw(t, "rematch") {
			revision++
			f.rematchAll(revision)
		} else {
			f.scanOne(t, tenant, names, revision)
		}
	}
	for _, img := range images {
		f.wantCountsMatchLists(img)
		f.wantVulnerabilities(img)
	}
	f.wantListsOverImages(project, images)
	f.decideSome(t, tenant)
	for _, img := range images {
		f.wantVulnerabilities(img)
	}
}

// scanOne scans one artifact and checks that the others do not change, and that a second time changes nothing.
func (f *findings) scanOne(t *rapid.T, tenant plimsoll.Tenant, names []string, revision plimsoll.Revision) {
	name := rapid.SampledFrom(names).Draw(t, "artifact")
	others := `WHERE artifact_id IN (SELECT id FROM artifact WHERE project_id = ? AND digest NOT IN (?, ?))`
	own := []any{tenant.ProjectID, named(name), named("index")}
	rest := func() [][]string {
		return [][]string{
			f.rows(`SELECT * FROM artifact WHERE project_id = ? AND digest NOT IN (?, ?)`, own...), f.rows(`SELECT * FROM image `+others, own...),
			f.rows(`SELECT * FROM artifact_set `+others, own...), f.rows(`SELECT * FROM artifact_setting `+others, own...),
			f.rows(`SELECT * FROM image_set WHERE image_id IN (SELECT id FROM image `+others+`)`, own...),
		}
	}
	before := rest()
	r := drawRecord(t, tenant, name, revision)
	f.save(r)
	wantEqual(f, before, rest())
	if f.save(r) {
		f.Fatal("the same record changed something")
	}
}

// rematchAll judges every stored package as judgeLike does.
func (f *findings) rematchAll(revision plimsoll.Revision) {
	f.Helper()
	r := f.begin(matcher, revision)
	f.rejudge(r, f.judgedLike(revision))
	f.finish(r)
}

// judgedLike judges every stored package as judgeLike does.
func (f *findings) judgedLike(revision plimsoll.Revision) []plimsoll.PackageJudgement {
	f.Helper()
	var js []plimsoll.PackageJudgement
	for _, p := range f.packages() {
		j := judgeLike(plimsoll.PackageSet{Packages: []plimsoll.Package{p.Package}}, revision, plimsoll.Severities())
		js = append(js, plimsoll.PackageJudgement{PackageID: p.ID, Vulnerabilities: j.Vulnerabilities})
	}
	return js
}

func (f *findings) wantCountsMatchLists(img plimsoll.Image) {
	f.Helper()
	ids := map[string]bool{}
	for _, p := range f.list(img, plimsoll.VulnerabilityFilter{}) {
		ids[p.ID] = true
	}
	settings, err := f.s.ImageSettings(f.ctx, img)
	f.must(err)
	failed := 0
	for _, s := range settings {
		if s.Counted() {
			failed++
		}
	}
	row := f.shown(img)
	if max(row.Vulnerabilities, 0) != int64(len(ids)) || max(row.Settings, 0) != int64(failed) {
		f.Fatalf("image shows %+v but lists %d vulnerabilities and %d failed rules", row, len(ids), failed)
	}
}
