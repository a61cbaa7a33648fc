package app

import (
	"context"
	"strings"
	"testing"

	"plimsoll"
)

// explainedInventory is an inventory of one index over two platforms, whose advisories a test chooses.
type explainedInventory struct {
	evidence plimsoll.Evidence
	placed   []plimsoll.Placed
}

func openssl() plimsoll.Package {
	return plimsoll.Package{Ecosystem: "Debian:12", Name: "openssl", Version: "3.0.1-1"}
}

func memberArtifact(arch string) plimsoll.Artifact {
	layer := func(i string) plimsoll.Layer {
		return plimsoll.Layer{Descriptor: plimsoll.Descriptor{Digest: plimsoll.DigestOf([]byte("blob" + arch + i))}, DiffID: plimsoll.DigestOf([]byte("shared" + i)), CreatedBy: "step " + i + " of " + arch}
	}
	return plimsoll.Artifact{Digest: plimsoll.DigestOf([]byte(arch)), Kind: plimsoll.KindImage, Platform: plimsoll.Platform{OS: "linux", Architecture: arch}, Layers: []plimsoll.Layer{layer("0"), layer("1")}}
}

func (e *explainedInventory) Artifact(_ context.Context, _ plimsoll.Tenant, d plimsoll.Digest) (plimsoll.Artifact, error) {
	amd, arm := memberArtifact("amd64"), memberArtifact("arm64")
	switch d {
	case amd.Digest:
		return amd, nil
	case arm.Digest:
		return arm, nil
	case plimsoll.DigestOf([]byte("index")):
		return plimsoll.Artifact{Kind: plimsoll.KindIndex, Children: []plimsoll.Child{
			{Descriptor: plimsoll.Descriptor{Digest: amd.Digest}}, {Descriptor: plimsoll.Descriptor{Digest: arm.Digest}},
			{Descriptor: plimsoll.Descriptor{Digest: plimsoll.DigestOf([]byte("proof"))}, Unscannable: plimsoll.ReasonAttestation},
			{Descriptor: plimsoll.Descriptor{Digest: plimsoll.DigestOf([]byte("not read"))}},
		}}, nil
	default:
		return plimsoll.Artifact{}, plimsoll.Errorf(plimsoll.NotFound, "no artifact")
	}
}

func (e *explainedInventory) ArtifactSets(context.Context, plimsoll.Tenant, plimsoll.Digest) ([]plimsoll.PlacedSet, error) {
	return []plimsoll.PlacedSet{{PackageSet: plimsoll.NewPackageSet(plimsoll.SetOS, []plimsoll.Package{openssl(), {Name: "mystery", Version: "1"}})}}, nil
}

func (e *explainedInventory) ImageVulnerabilities(_ context.Context, _ plimsoll.Image, f plimsoll.VulnerabilityFilter) (plimsoll.Page[plimsoll.Placed], error) {
	var hits []plimsoll.Placed
	for _, p := range e.placed {
		if p.ID == f.AnyID || p.Advisories[0] == f.AnyID {
			hits = append(hits, p)
		}
	}
	return plimsoll.Page[plimsoll.Placed]{Total: len(hits), Items: hits[min(f.Offset, len(hits)):min(f.Offset+1, len(hits))]}, nil // a row a page
}

func (e *explainedInventory) Evidence(context.Context, []plimsoll.AdvisoryKey) (plimsoll.Evidence, error) {
	return e.evidence, nil
}

func evidenceUntil(fixed string) plimsoll.Evidence {
	return plimsoll.Evidence{Revision: 5, Releases: map[string]bool{"Debian:12": true}, Advisories: []plimsoll.Advisory{{
		ID: "DSA-1", Upstream: []string{"CVE-2026-1000"},
		Affected: []plimsoll.Affected{{Ecosystem: "Debian:12", Name: "openssl", Ranges: []plimsoll.Range{{Type: "ECOSYSTEM", Events: []plimsoll.Event{{Introduced: "0"}, {Fixed: fixed}}}}}},
	}}}
}

