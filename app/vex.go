package app

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/store"
	"plimsoll/vex"
)

// MaxVEXBytes bounds a document that is imported.
const MaxVEXBytes = vex.MaxBytes

// VEX exchanges decisions as VEX documents.
type VEX struct {
	store     *store.Store
	decisions *Decisions
	author    string // of documents that are written
}

// ImportVEX makes decisions of a VEX document, as by. Counts follow.
func (v *VEX) ImportVEX(ctx context.Context, t plimsoll.Tenant, by string, document []byte) (plimsoll.DocumentImport, error) {
	doc, err := vex.Parse(bytes.NewReader(document))
	if err != nil {
		return plimsoll.DocumentImport{}, err
	}
	if doc.Author == "" {
		doc.Author = by
	}
	known, err := v.store.KnownProducts(ctx, t, doc.Digests())
	if err != nil {
		return plimsoll.DocumentImport{}, err
	}
	decisions, unknown := doc.Decisions(known)
	doc.ImportedBy = by
	out, err := v.store.ImportDocument(ctx, t, doc.VEXDocument, decisions)
	out.Format, out.Statements, out.Unknown = doc.Format, doc.Statements, unknown
	if err != nil {
		return out, err
	}
	return out, v.decisions.follow(ctx)
}

// ExportVEX writes the active decisions of a project, or those that hold in one image.
func (v *VEX) ExportVEX(ctx context.Context, projectID string, eps []string, img *plimsoll.Image) ([]byte, error) {
	var list []vex.Export
	var err error
	if img != nil {
		list, err = v.imageExports(ctx, *img)
	} else {
		list, err = v.projectExports(ctx, projectID, eps)
	}
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = vex.WriteOpenVEX(&out, v.author, v.store.DB().Now(), list)
	return out.Bytes(), err
}

// imageExports are the decisions that hold for findings of an image, in the packages that they hold for.
func (v *VEX) imageExports(ctx context.Context, img plimsoll.Image) ([]vex.Export, error) {
	registries, err := v.store.Registries(ctx, img.ProjectID, nil)
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
		page, err := v.store.ImageVulnerabilities(ctx, img, f)
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
func (v *VEX) projectExports(ctx context.Context, projectID string, eps []string) ([]vex.Export, error) {
	var list []vex.Export
	f := plimsoll.DecisionFilter{ProjectID: projectID, EnterpriseProjects: eps, Limit: plimsoll.MaxLimit}
	for {
		page, err := v.store.Decisions(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, d := range page {
			e := vex.Export{Decision: d}
			if e.Products, err = v.decidedProducts(ctx, d); err != nil {
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

func (v *VEX) decidedProducts(ctx context.Context, d plimsoll.Decision) ([]vex.ExportProduct, error) {
	var parts []string
	if strings.HasPrefix(d.Scope.Package, "pkg:") {
		parts = []string{d.Scope.Package}
	}
	if parts != nil && d.Scope.Digest == "" && d.Scope.Repository == "" && d.Scope.RegistryID == 0 {
		return []vex.ExportProduct{{PURL: d.Scope.Package}}, nil
	}
	images, err := v.store.DecidedImages(ctx, d)
	var out []vex.ExportProduct
	for _, img := range images {
		out = append(out, vex.ExportProduct{PURL: vex.ImagePURL(img.URL, img.Path, img.Digest, ""), Components: parts})
	}
	return out, err
}
