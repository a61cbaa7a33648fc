package main

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/scan"
	"plimsoll/vex"
)

// What the API and the commands ask about findings and needs more than one room.

// followDecisions lets counts follow decisions that began, ended or expired.
func (s *site) followDecisions(ctx context.Context, _ plimsoll.Work) error {
	_, err := s.inventory.RecountDecisions(ctx)
	return err
}

// Explain tells why an image is affected by a vulnerability, or why not.
func (s *site) Explain(ctx context.Context, img plimsoll.Image, id string) (plimsoll.Explanation, error) {
	return (&scan.Explainer{Store: s.inventory, Advisories: s.advisories}).Explain(ctx, img, id)
}

// ImportVEX makes decisions of a VEX document.
func (s *site) ImportVEX(ctx context.Context, t plimsoll.Tenant, by string, document []byte) (plimsoll.DocumentImport, error) {
	doc, err := vex.Parse(bytes.NewReader(document))
	if err != nil {
		return plimsoll.DocumentImport{}, err
	}
	if doc.Author == "" {
		doc.Author = by
	}
	known, err := s.inventory.KnownProducts(ctx, t, doc.Digests())
	if err != nil {
		return plimsoll.DocumentImport{}, err
	}
	decisions, unknown := doc.Decisions(known)
	doc.ImportedBy = by
	out, err := s.inventory.ImportDocument(ctx, t, doc.VEXDocument, decisions)
	out.Format, out.Statements, out.Unknown = doc.Format, doc.Statements, unknown
	return out, err
}

// ExportVEX writes the active decisions of a project, or those that hold in one image.
func (s *site) ExportVEX(ctx context.Context, projectID string, eps []string, img *plimsoll.Image) ([]byte, error) {
	var list []vex.Export
	var err error
	if img != nil {
		list, err = s.imageExports(ctx, *img)
	} else {
		list, err = s.projectExports(ctx, projectID, eps)
	}
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = vex.WriteOpenVEX(&out, s.domain.Name, s.inventory.DB().Now(), list)
	return out.Bytes(), err
}

// imageExports are the decisions that hold for findings of an image, in the packages that they hold for.
func (s *site) imageExports(ctx context.Context, img plimsoll.Image) ([]vex.Export, error) {
	registries, err := s.inventory.Registries(ctx, img.ProjectID, nil)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(registries, func(r plimsoll.Registry) bool { return r.ID == img.RegistryID })
	if i < 0 {
		return nil, plimsoll.Errorf(plimsoll.NotFound, "the image's registry is gone")
	}
	type key struct {
		decision int64
		finding  string
	}
	product := vex.ImagePURL(registries[i].URL, img.Repository, img.Digest, "")
	at := map[key]int{}
	var list []vex.Export
	f := plimsoll.VulnerabilityFilter{}
	for {
		page, err := s.inventory.ImageVulnerabilities(ctx, img, f)
		if err != nil {
			return nil, err
		}
		for _, p := range page.Items {
			if p.Decision == nil {
				continue
			}
			k := key{p.Decision.ID, p.ID}
			if _, ok := at[k]; !ok {
				at[k] = len(list)
				e := vex.Export{Decision: *p.Decision, Products: []vex.ExportProduct{{PURL: product}}}
				e.Finding = p.ID
				list = append(list, e)
			}
			if p.Package.PURL != "" {
				part := &list[at[k]].Products[0]
				part.Components = append(part.Components, p.Package.PURL)
			}
		}
		if f.Offset += len(page.Items); len(page.Items) == 0 || f.Offset >= page.Total {
			return list, nil
		}
	}
}

