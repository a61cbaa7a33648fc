package v1

import (
	"context"

	"plimsoll"
	"plimsoll/api/base"
)

// VEXKeeper reads VEX documents into decisions, and writes decisions as a document.
type VEXKeeper interface {
	// ImportVEX takes a document of any of the formats for a tenant; an empty enterprise project is the whole project.
	ImportVEX(ctx context.Context, t plimsoll.Tenant, by string, document []byte) (plimsoll.DocumentImport, error)

	// ExportVEX writes the active decisions of a project as OpenVEX, of one image if img is not nil.
	ExportVEX(ctx context.Context, projectID string, enterpriseProjects []string, img *plimsoll.Image) ([]byte, error)
}

// Explainer explains why an image is affected by a vulnerability, or why not.
type Explainer interface {
	// Explain answers for a CVE, an alias or the id of an advisory.
	Explain(ctx context.Context, img plimsoll.Image, id string) (plimsoll.Explanation, error)
}

type importVEXInput struct {
	TenantQuery
	RawBody []byte `contentType:"application/json"`
}

type importVEXOutput struct{ Body plimsoll.DocumentImport }

type exportVEXInput struct {
	ProjectQuery
	Image string `query:"image_id" maxLength:"128" doc:"Record id, or the hex digits of the manifest digest; absent = every decision"`
}

type rawOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

type explainInput struct {
	ImagePath
	Vulnerability string `path:"cve" minLength:"1" maxLength:"256" doc:"A CVE, an alias or the id of an advisory"`
}

type explainOutput struct{ Body plimsoll.Explanation }

func (h *handlers) importVEX(ctx context.Context, in *importVEXInput) (*importVEXOutput, error) {
	tenant, err := base.ScopeOf(ctx).Tenant()
	if err != nil {
		return nil, err
	}
	out, err := h.roles.VEX.ImportVEX(ctx, tenant, base.Caller(ctx).User.Name, in.RawBody)
	if err != nil {
		return nil, err
	}
	return &importVEXOutput{Body: out}, nil
}

func (h *handlers) exportVEX(ctx context.Context, in *exportVEXInput) (*rawOutput, error) {
	var img *plimsoll.Image
	if in.Image != "" {
		found, err := h.findImage(ctx, in.Image)
		if err != nil {
			return nil, err
		}
		img = &found
	}
	scope := base.ScopeOf(ctx)
	doc, err := h.roles.VEX.ExportVEX(ctx, scope.ProjectID, scope.EnterpriseProjects, img)
	if err != nil {
		return nil, err
	}
	return &rawOutput{ContentType: "application/json", Body: doc}, nil
}

func (h *handlers) explain(ctx context.Context, in *explainInput) (*explainOutput, error) {
	img, err := h.findImage(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out, err := h.roles.Explainer.Explain(ctx, img, in.Vulnerability)
	if err != nil {
		return nil, err
	}
	return &explainOutput{Body: out}, nil
}