func TestExplain(t *testing.T) {
	found := func(arch string, decision *plimsoll.Decision) plimsoll.Placed {
		return plimsoll.Placed{
			Vulnerability: plimsoll.Vulnerability{ID: "CVE-2026-1000", Advisories: []string{"DSA-1"}, Package: openssl()},
			Platform:      plimsoll.Platform{OS: "linux", Architecture: arch}, Layer: plimsoll.DigestOf([]byte("shared1")), Path: "status", Decision: decision,
		}
	}
	ignored := &plimsoll.Decision{Status: plimsoll.StatusIgnored}
	judged := plimsoll.Image{Digest: plimsoll.DigestOf([]byte("index")), Counts: &plimsoll.Counts{}}
	for name, test := range map[string]struct {
		img     plimsoll.Image
		fixed   string
		placed  []plimsoll.Placed
		id      string
		summary string
		check   func(plimsoll.Explanation) bool
	}{
		"both platforms": {judged, "3.0.2-1", []plimsoll.Placed{found("amd64", nil), found("arm64", ignored)}, "CVE-2026-1000", "Affected: 2 findings.", func(e plimsoll.Explanation) bool {
			a, b := e.Findings[0], e.Findings[1]
			return a.BuildStep == "step 1 of amd64" && b.BuildStep == "step 1 of arm64" && a.LayerIndex == 1 && a.LayerBlob != b.LayerBlob &&
				!a.Outdated && len(a.Checks) == 1 && a.Checks[0].Fixed == "3.0.2-1" && !e.Handled && len(e.Checked) == 0
		}},
		"by the advisory": {judged, "3.0.2-1", []plimsoll.Placed{found("amd64", nil)}, "DSA-1", "Affected: one finding.", func(e plimsoll.Explanation) bool { return e.IDs[0] == "CVE-2026-1000" }},
		"handled":         {judged, "3.0.2-1", []plimsoll.Placed{found("amd64", ignored)}, "CVE-2026-1000", "Affected, and every finding is under a decision", func(e plimsoll.Explanation) bool { return e.Handled }},
		"stored is behind: gone": {judged, "3.0.1-1", []plimsoll.Placed{found("amd64", nil)}, "CVE-2026-1000", "Affected: one finding.",
			func(e plimsoll.Explanation) bool { return e.Findings[0].Outdated }},
		"stored is behind: new": {judged, "3.0.2-1", nil, "CVE-2026-1000", "Affected by the newest advisories in 1 packages", func(e plimsoll.Explanation) bool { return !e.Affected && len(e.Checked) == 1 }},
		"fixed":                 {judged, "3.0.1-1", nil, "CVE-2026-1000", "Not affected: advisories name packages", func(e plimsoll.Explanation) bool { return e.Checked[0].Checks[0].Result == plimsoll.CheckNotAffected }},
		"cannot be ordered":     {judged, "no version !", nil, "CVE-2026-1000", "Not known: 1 packages that advisories name could not be judged.", func(e plimsoll.Explanation) bool { return e.Checked[0].Reason == plimsoll.NotJudgedVersion }},
		"never judged":          {plimsoll.Image{Digest: judged.Digest}, "3.0.1-1", nil, "CVE-2026-1000", "Not known: the image was never judged.", func(plimsoll.Explanation) bool { return true }},
		"unknown id": {judged, "3.0.1-1", nil, "CVE-2026-9999", "No stored advisory of this id names a package of this image, of which 1 could not be judged.",
			func(e plimsoll.Explanation) bool {
				return e.NotJudged[plimsoll.NotJudgedDistribution] == 1 && e.Findings != nil && e.Checked != nil
			}},
	} {
		inventory := &explainedInventory{evidence: evidenceUntil(test.fixed), placed: test.placed}
		e, err := (&Explanations{store: inventory, advisories: inventory}).Explain(t.Context(), test.img, test.id)
		if err != nil || !strings.HasPrefix(e.Summary, test.summary) || !test.check(e) || e.Revision != 5 {
			t.Errorf("%s: %v\n%+v", name, err, e)
		}
	}
	_, err := (&Explanations{store: &explainedInventory{}, advisories: &explainedInventory{}}).Explain(t.Context(), plimsoll.Image{Digest: "sha256:x"}, "CVE-2026-1000")
	if plimsoll.ErrorCode(err) != plimsoll.NotFound {
		t.Errorf("of an image that went away: %v", err)
	}
}