// projectExports are all active decisions, with the images or the package that they are about.
func (s *site) projectExports(ctx context.Context, projectID string, eps []string) ([]vex.Export, error) {
	var list []vex.Export
	f := plimsoll.DecisionFilter{ProjectID: projectID, EnterpriseProjects: eps, Limit: plimsoll.MaxLimit}
	for {
		page, err := s.inventory.Decisions(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, d := range page {
			e := vex.Export{Decision: d}
			if e.Products, err = s.decidedProducts(ctx, d); err != nil {
				return nil, err
			}
			list = append(list, e)
		}
		if len(page) < f.Limit {
			return list, nil
		}
		f.Before = page[len(page)-1].ID
	}
}

func (s *site) decidedProducts(ctx context.Context, d plimsoll.Decision) ([]vex.ExportProduct, error) {
	var parts []string
	if strings.HasPrefix(d.Scope.Package, "pkg:") {
		parts = []string{d.Scope.Package}
	}
	if parts != nil && d.Scope.Digest == "" && d.Scope.Repository == "" && d.Scope.RegistryID == 0 {
		return []vex.ExportProduct{{PURL: d.Scope.Package}}, nil
	}
	images, err := s.inventory.DecidedImages(ctx, d)
	var out []vex.ExportProduct
	for _, img := range images {
		out = append(out, vex.ExportProduct{PURL: vex.ImagePURL(img.URL, img.Path, img.Digest, ""), Components: parts})
	}
	return out, err
}

// VulnerabilityCVEs returns the CVEs behind a vulnerability of a project's images.
func (s *site) VulnerabilityCVEs(ctx context.Context, projectID string, eps []string, id string, offset, limit int) (plimsoll.Page[plimsoll.CVE], error) {
	var page plimsoll.Page[plimsoll.CVE]
	found, err := s.inventory.VulnerabilitiesNamed(ctx, projectID, eps, id)
	if err != nil {
		return page, err
	}
	found = slices.DeleteFunc(found, func(v plimsoll.Vulnerability) bool {
		return !plimsoll.IsCVE(v.ID) || (plimsoll.IsCVE(id) && v.ID != id)
	})
	page.Total = len(found)
	for _, v := range found[min(offset, len(found)):min(offset+limit, len(found))] {
		records, err := s.advisories.Advisory(ctx, append([]string{v.ID}, v.Advisories...))
		if err != nil {
			return page, err
		}
		page.Items = append(page.Items, cveOf(v, records))
	}
	return page, nil
}

// cveOf takes the record of the CVE itself where there is one, else those that name it.
func cveOf(v plimsoll.Vulnerability, records []plimsoll.Advisory) plimsoll.CVE {
	out := plimsoll.CVE{ID: v.ID, Score: v.Score}
	slices.SortStableFunc(records, func(a, b plimsoll.Advisory) int {
		switch {
		case a.ID == v.ID && b.ID != v.ID:
			return -1
		case b.ID == v.ID && a.ID != v.ID:
			return 1
		default:
			return 0
		}
	})
	for _, a := range records {
		if out.Description == "" {
			out.Description = wordsOf(a)
		}
		if out.Published.IsZero() || (!a.Published.IsZero() && a.Published.Before(out.Published)) {
			out.Published = a.Published
		}
	}
	return out
}

// wordsOf is the summary of a record, or the first paragraph of its details: many feeds have no summaries.
func wordsOf(a plimsoll.Advisory) string {
	if a.Summary != "" {
		return a.Summary
	}
	first, _, _ := strings.Cut(strings.TrimSpace(a.Details), "\n\n")
	return first
}

// ImageVulnerabilities lists the vulnerabilities of an image, described in the words of their advisories
// where a finding has no summary.
func (s *services) ImageVulnerabilities(ctx context.Context, img plimsoll.Image, f plimsoll.VulnerabilityFilter) (plimsoll.Page[plimsoll.Placed], error) {
	page, err := s.inventory.ImageVulnerabilities(ctx, img, f)
	if err != nil {
		return page, err
	}
	var ids []string
	for _, p := range page.Items {
		if p.Summary == "" {
			ids = append(ids, p.Advisories...)
		}
	}
	if len(ids) == 0 {
		return page, nil
	}
	slices.Sort(ids)
	records, err := s.advisories.Advisory(ctx, slices.Compact(ids))
	if err != nil {
		return page, err
	}
	texts := map[string]string{}
	for _, a := range records {
		if texts[a.ID] == "" {
			texts[a.ID] = wordsOf(a)
		}
	}
	for i := range page.Items {
		p := &page.Items[i]
		for _, id := range p.Advisories {
			if p.Summary == "" {
				p.Summary = texts[id]
			}
		}
	}
	return page, nil
}

// ChangeDecisions changes decisions and rings the queue.
func (s *services) ChangeDecisions(ctx context.Context, made, ended []plimsoll.Decision) ([]plimsoll.Decision, error) {
	defer s.queue.Wake()
	return s.inventory.ChangeDecisions(ctx, made, ended)
}

// EndDecision ends a decision and rings the queue.
func (s *services) EndDecision(ctx context.Context, projectID string, eps []string, id int64, by string) error {
	defer s.queue.Wake()
	return s.inventory.EndDecision(ctx, projectID, eps, id, by)
}

// Decisions lists decisions.
func (s *services) Decisions(ctx context.Context, f plimsoll.DecisionFilter) ([]plimsoll.Decision, error) {
	return s.inventory.Decisions(ctx, f)
}

// ImportVEX imports a document and rings the queue.
func (s *services) ImportVEX(ctx context.Context, t plimsoll.Tenant, by string, document []byte) (plimsoll.DocumentImport, error) {
	defer s.queue.Wake()
	return s.site.ImportVEX(ctx, t, by, document)
}
