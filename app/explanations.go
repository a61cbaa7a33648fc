package app

import (
	"context"
	"fmt"
	"slices"

	"plimsoll"
	"plimsoll/match"
)

// explanationStore is the part of the inventory that explanations need.
type explanationStore interface {
	Artifact(ctx context.Context, t plimsoll.Tenant, d plimsoll.Digest) (plimsoll.Artifact, error)
	ArtifactSets(ctx context.Context, t plimsoll.Tenant, d plimsoll.Digest) ([]plimsoll.PlacedSet, error)
	ImageVulnerabilities(ctx context.Context, img plimsoll.Image, f plimsoll.VulnerabilityFilter) (plimsoll.Page[plimsoll.Placed], error)
}

// evidenceStore is the part of the advisory database that explanations need.
type evidenceStore interface {
	Evidence(ctx context.Context, keys []plimsoll.AdvisoryKey) (plimsoll.Evidence, error)
}

// Explanations explains why an image is affected by a vulnerability, or why not. The stored findings
// decide whether it is affected. The reasons come from comparing the stored packages with the newest advisories.
type Explanations struct {
	store      explanationStore
	advisories evidenceStore
}

// Explain explains an image as lists return it. id is a CVE, an advisory's id or an alias. An
// image that was never judged, and an id that no advisory has, are answers, not errors.
func (e *Explanations) Explain(ctx context.Context, img plimsoll.Image, id string) (plimsoll.Explanation, error) {
	id = plimsoll.FindingID(id)
	out := plimsoll.Explanation{Asked: id, Image: img, Findings: []plimsoll.ExplainedFinding{}, Checked: []plimsoll.CheckedPackage{}}
	members, err := e.scannedMembers(ctx, img)
	if err != nil {
		return out, err
	}
	packages := packagesOfMembers(members)
	evidence, err := e.advisories.Evidence(ctx, match.Keys(packages))
	if err != nil {
		return out, err
	}
	out.Revision = evidence.Revision
	out.Checked, out.IDs = match.Explain(id, packages, evidence)
	out.NotJudged = countNotJudged(match.Judge(packages, evidence).NotJudged)
	if len(out.IDs) == 0 {
		out.IDs = []string{id}
	}
	stored, err := e.storedFindings(ctx, img, append([]string{id}, out.IDs...))
	if err != nil {
		return out, err
	}
	checks := map[plimsoll.Package]plimsoll.CheckedPackage{}
	for _, c := range out.Checked {
		checks[c.Package] = c
	}
	found := map[plimsoll.Package]bool{}
	out.Affected = len(stored) > 0
	out.Handled = out.Affected
	for _, p := range stored {
		found[p.Package] = true
		out.Handled = out.Handled && p.Handled()
		out.Findings = append(out.Findings, explainFinding(p, members, checks[p.Package]))
	}
	out.Checked = slices.DeleteFunc(out.Checked, func(c plimsoll.CheckedPackage) bool { return found[c.Package] })
	if out.Checked == nil {
		out.Checked = []plimsoll.CheckedPackage{}
	}
	out.Summary = summarizeExplanation(out)
	return out, nil
}

// countNotJudged counts packages by the reason why they could not be judged; nil if there are none.
func countNotJudged(packages []plimsoll.NotJudged) map[string]int {
	var out map[string]int
	for _, n := range packages {
		if out == nil {
			out = map[string]int{}
		}
		out[n.Reason]++
	}
	return out
}

// explainedMember is an artifact of an image with its packages.
type explainedMember struct {
	plimsoll.Artifact
	sets []plimsoll.PlacedSet
}

// scannedMembers returns the artifact of an image, or the scanned members of an index.
func (e *Explanations) scannedMembers(ctx context.Context, img plimsoll.Image) ([]explainedMember, error) {
	t := img.Tenant
	top, err := e.store.Artifact(ctx, t, img.Digest)
	if err != nil {
		return nil, err
	}
	artifacts := []plimsoll.Artifact{top}
	if top.Kind == plimsoll.KindIndex {
		artifacts = nil
		for _, c := range top.Children {
			if c.Unscannable != "" {
				continue
			}
			a, err := e.store.Artifact(ctx, t, c.Digest)
			if plimsoll.ErrorCode(err) == plimsoll.NotFound {
				continue // not read yet
			}
			if err != nil {
				return nil, err
			}
			artifacts = append(artifacts, a)
		}
	}
	out := make([]explainedMember, 0, len(artifacts))
	for _, a := range artifacts {
		sets, err := e.store.ArtifactSets(ctx, t, a.Digest)
		if err != nil {
			return nil, err
		}
		out = append(out, explainedMember{a, sets})
	}
	return out, nil
}

