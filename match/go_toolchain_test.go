package match

import (
	"testing"

	"plimsoll"
)

func TestGoToolchainVersion(t *testing.T) {
	for version, want := range map[string]string{
		"1.22.4": "1.22.4", "go1.22.4": "1.22.4", "1.22.3-1": "1.22.3", "1.26.6-X:boringcrypto": "1.26.6",
		"1.25.1 X:nocoverageredesign": "1.25.1", "1.21rc2": "1.21.0-rc.2", "1.21beta1": "1.21.0-beta.1",
		"1.21.0-rc.2": "1.21.0-rc.2", "1.21rc2-X:arenas": "1.21.0-rc.2", "unknown": "unknown",
	} {
		if got := goToolchainVersion(version); got != want {
			t.Errorf("%q is %q, want %q", version, got, want)
		}
	}
}

// TestModuleWithoutVersion: "(devel)" is not judged only if an advisory is about the module.
func TestModuleWithoutVersion(t *testing.T) {
	own := plimsoll.Package{Ecosystem: "Go", Name: "example.com/own/tool", Version: "(devel)"}
	e := plimsoll.Evidence{Releases: map[string]bool{"Go": true}}
	if j := Judge([]plimsoll.Package{own}, e); len(j.NotJudged) > 0 {
		t.Errorf("no advisory is about it: %v", j.NotJudged)
	}
	e.Advisories = []plimsoll.Advisory{{ID: "GO-2026-0001", Affected: []plimsoll.Affected{{Ecosystem: "Go", Name: own.Name,
		Ranges: []plimsoll.Range{{Type: "SEMVER", Events: []plimsoll.Event{{Introduced: "0"}, {Fixed: "1.2.3"}}}}}}}}
	if j := Judge([]plimsoll.Package{own}, e); len(j.NotJudged) != 1 || j.NotJudged[0].Reason != plimsoll.NotJudgedVersion {
		t.Errorf("an advisory is about it: %+v", j)
	}
}
