package storetest

import (
	"plimsoll"
)

func secretAt(path string, layer plimsoll.Digest, severity plimsoll.Severity) plimsoll.Secret {
	return plimsoll.Secret{Path: path, Layer: layer, Rule: "token", Line: 3, Severity: severity, Excerpt: "tok_****"}
}

// testSecrets: findings are kept and replaced as a part of their own; what people say about
// them, and the paths of a project, act when they are read.
func testSecrets(f *findings) {
	img := f.image(findingTenant, "a")
	r := record(findingTenant, "a", placed(plimsoll.SetOS, "bash"), judged(1))
	low, high := secretAt("app/.env", layerName("a", 1), plimsoll.SeverityLow), secretAt("srv/key", layerName("a", 0), plimsoll.SeverityHigh)
	config := plimsoll.Secret{Path: plimsoll.ConfigScheme + "env/TOKEN", Rule: "token", Severity: plimsoll.SeverityMedium, Excerpt: "tok_****"}
	high.Shadowed = true
	r.Secrets = []plimsoll.Secret{low, high, config}
	f.save(r)
	want := []plimsoll.FoundSecret{{Secret: high, ID: high.ID(named("a"))}, {Secret: config, ID: config.ID(named("a"))}, {Secret: low, ID: low.ID(named("a"))}}
	read := func() []plimsoll.FoundSecret {
		f.Helper()
		list, err := f.s.ImageSecrets(f.ctx, img)
		f.must(err)
		return list
	}
	wantEqual(f, want, read())
	if f.save(r) {
		f.Error("an unchanged record wrote rows")
	}
	want[2].Size, want[2].Owned = 40, plimsoll.OwnedByPackage // learned by another version of the analyzer
	r.Secrets = []plimsoll.Secret{want[2].Secret, high, config}
	if !f.save(r) {
		f.Error("what is known of a file was not written")
	}
	wantEqual(f, want, read())

	// A failed part keeps what was found; one that was looked at without a finding does not.
	failed := r
	failed.Failure, failed.Secrets = plimsoll.FailureSecrets, nil
	f.save(failed)
	wantEqual(f, want, read())
	failed.Failure, failed.Secrets = plimsoll.FailureMalware, []plimsoll.Secret{high, config}
	f.save(failed)
	wantEqual(f, want[:2], read())

	f.wantError(plimsoll.NotFound, f.s.IgnoreSecret(f.ctx, findingTenant.ProjectID, nil, want[2].ID, "ann", true))
	f.wantError(plimsoll.NotFound, f.s.IgnoreSecret(f.ctx, otherTenant.ProjectID, nil, want[0].ID, "bob", true))
	f.wantError(plimsoll.NotFound, f.s.IgnoreSecret(f.ctx, findingTenant.ProjectID, []string{"ep"}, want[0].ID, "bob", true))
	for range 2 {
		f.must(f.s.IgnoreSecret(f.ctx, findingTenant.ProjectID, []string{"0"}, want[0].ID, "ann", true))
	}
	want[0].Ignored, want[0].IgnoredBy = true, "ann"
	wantEqual(f, want[:2], read())
	f.save(r) // a decision outlives a scan
	wantEqual(f, want, read())
	f.must(f.s.IgnoreSecret(f.ctx, findingTenant.ProjectID, nil, want[0].ID, "ann", false))
	want[0].Ignored, want[0].IgnoredBy = false, ""
	wantEqual(f, want, read())

	testSecretsOfMany(f, want)
	testSecretPaths(f)
}

// testSecretsOfMany: over images, each finding comes once.
func testSecretsOfMany(f *findings, of []plimsoll.FoundSecret) {
	arm := record(findingTenant, "arm", placed(plimsoll.SetOS, "bash"), judged(1))
	f.artifact(findingTenant, "arm", plimsoll.KindImage)
	arm.Secrets = []plimsoll.Secret{secretAt("z", layerName("arm", 0), plimsoll.SeverityLow)}
	index := f.index(findingTenant, "both", "a", "arm", "-proof")
	f.save(arm)
	other := record(otherTenant, "a", placed(plimsoll.SetOS, "bash"), judged(1))
	f.image(otherTenant, "a")
	other.Secrets = []plimsoll.Secret{secretAt("theirs", "", plimsoll.SeverityLow)}
	f.save(other)

	list, err := f.s.ImageSecrets(f.ctx, index)
	f.must(err)
	if len(list) != len(of)+1 || list[len(of)].Platform.Architecture == "" {
		f.Errorf("of an index: %+v", list)
	}
	paths := map[string]int{}
	count := func(filter plimsoll.SecretFilter) int {
		f.Helper()
		filter.ProjectID, filter.Limit = findingTenant.ProjectID, 2
		clear(paths)
		for n := 0; ; {
			filter.Offset = n
			page, err := f.s.Secrets(f.ctx, filter)
			f.must(err)
			for _, s := range page.Items {
				if s.ScannedAt == 0 || s.ID == "" {
					f.Errorf("%+v", s)
				}
				n++
				paths[s.Path]++
			}
			if len(page.Items) == 0 {
				if page.Total != n {
					f.Errorf("total %d of %d secrets", page.Total, n)
				}
				return n
			}
		}
	}
	all := plimsoll.SecretFilter{}
	if n := count(all); n != len(of)+1 || len(paths) != n || paths["theirs"] > 0 {
		f.Errorf("%d secrets: %v", n, paths)
	}
	if n := count(plimsoll.SecretFilter{Local: true}); n != 0 {
		f.Errorf("%d secrets of images that clients sent", n)
	}
	if n := count(plimsoll.SecretFilter{EnterpriseProjects: []string{"ep"}}); n != 0 {
		f.Errorf("%d secrets of another enterprise project", n)
	}
	// Another profile acts at once, also on what is found later.
	all.Profile = plimsoll.SecretProfile{Patterns: []string{"/srv/*", "/late/*"}}
	if n := count(all); n != len(of) || paths["srv/key"] > 0 {
		f.Errorf("%d secrets with a profile: %v", n, paths)
	}
	arm.Secrets = append(arm.Secrets, secretAt("late/key", layerName("arm", 0), plimsoll.SeverityLow))
	f.save(arm)
	if n := count(all); n != len(of) || paths["late/key"] > 0 {
		f.Errorf("%d secrets with a profile after a scan: %v", n, paths)
	}
	if n := count(plimsoll.SecretFilter{}); n != len(of)+2 || paths["late/key"] != 1 {
		f.Errorf("%d secrets without a profile: %v", n, paths)
	}
}

func testSecretPaths(f *findings) {
	read := func(project string) []string {
		f.Helper()
		patterns, err := f.s.SecretPaths(f.ctx, project)
		f.must(err)
		return patterns
	}
	wantEqual(f, []string{}, read("p1"))
	f.must(f.s.SetSecretPaths(f.ctx, "p1", "ann", []string{"/srv/*", "*/fixtures/*"}))
	wantEqual(f, []string{"/srv/*", "*/fixtures/*"}, read("p1"))
	wantEqual(f, []string{}, read("p2"))
	f.wantError(plimsoll.Invalid, f.s.SetSecretPaths(f.ctx, "p1", "ann", []string{"*"}))
	f.must(f.s.SetSecretPaths(f.ctx, "p1", "ann", nil))
	wantEqual(f, []string{}, read("p1"))
}
