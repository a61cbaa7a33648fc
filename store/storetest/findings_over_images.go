package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"plimsoll"
)

// wantListsOverImages compares every list over the images of a project, page by page, with the lists of each image.
func (f *findings) wantListsOverImages(project string, imgs []plimsoll.Image) {
	f.Helper()
	all := plimsoll.ImageFilter{ProjectID: project}
	page, err := f.s.Images(f.ctx, all)
	f.must(err)
	if page.Total != len(imgs) || len(page.Items) != len(imgs) {
		f.Fatalf("%d images in a list with a total of %d, want %d", len(page.Items), page.Total, len(imgs))
	}
	for _, part := range []string{"", "a%", "B", "none"} {
		f.wantMalwareFiles(all, part, page.Items)
	}
	for _, account := range []string{"", "ann", "none"} {
		f.wantWeakAccounts(all, account, page.Items)
	}
	f.wantTallies(all, page.Items)
	some := all
	some.IDs = []int64{page.Items[0].ID} // no sums are kept for this
	f.wantMalwareFiles(some, "", page.Items[:1])
	f.wantWeakAccounts(some, "", page.Items[:1])
	f.wantTallies(some, page.Items[:1])
	f.wantSettingImages(all, page.Items)
	f.wantSecrets(project, imgs)
}

// everyPage reads a list page by page and holds its total to be that of its rows.
func everyPage[T any](f *findings, limit int, read func(offset, limit int) (plimsoll.Page[T], error)) []T {
	f.Helper()
	var out []T
	for {
		page, err := read(len(out), limit)
		f.must(err)
		out = append(out, page.Items...)
		if want := max(0, min(limit, page.Total-len(out)+len(page.Items))); len(page.Items) != want {
			f.Fatalf("a page has %d rows, want %d", len(page.Items), want)
		}
		if len(page.Items) == 0 || len(page.Items) < limit {
			if page.Total != len(out) {
				f.Fatalf("total is %d but %d rows were listed", page.Total, len(out))
			}
			return out
		}
	}
}

func (f *findings) wantMalwareFiles(filter plimsoll.ImageFilter, part string, imgs []plimsoll.Image) {
	f.Helper()
	var want []string
	for _, img := range imgs {
		if img.Counts == nil {
			continue // an index that was not scanned, whatever was found in its members
		}
		malware, err := f.s.ImageMalware(f.ctx, img)
		f.must(err)
		rules := map[string][]string{}
		var paths []string
		for _, m := range malware {
			if m.Shadowed || m.Kind == plimsoll.MalwareNotLooked || !strings.Contains(plimsoll.FoldedFileName(m.Path), strings.ToLower(part)) {
				continue
			}
			if rules[m.Path] == nil {
				paths = append(paths, m.Path)
			}
			rules[m.Path] = append(rules[m.Path], m.Rule)
		}
		for _, path := range paths {
			want = append(want, fmt.Sprint(img.ID, path, rules[path]))
		}
	}
	for _, limit := range []int{1, 2, plimsoll.MaxLimit} {
		var got []string
		for _, m := range everyPage(f, limit, func(offset, limit int) (plimsoll.Page[plimsoll.MalwareFile], error) {
			filter.Offset, filter.Limit = offset, limit
			return f.s.MalwareFiles(f.ctx, filter, part)
		}) {
			var rules []string
			for _, match := range m.Matches {
				rules = append(rules, match.Rule)
			}
			got = append(got, fmt.Sprint(m.Image.ID, m.Path, rules))
		}
		wantEqual(f, want, got)
	}
}

func (f *findings) wantWeakAccounts(filter plimsoll.ImageFilter, account string, imgs []plimsoll.Image) {
	f.Helper()
	var want []string
	for _, img := range imgs {
		settings, err := f.s.ImageSettings(f.ctx, img)
		f.must(err)
		seen := map[string]bool{}
		for _, s := range settings {
			for _, p := range s.Passwords {
				if !seen[p.User] && (account == "" || account == p.User) {
					want = append(want, fmt.Sprint(img.ID, p, s.Advice))
				}
				seen[p.User] = true
			}
		}
	}
	for _, limit := range []int{1, 2, plimsoll.MaxLimit} {
		var got []string
		for _, a := range everyPage(f, limit, func(offset, limit int) (plimsoll.Page[plimsoll.WeakAccount], error) {
			filter.Offset, filter.Limit = offset, limit
			return f.s.WeakAccounts(f.ctx, filter, account)
		}) {
			got = append(got, fmt.Sprint(a.Image.ID, a.WeakPassword, a.Advice))
		}
		wantEqual(f, want, got)
	}
}