// packagesOfMembers returns the packages of all members, each once.
func packagesOfMembers(members []explainedMember) []plimsoll.Package {
	var out []plimsoll.Package
	for _, m := range members {
		for _, s := range m.sets {
			out = append(out, s.Packages...)
		}
	}
	slices.SortFunc(out, plimsoll.Package.Compare)
	return slices.Compact(out)
}

// storedFindings returns the stored findings that have any of the ids, each once.
func (e *Explanations) storedFindings(ctx context.Context, img plimsoll.Image, ids []string) ([]plimsoll.Placed, error) {
	type place struct {
		id, path string
		pkg      plimsoll.Package
		platform plimsoll.Platform
	}
	seen := map[place]bool{}
	var out []plimsoll.Placed
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		f := plimsoll.VulnerabilityFilter{AnyID: id}
		for {
			page, err := e.store.ImageVulnerabilities(ctx, img, f)
			if err != nil {
				return nil, err
			}
			for _, p := range page.Items {
				key := place{p.ID, p.Path, p.Package, p.Platform}
				if !seen[key] {
					seen[key] = true
					out = append(out, p)
				}
			}
			if f.Offset += len(page.Items); len(page.Items) == 0 || f.Offset >= page.Total {
				break
			}
		}
	}
	return out, nil
}

// explainFinding adds to a stored finding why it is one, and which build step added the package.
func explainFinding(p plimsoll.Placed, members []explainedMember, c plimsoll.CheckedPackage) plimsoll.ExplainedFinding {
	f := plimsoll.ExplainedFinding{Placed: p, LayerIndex: -1, RatedBy: c.RatedBy, Checks: c.Checks}
	f.Outdated = !slices.ContainsFunc(c.Checks, func(c plimsoll.AdvisoryCheck) bool { return c.Result == plimsoll.CheckAffected })
	if f.Checks == nil {
		f.Checks = []plimsoll.AdvisoryCheck{}
	}
	for _, m := range members {
		if len(members) > 1 && (m.Platform.OS != p.Platform.OS || m.Platform.Architecture != p.Platform.Architecture) {
			continue
		}
		for i, l := range m.Layers {
			if l.DiffID == p.Layer && p.Layer != "" {
				f.LayerIndex, f.LayerBlob, f.BuildStep = i, l.Digest, l.CreatedBy
				return f
			}
		}
	}
	return f
}

// summarizeExplanation answers in a sentence. What was not judged is never "not affected".
func summarizeExplanation(e plimsoll.Explanation) string {
	unjudged, behind, others := 0, 0, 0
	for _, c := range e.Checked {
		switch {
		case c.RatedBy != "":
			behind++
		case c.Reason != "":
			unjudged++
		}
	}
	for _, n := range e.NotJudged {
		others += n
	}
	switch {
	case e.Handled:
		return "Affected, and every finding is under a decision that handles it."
	case len(e.Findings) == 1:
		return "Affected: one finding."
	case e.Affected:
		return fmt.Sprintf("Affected: %d findings.", len(e.Findings))
	case e.Image.Counts == nil:
		return "Not known: the image was never judged."
	case behind > 0:
		return fmt.Sprintf("Affected by the newest advisories in %d packages; what is stored follows with the next rematch.", behind)
	case unjudged > 0:
		return fmt.Sprintf("Not known: %d packages that advisories name could not be judged.", unjudged)
	case len(e.Checked) > 0:
		return "Not affected: advisories name packages of this image, but not in these versions or releases."
	case others > 0:
		return fmt.Sprintf("No stored advisory of this id names a package of this image, of which %d could not be judged.", others)
	default:
		return "Not affected as far as known: no stored advisory of this id names a package of this image."
	}
}
