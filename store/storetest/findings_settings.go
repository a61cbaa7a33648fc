package storetest

import (
	"time"

	"plimsoll"
)

const (
	pass   = plimsoll.SettingPass
	failed = plimsoll.SettingFailed
	none   = plimsoll.SettingNotApplicable
	blind  = plimsoll.SettingNotLooked
)

// setting is the result of a made-up rule.
func setting(rule string, kind plimsoll.SettingKind, result plimsoll.SettingResult) plimsoll.Setting {
	return plimsoll.Rule{
		ID: rule, Check: "Check of " + rule[:1], Kind: kind, Title: "T", Severity: plimsoll.SeverityLow, Standards: []plimsoll.Standard{plimsoll.StandardPractice},
		Description: "D.", Advice: "A.", References: []string{"R"},
	}.Setting(result)
}

func (f *findings) saveSettings(name string, settings ...plimsoll.Setting) bool {
	f.Helper()
	return f.save(plimsoll.ScanRecord{Tenant: findingTenant, Digest: named(name), Matcher: matcher, Settings: settings})
}

// testSettings: what counts, what lists report, and that both agree for an index too.
func testSettings(f *findings) {
	f.image(findingTenant, "amd64")
	f.image(findingTenant, "arm64")
	index := f.index(findingTenant, "index", "amd64", "arm64")
	plain := f.image(findingTenant, "plain")
	weak := setting("w", plimsoll.KindWeakPassword, failed)
	weak.Evidence, weak.Passwords = []string{"x"}, []plimsoll.WeakPassword{{User: "ann", Scheme: "md5crypt", Masked: "***", Reason: "r", Changed: 9}}
	f.saveSettings("amd64", setting("a1", plimsoll.KindConfiguration, pass), setting("a2", plimsoll.KindConfiguration, none), weak)
	f.saveSettings("arm64", setting("a1", plimsoll.KindConfiguration, failed), setting("a2", plimsoll.KindConfiguration, none), setting("b", plimsoll.KindComplexity, failed))
	f.saveSettings("plain", setting("a1", plimsoll.KindConfiguration, pass), setting("a2", plimsoll.KindConfiguration, blind), setting("b", plimsoll.KindComplexity, pass))
	wantEqual(f, clean(0, 1, 0), f.shown(index))
	wantEqual(f, clean(0, 0, 0), f.shown(plain))
	settings, err := f.s.ImageSettings(f.ctx, index)
	f.must(err)
	wantEqual(f, []plimsoll.Setting{
		setting("a1", plimsoll.KindConfiguration, failed), setting("b", plimsoll.KindComplexity, failed), weak,
	}, settings)
	f.wantTalliesOfSettings(index, plain)
	f.wantSettingFilters()
	f.wantNewestText(plain)
}

func (f *findings) wantTalliesOfSettings(images ...plimsoll.Image) {
	f.Helper()
	filter := plimsoll.ImageFilter{ProjectID: findingTenant.ProjectID}
	for _, i := range images {
		filter.IDs = append(filter.IDs, i.ID)
	}
	tallies, err := f.s.RuleTallies(f.ctx, filter)
	f.must(err)
	about := func(rule string, kind plimsoll.SettingKind) plimsoll.Rule { return setting(rule, kind, pass).About() }
	for i := range tallies {
		if tallies[i].Scanned.IsZero() {
			f.Errorf("%s was never inspected", tallies[i].ID)
		}
		tallies[i].Scanned = time.Time{}
	}
	wantEqual(f, []plimsoll.RuleTally{
		{Rule: about("a1", plimsoll.KindConfiguration), Passed: 1, Failed: 1}, {Rule: about("a2", plimsoll.KindConfiguration), NotLooked: 1},
		{Rule: about("b", plimsoll.KindComplexity), Passed: 1, Failed: 1}, {Rule: about("w", plimsoll.KindWeakPassword), Failed: 1},
	}, tallies)
	other, err := f.s.RuleTallies(f.ctx, plimsoll.ImageFilter{ProjectID: "another"})
	f.must(err)
	wantEqual(f, []plimsoll.RuleTally(nil), other)
}

func (f *findings) wantSettingFilters() {
	f.Helper()
	for _, test := range []struct {
		filter plimsoll.SettingFilter
		want   []string
	}{
		{plimsoll.SettingFilter{Rule: "a1", Result: failed}, []string{"arm64", "index"}},
		{plimsoll.SettingFilter{Kind: plimsoll.KindWeakPassword, Result: failed}, []string{"amd64", "index"}},
		{plimsoll.SettingFilter{Kind: plimsoll.KindConfiguration, Rule: "b", Result: failed}, nil},
		{plimsoll.SettingFilter{Rule: "a2", Result: blind}, []string{"plain"}},
	} {
		page, err := f.s.Images(f.ctx, plimsoll.ImageFilter{ProjectID: findingTenant.ProjectID, Setting: &test.filter})
		f.must(err)
		names := map[string]bool{}
		for _, i := range page.Items {
			names[string(i.Digest)] = true
		}
		for _, name := range test.want {
			if !names[string(named(name))] {
				f.Errorf("%+v does not find %s", test.filter, name)
			}
		}
		if page.Total != len(test.want) || len(page.Items) != len(test.want) {
			f.Errorf("%+v finds %d images, want %v", test.filter, page.Total, test.want)
		}
	}
}

// wantNewestText changes the text of a rule: tallies have the newest text, and the same record
// writes nothing.
func (f *findings) wantNewestText(plain plimsoll.Image) {
	f.Helper()
	changed := setting("a1", plimsoll.KindConfiguration, failed)
	changed.Title = "New"
	if !f.saveSettings("plain", changed) || f.saveSettings("plain", changed) {
		f.Error("a change of a rule's text is not written once")
	}
	wantEqual(f, clean(0, 1, 0), f.shown(plain))
	tallies, err := f.s.RuleTallies(f.ctx, plimsoll.ImageFilter{ProjectID: findingTenant.ProjectID})
	f.must(err)
	if tallies[0].Title != "New" || tallies[0].Failed != 3 {
		f.Errorf("tallies %+v", tallies[0])
	}
}
