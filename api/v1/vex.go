package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
)

// VEXKeeper reads VEX documents into decisions, and writes decisions as a document.
type VEXKeeper interface {
	// ImportVEX takes a document of any of the formats for a tenant; an empty enterprise project is the whole project.
	ImportVEX(ctx context.Context, t plimsoll.Tenant, by string, document []byte) (plimsoll.DocumentImport, error)

	// ExportVEX writes the active decisions of a project as OpenVEX, of one image if img is not nil.
	ExportVEX(ctx context.Context, projectID string, enterpriseProjects []string, img *plimsoll.Image) ([]byte, error)
}

// Explainer tells why an image is affected by a vulnerability, or why not.
type Explainer interface {
	// Explain answers for a CVE, an alias or the id of an advisory.
	Explain(ctx context.Context, img plimsoll.Image, id string) (plimsoll.Explanation, error)
}

type importVEXInput struct {
	DecideQuery
	RawBody []byte `contentType:"application/json"`
}

type importVEXOutput struct{ Body plimsoll.DocumentImport }

type exportVEXInput struct {
	OwnQuery
	Image string `query:"image_id" maxLength:"128" doc:"Record id, or the hex digits of the manifest digest; absent = every decision"`
}

type rawOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

type explainInput struct {
	OwnQuery
	Image string `path:"id" minLength:"1" maxLength:"128" doc:"Record id, or the hex digits of the manifest digest"`
	ID    string `path:"cve" minLength:"1" maxLength:"256" doc:"A CVE, an alias or the id of an advisory"`
}

type explainOutput struct{ Body plimsoll.Explanation }

func (a *API) registerVEX() {
	closed(a, huma.Operation{
		OperationID: "importVEX", Method: http.MethodPost, Path: "/api/v1/vex",
		Tags: []string{"decisions"}, Summary: "Import a VEX document as decisions",
		Description: "A newer document of the same id replaces what it said; the same one changes nothing. Products that nothing here answers to are listed in the answer. Role: editor.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/json": {Schema: &huma.Schema{Type: "object", Description: "OpenVEX 0.2, CSAF 2.0 of the VEX profile, or CycloneDX 1.4 to 1.6"}},
		}},
		SkipValidateBody: true, // room for every format; the importer checks
	}, a.importVEX)
	closed(a, huma.Operation{
		OperationID: "exportVEX", Method: http.MethodGet, Path: "/api/v1/vex",
		Tags: []string{"decisions"}, Summary: "Export decisions as OpenVEX",
	}, a.exportVEX)
	closed(a, huma.Operation{
		OperationID: "explainVulnerability", Method: http.MethodGet, Path: "/api/v1/images/{id}/vulnerabilities/{cve}",
		Tags: []string{"vulnerabilities"}, Summary: "Explain why an image is affected, or why not",
		Description: "From build step and layer over path, package and advisory to the range that matched, the fixed version, the severity with its source and the decision.",
	}, a.explain)
}

func (a *API) importVEX(ctx context.Context, in *importVEXInput) (*importVEXOutput, error) {
	p, t, err := deciding(ctx, in.DecideQuery)
	if err != nil {
		return nil, err
	}
	out, err := a.roles.VEX.ImportVEX(ctx, t, p.User.Name, in.RawBody)
	if err != nil {
		return nil, err
	}
	return &importVEXOutput{Body: out}, nil
}

func (a *API) exportVEX(ctx context.Context, in *exportVEXInput) (*rawOutput, error) {
	projectID, eps, err := reading(ctx, in.OwnQuery)
	if err != nil {
		return nil, err
	}
	var img *plimsoll.Image
	if in.Image != "" {
		found, err := a.projectImage(ctx, projectID, eps, in.Image)
		if err != nil {
			return nil, err
		}
		img = &found
	}
	doc, err := a.roles.VEX.ExportVEX(ctx, projectID, eps, img)
	if err != nil {
		return nil, err
	}
	return &rawOutput{ContentType: "application/json", Body: doc}, nil
}

func (a *API) explain(ctx context.Context, in *explainInput) (*explainOutput, error) {
	projectID, eps, err := reading(ctx, in.OwnQuery)
	if err != nil {
		return nil, err
	}
	img, err := a.projectImage(ctx, projectID, eps, in.Image)
	if err != nil {
		return nil, err
	}
	out, err := a.roles.Explainer.Explain(ctx, img, in.ID)
	if err != nil {
		return nil, err
	}
	return &explainOutput{Body: out}, nil
}

// projectImage finds an image that the caller may see; another's is as unknown as none.
func (a *API) projectImage(ctx context.Context, projectID string, eps []string, id string) (plimsoll.Image, error) {
	return a.find(ctx, plimsoll.ImageLookup{ProjectID: projectID, EnterpriseProjects: eps, ID: id})
}