func (f *findings) wantTallies(filter plimsoll.ImageFilter, imgs []plimsoll.Image) {
	f.Helper()
	want := map[string]plimsoll.RuleTally{}
	for _, img := range imgs {
		settings, err := f.s.ImageSettings(f.ctx, img)
		f.must(err)
		for _, s := range settings {
			t := want[s.Rule]
			switch s.Result {
			case plimsoll.SettingFailed:
				t.Failed++
			case plimsoll.SettingNotLooked:
				t.NotLooked++
			default:
				t.Passed++
			}
			if img.ScannedAt.After(t.Scanned) {
				t.Scanned = img.ScannedAt
			}
			want[s.Rule] = t
		}
	}
	tallies, err := f.s.RuleTallies(f.ctx, filter)
	f.must(err)
	got := map[string]plimsoll.RuleTally{}
	for _, t := range tallies {
		id := t.ID
		t.Rule = plimsoll.Rule{}
		got[id] = t
	}
	wantEqual(f, want, got)
}

func (f *findings) wantSettingImages(filter plimsoll.ImageFilter, imgs []plimsoll.Image) {
	f.Helper()
	for _, setting := range []plimsoll.SettingFilter{
		{Kind: plimsoll.KindComplexity, Result: plimsoll.SettingFailed}, {Kind: plimsoll.KindWeakPassword, Result: plimsoll.SettingFailed},
		{Rule: "r1", Result: plimsoll.SettingFailed}, {Rule: "w1", Result: plimsoll.SettingNotLooked},
	} {
		filter.Setting = &setting
		var want, got []string
		for _, img := range imgs {
			settings, err := f.s.ImageSettings(f.ctx, img)
			f.must(err)
			settings = slices.DeleteFunc(settings, func(s plimsoll.Setting) bool {
				return setting.Kind != "" && setting.Kind != s.Kind || setting.Rule != "" && setting.Rule != s.Rule
			})
			if slices.ContainsFunc(settings, func(s plimsoll.Setting) bool { return s.Result == setting.Result }) {
				want = append(want, fmt.Sprint(img.ID, settings))
			}
		}
		for _, i := range everyPage(f, 1, func(offset, limit int) (plimsoll.Page[plimsoll.ImageSettings], error) {
			filter.Offset, filter.Limit = offset, limit
			return f.s.SettingImages(f.ctx, filter)
		}) {
			got = append(got, fmt.Sprint(i.Image.ID, i.Settings))
		}
		wantEqual(f, want, got)
	}
}

// wantSecrets: every secret of every artifact comes once, and those that a profile leaves out do not.
func (f *findings) wantSecrets(project string, imgs []plimsoll.Image) {
	f.Helper()
	for _, profile := range []plimsoll.SecretProfile{{}, {Patterns: []string{"/usr/*"}}} {
		want := map[string]bool{}
		for _, img := range imgs {
			secrets, err := f.s.ImageSecrets(f.ctx, img)
			f.must(err)
			for _, s := range secrets {
				if !profile.Excludes(s.Secret) {
					want[s.ID] = true
				}
			}
		}
		got := map[string]bool{}
		for _, s := range everyPage(f, 2, func(offset, limit int) (plimsoll.Page[plimsoll.FoundSecret], error) {
			return f.s.Secrets(f.ctx, plimsoll.SecretFilter{ProjectID: project, Profile: profile, Offset: offset, Limit: limit})
		}) {
			if got[s.ID] {
				f.Fatalf("secret %s of %s comes twice", s.ID, s.Path)
			}
			got[s.ID] = true
		}
		wantEqual(f, want, got)
	}
	f.wantSums(project)
}

