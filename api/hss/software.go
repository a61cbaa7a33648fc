package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
)

// SoftwareKeeper keeps what software projects forbid, and finds it.
type SoftwareKeeper interface {
	SoftwarePolicy(ctx context.Context, projectID string) ([]plimsoll.SoftwareRule, error)

	// SetSoftwarePolicy replaces the policy; nil brings the default back.
	SetSoftwarePolicy(ctx context.Context, projectID, by string, rules []plimsoll.SoftwareRule) error

	ForbiddenSoftware(ctx context.Context, img plimsoll.Image) ([]plimsoll.ForbiddenSoftware, error)
}

type nonCompliantInput struct {
	ProjectPath
	PageQuery
	RegionHeader
	ImageID   string `path:"image_id" minLength:"0" maxLength:"65535" doc:"Record id, or the hex digits of the manifest digest"`
	ImageType string `query:"image_type" required:"true" enum:"private_image,shared_image,instance_image,cicd,harbor" doc:"Where the image comes from"`
	Namespace string `query:"namespace" minLength:"0" maxLength:"65535" doc:"First segment of the repository path"`
	ImageName string `query:"image_name" minLength:"0" maxLength:"65535" doc:"The rest of the repository path"`
	Version   string `query:"image_version" minLength:"0" maxLength:"65535" doc:"Tag"`
	App       string `query:"app_name" minLength:"0" maxLength:"65535" doc:"Part of a package's name, any case"`
}

type nonCompliantApp struct {
	ID      string `json:"id" minLength:"0" maxLength:"128" doc:"Stays the same as long as package and place do"`
	Name    string `json:"app_name" doc:"Package"`
	Path    string `json:"app_path" doc:"File that names the package"`
	Version string `json:"app_version" doc:"Installed version"`
	Layer   string `json:"layer_digest" minLength:"0" maxLength:"128" doc:"Diff ID of the layer that brought the package"`
}

type nonCompliantOutput struct {
	Body struct {
		Total int32             `json:"total_num" minimum:"0" maximum:"2147483547" doc:"Matches before paging"`
		Rows  []nonCompliantApp `json:"data_list" nullable:"false" doc:"Packages that the project's policy forbids, by rule and name"`
	}
}

// PolicyPath names the project whose policy is meant.
type PolicyPath struct {
	ProjectID string `path:"project_id" minLength:"1" maxLength:"256" doc:"Project of the caller"`
}

type setPolicyInput struct {
	PolicyPath
	Body struct {
		Rules []plimsoll.SoftwareRule `json:"rules" nullable:"true" maxItems:"300" doc:"The new policy; [] forbids nothing, null brings the default back"`
	}
}

type policyOutput struct {
	Body plimsoll.Page[plimsoll.SoftwareRule]
}

func (a *API) registerSoftware() {
	closed(a, huma.Operation{
		OperationID: "ListImageNonCompliantApp", Method: http.MethodGet, Path: "/v5/{project_id}/image/{image_id}/non-compliant-app",
		Tags: []string{"software"}, Summary: "List the software of an image that its project forbids",
	}, a.listNonCompliant)
}

func (a *API) registerOwnSoftware() {
	const path = "/api/v1/projects/{project_id}/software-policy"
	closed(a, huma.Operation{
		OperationID: "showSoftwarePolicy", Method: http.MethodGet, Path: path, Tags: []string{"software"}, Summary: "Show what software a project forbids",
	}, a.showPolicy)
	closed(a, huma.Operation{
		OperationID: "setSoftwarePolicy", Method: http.MethodPut, Path: path, Tags: []string{"software"}, Summary: "Choose what software a project forbids",
		Description: "Acts at once on what is stored; nothing is scanned again. Role: admin in the whole project.",
	}, a.setPolicy)
}

func (a *API) listNonCompliant(ctx context.Context, in *nonCompliantInput) (*nonCompliantOutput, error) {
	img, err := a.image(ctx, in.ImageType, in.EnterpriseProject, plimsoll.ImageLookup{
		ProjectID: in.ProjectID, ID: in.ImageID, Ref: plimsoll.ImageRef{Namespace: in.Namespace, Name: in.ImageName, Tag: in.Version},
	})
	if err != nil {
		return nil, err
	}
	list, err := a.roles.Software.ForbiddenSoftware(ctx, img)
	if err != nil {
		return nil, err
	}
	rows := []nonCompliantApp{}
	for _, f := range list {
		if containsFold(f.Package.Name, in.App) {
			rows = append(rows, nonCompliantApp{ID: softwareID(f), Name: f.Package.Name, Path: f.Path, Version: f.Package.Version, Layer: string(f.Layer)})
		}
	}
	out := &nonCompliantOutput{}
	out.Body.Total, out.Body.Rows = int32Of(len(rows)), cut(rows, in.PageQuery)
	return out, nil
}

// softwareID tells findings of one image apart, of its platforms too.
func softwareID(f plimsoll.ForbiddenSoftware) string {
	h := sha256.New()
	for _, part := range [...]string{f.Package.Ecosystem, f.Package.Name, f.Package.Version, f.Package.Arch, f.Path, string(f.Layer), f.Platform.String()} {
		h.Write([]byte(part + "\x00"))
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

func (a *API) showPolicy(ctx context.Context, in *PolicyPath) (*policyOutput, error) {
	if _, err := ownScope(caller(ctx), plimsoll.RoleReader, ""); err != nil {
		return nil, err
	}
	rules, err := a.roles.Software.SoftwarePolicy(ctx, in.ProjectID)
	return &policyOutput{Body: pageOf(rules)}, err
}

func (a *API) setPolicy(ctx context.Context, in *setPolicyInput) (*policyOutput, error) {
	p := caller(ctx)
	if err := wholeProject(p, plimsoll.RoleAdmin); err != nil {
		return nil, err
	}
	if err := a.roles.Software.SetSoftwarePolicy(ctx, in.ProjectID, p.User.Name, in.Body.Rules); err != nil {
		return nil, err
	}
	return a.showPolicy(ctx, &in.PolicyPath)
}
