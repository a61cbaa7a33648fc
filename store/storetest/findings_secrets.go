package storetest

import (
	"errors"
	"fmt"

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
	count := func(filter plimsoll.ImageFilter) int {
		f.Helper()
		n := 0
		clear(paths)
		f.must(f.s.EachSecret(f.ctx, filter, func(s plimsoll.FoundSecret) error {
			if s.ScannedAt == 0 || s.ID == "" {
				return fmt.Errorf("%+v", s)
			}
			n++
			paths[s.Path]++
			return nil
		}))
		return n
	}
	all := plimsoll.ImageFilter{ProjectID: findingTenant.ProjectID}
	if n := count(all); n != len(of)+1 || len(paths) != n || paths["theirs"] > 0 {
		f.Errorf("%d secrets: %v", n, paths)
	}
	all.Origins = []plimsoll.Origin{plimsoll.OriginShared}
	if n := count(all); n != 0 {
		f.Errorf("%d secrets of another origin", n)
	}
	stop := errors.New("enough")
	if err := f.s.EachSecret(f.ctx, plimsoll.ImageFilter{ProjectID: findingTenant.ProjectID}, func(plimsoll.FoundSecret) error { return stop }); !errors.Is(err, stop) {
		f.Errorf("error %v", err)
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
