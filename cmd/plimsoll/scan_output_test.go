package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

func TestScanOutputSaysWhatBroughtAPackage(t *testing.T) {
	ms := plimsoll.Package{Ecosystem: "npm", Name: "ms", Version: "2.1.3", PURL: "pkg:npm/ms@2.1.3"}
	diff := plimsoll.DigestOf([]byte("layer"))
	out := newScanOutput("t:1",
		plimsoll.Artifact{Layers: []plimsoll.Layer{{DiffID: diff, CreatedBy: "RUN npm ci"}}},
		plimsoll.ScanRecord{Sets: []plimsoll.PlacedSet{{
			PackageSet: plimsoll.NewPackageSet(plimsoll.SetLanguage, []plimsoll.Package{ms}),
			Places:     []plimsoll.Place{{Path: "srv/package-lock.json", Low: true}, {Path: "srv/node_modules/ms/package.json"}},
		}}},
		plimsoll.AdvisoryStatus{}, nil)
	want := []packageOutput{
		{Name: "ms", Version: "2.1.3", Ecosystem: "npm", PURL: ms.PURL, Source: "ms", Layer: diff, Path: "srv/package-lock.json", CreatedBy: "RUN npm ci", LowConfidence: true},
		{Name: "ms", Version: "2.1.3", Ecosystem: "npm", PURL: ms.PURL, Source: "ms", Layer: diff, Path: "srv/node_modules/ms/package.json", CreatedBy: "RUN npm ci"},
	}
	if diff := cmp.Diff(want, out.Packages); diff != "" {
		t.Error(diff)
	}
}