// wantSums compares kept sums with what they are sums of.
func (f *findings) wantSums(project string) {
	f.Helper()
	for _, sum := range [...]struct{ kept, counted string }{
		{`SELECT SUM(images) FROM image_total WHERE project_id = ?`, `SELECT COUNT(*) FROM image WHERE project_id = ?`},
		{`SELECT SUM(malware) FROM image_total WHERE project_id = ?`, `SELECT SUM(malware) FROM image WHERE project_id = ?`},
		{`SELECT SUM(weak_accounts) FROM image_total WHERE project_id = ?`, `SELECT SUM(weak_accounts) FROM image WHERE project_id = ?`},
		{`SELECT SUM(images) FROM image_profile_total WHERE project_id = ?`, `SELECT COUNT(*) FROM image WHERE profile > 0 AND project_id = ?`},
		{`SELECT SUM(secrets) FROM secret_total WHERE project_id = ?`, `SELECT SUM(secrets) FROM secret_holder WHERE project_id = ?`},
	} {
		if kept, counted := f.number(sum.kept, project), f.number(sum.counted, project); kept != counted {
			f.Fatalf("%s is %d, want %d", sum.kept, kept, counted)
		}
	}
}

// testListsFollowTags: what lists over all images count follows tags that come, move and go, and registries.
func testListsFollowTags(f *findings) {
	registry := plimsoll.Registry{Tenant: findingTenant, Name: "hub", URL: "https://hub.example", Kind: plimsoll.RegistryOther}
	second := plimsoll.Registry{Tenant: findingTenant, Name: "second", URL: "https://second.example", Kind: plimsoll.RegistryHarbor}
	f.must(f.s.AddRegistry(f.ctx, &registry))
	f.must(f.s.AddRegistry(f.ctx, &second))
	check := func(images int) {
		f.Helper()
		page, err := f.s.Images(f.ctx, plimsoll.ImageFilter{ProjectID: findingTenant.ProjectID})
		f.must(err)
		if page.Total != images {
			f.Fatalf("%d images, want %d", page.Total, images)
		}
		if images > 0 {
			f.wantListsOverImages(findingTenant.ProjectID, page.Items)
		}
		f.wantSums(findingTenant.ProjectID)
	}
	f.must(f.s.ApplySync(f.ctx, registry, Change(), nil))
	check(4)
	for i, name := range []string{"one", "two", "plain"} {
		r := plimsoll.ScanRecord{Tenant: findingTenant, Digest: Digest(name), Matcher: matcher, ScannedAt: Start().Add(time.Duration(i) * time.Hour)}
		weak := plimsoll.Rule{ID: "w1", Kind: plimsoll.KindWeakPassword}.Setting(plimsoll.SettingFailed)
		weak.Passwords = []plimsoll.WeakPassword{{User: "root", Masked: "***"}, {User: name, Masked: "***"}}
		r.Settings = []plimsoll.Setting{weak, plimsoll.Rule{ID: "p1", Kind: plimsoll.KindComplexity}.Setting(plimsoll.SettingFailed)}
		r.Malware = []plimsoll.Malware{{Path: "srv/" + name, Kind: plimsoll.MalwareMatch, Rule: "R"}, {Path: "srv/x", Kind: plimsoll.MalwareMatch, Rule: "R"}}
		r.Secrets = []plimsoll.Secret{{Path: "usr/key", Rule: "token", Line: 1}, {Path: "srv/key", Rule: "token", Line: 1}}
		f.save(r)
		check(4)
	}
	moved := plimsoll.RepositoryChange{
		Repository: "team/app", Tags: []plimsoll.TagSeen{{Tag: "1", Digest: Digest("plain")}, {Tag: "3", Digest: Digest("one")}}, Gone: []string{"2"},
	}
	f.must(f.s.ApplySync(f.ctx, registry, moved, nil)) // the index and its member "two" go
	check(4)
	again := Change()
	f.must(f.s.ApplySync(f.ctx, second, again, nil))
	check(8)
	f.must(f.s.ApplySync(f.ctx, registry, plimsoll.RepositoryChange{Repository: "team/app", Gone: []string{"1", "1-amd64", "3", "latest"}}, nil))
	check(4)
	f.must(f.s.RemoveRegistry(f.ctx, second.ProjectID, second.ID))
	check(0)
	if n := f.number(`SELECT COUNT(*) FROM secret_holder`) + f.number(`SELECT COUNT(*) FROM image_total`) + f.number(`SELECT SUM(secrets) FROM secret_total`); n != 0 {
		f.Errorf("%d rows are left of images that are gone", n)
	}
}
