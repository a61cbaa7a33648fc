package match

import (
	"testing"

	"plimsoll"
)

// TestOwnedPackages judges a package of Python that a package of Debian installed: by Debian where its advisories cover
// the release, by Python's otherwise, and of another vendor's package only if Debian names it.
func TestOwnedPackages(t *testing.T) {
	python := plimsoll.Advisory{
		ID: "PYSEC-2099-1", Aliases: []string{"CVE-2099-1"},
		Affected: []plimsoll.Affected{{Ecosystem: "PyPI", Name: "urllib3", Ranges: []plimsoll.Range{events("i", "0", "f", "2")}}},
	}
	owner := plimsoll.Owner{Name: "python3-urllib3", Source: "python-urllib3", Ecosystem: "Debian:12"}
	foreign := owner
	foreign.OtherVendor = true
	debian := map[string]bool{"Debian:12": true}
	for name, c := range map[string]struct {
		owner    plimsoll.Owner
		releases map[string]bool
		found    int
	}{
		"no owner":                        {plimsoll.Owner{}, debian, 1},
		"owner of a covered release":      {owner, debian, 0},
		"owner of a release without feed": {owner, nil, 1},
		"owner of another vendor":         {foreign, debian, 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := plimsoll.Package{Ecosystem: "PyPI", Name: "urllib3", Version: "1.26.12", Owner: c.owner}
			releases := map[string]bool{"PyPI": true}
			for r := range c.releases {
				releases[r] = true
			}
			got := Judge([]plimsoll.Package{p}, plimsoll.Evidence{Advisories: []plimsoll.Advisory{python}, Releases: releases})
			if len(got.Vulnerabilities) != c.found || len(got.NotJudged) != 0 {
				t.Errorf("%d vulnerabilities, want %d; not judged: %v", len(got.Vulnerabilities), c.found, got.NotJudged)
			}
		})
	}
}
