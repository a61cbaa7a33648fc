package imagescan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

func TestResultHasTheBuildStepOfAPackage(t *testing.T) {
	ms := plimsoll.Package{Ecosystem: "npm", Name: "ms", Version: "2.1.3", PURL: "pkg:npm/ms@2.1.3"}
	diff := plimsoll.DigestOf([]byte("layer"))
	out := newResult("t:1",
		plimsoll.Artifact{Layers: []plimsoll.Layer{{DiffID: diff, CreatedBy: "RUN npm ci"}}},
		plimsoll.ScanRecord{Sets: []plimsoll.PlacedSet{{
			PackageSet: plimsoll.NewPackageSet(plimsoll.SetLanguage, []plimsoll.Package{ms}),
			Places:     []plimsoll.Place{{Path: "srv/package-lock.json", Low: true}, {Path: "srv/node_modules/ms/package.json"}},
		}}},
		plimsoll.AdvisoryStatus{}, nil)
	want := []Package{
		{Name: "ms", Version: "2.1.3", Ecosystem: "npm", PURL: ms.PURL, Source: "ms", Layer: diff, Path: "srv/package-lock.json", CreatedBy: "RUN npm ci", LowConfidence: true},
		{Name: "ms", Version: "2.1.3", Ecosystem: "npm", PURL: ms.PURL, Source: "ms", Layer: diff, Path: "srv/node_modules/ms/package.json", CreatedBy: "RUN npm ci"},
	}
	if diff := cmp.Diff(want, out.Packages); diff != "" {
		t.Error(diff)
	}
}

// TestMaliciousPackageIsMalware: it is listed where the package stands, and counts.
func TestMaliciousPackageIsMalware(t *testing.T) {
	p := plimsoll.Package{Ecosystem: "npm", Name: "lod4sh", Version: "1.0.0"}
	set := plimsoll.PlacedSet{PackageSet: plimsoll.NewPackageSet(plimsoll.SetLanguage, []plimsoll.Package{p}), Places: []plimsoll.Place{{Path: "app/package.json"}}}
	out := newResult("x", plimsoll.Artifact{Layers: []plimsoll.Layer{{DiffID: "sha256:ab"}}}, plimsoll.ScanRecord{
		Sets:       []plimsoll.PlacedSet{set},
		Judgements: []plimsoll.Judgement{{Malicious: []plimsoll.MaliciousPackage{{Package: p, Advisories: []string{"MAL-2026-1"}}}}},
	}, plimsoll.AdvisoryStatus{}, nil)
	want := plimsoll.Malware{Path: "app/package.json", Kind: plimsoll.MalwarePackage, Rule: "MAL-2026-1", Engine: "advisories", Layer: "sha256:ab"}
	if len(out.Malware) != 1 || out.Malware[0] != want || len(out.Vulnerabilities) != 0 {
		t.Errorf("%+v", out)
	}
}
