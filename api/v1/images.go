package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
)

// ownImagesInput is plimsoll.ImageFilter as a query.
type ownImagesInput struct {
	OwnPath
	Origins          []plimsoll.Origin    `query:"origin" maxItems:"4" enum:"private,shared,instance,local" doc:"Comma-separated"`
	IDs              []int64              `query:"id,explode" maxItems:"200" doc:"Record ids"`
	RegistryID       int64                `query:"registry_id" minimum:"0"`
	Repository       string               `query:"repository" maxLength:"255" doc:"Path in the registry, exact"`
	Namespace        string               `query:"namespace" maxLength:"255" doc:"First segment of the path"`
	Name             string               `query:"name" maxLength:"255" doc:"The rest of the path"`
	Tag              string               `query:"tag" maxLength:"128"`
	Digest           string               `query:"digest" maxLength:"71" doc:"Manifest digest, sha256:…"`
	Latest           bool                 `query:"latest" doc:"The newest image of each repository only"`
	States           []plimsoll.ScanState `query:"state" maxItems:"7" enum:"pending,running,none,unreachable,oversized,failed,done" doc:"Comma-separated"`
	InstanceID       string               `query:"instance_id" maxLength:"128"`
	InstanceName     string               `query:"instance_name" maxLength:"128"`
	Size             int64                `query:"size" minimum:"0" doc:"Bytes, equality; 0 = any"`
	UpdatedFrom      time.Time            `query:"updated_from" doc:"RFC 3339, inclusive"`
	UpdatedTo        time.Time            `query:"updated_to" doc:"RFC 3339, inclusive"`
	ScannedFrom      time.Time            `query:"scanned_from" doc:"RFC 3339, inclusive"`
	ScannedTo        time.Time            `query:"scanned_to" doc:"RFC 3339, inclusive"`
	HasMalware       optional[bool]       `query:"has_malware" doc:"false: judged and none"`
	HasSetting       optional[bool]       `query:"has_setting" doc:"false: judged and none"`
	HasVulnerability optional[bool]       `query:"has_vulnerability" doc:"false: judged and none"`
	Offset           int                  `query:"offset" minimum:"0" maximum:"2000000"`
	Limit            int                  `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type ownImagesOutput struct {
	Body plimsoll.Page[plimsoll.Image]
}

type ownScanInput struct {
	OwnPath
	Body ownScanBody
}

type ownScanBody struct {
	Images []ownImageRef `json:"images" nullable:"false" minItems:"1" maxItems:"10000"`
}

type ownImageRef struct {
	Namespace  string `json:"namespace" minLength:"1" maxLength:"255"`
	Name       string `json:"name" minLength:"1" maxLength:"255"`
	Tag        string `json:"tag" minLength:"1" maxLength:"128"`
	InstanceID string `json:"instance_id,omitempty" maxLength:"128"`
}

func (a *API) registerOwnImages() {
	closed(a, huma.Operation{
		OperationID: "listImages", Method: http.MethodGet, Path: "/api/v1/projects/{project_id}/images",
		Tags: []string{"images"}, Summary: "List images",
	}, a.listOwnImages)
	closed(a, huma.Operation{
		OperationID: "scanImages", Method: http.MethodPost, Path: "/api/v1/projects/{project_id}/images/scan", DefaultStatus: http.StatusAccepted,
		Tags: []string{"scans"}, Summary: "Scan images", Description: "Answers with the task to watch. Role: editor.",
	}, a.scanOwnImages)
}

func (a *API) listOwnImages(ctx context.Context, in *ownImagesInput) (*ownImagesOutput, error) {
	f, err := in.filter(caller(ctx))
	if err != nil {
		return nil, err
	}
	page, err := a.roles.Images.Images(ctx, f)
	if err != nil {
		return nil, err
	}
	if page.Items == nil {
		page.Items = []plimsoll.Image{}
	}
	return &ownImagesOutput{Body: page}, nil
}

func (in *ownImagesInput) filter(p plimsoll.Principal) (plimsoll.ImageFilter, error) {
	eps, err := ownScope(p, plimsoll.RoleReader, in.EnterpriseProject)
	if err != nil {
		return plimsoll.ImageFilter{}, err
	}
	f := plimsoll.ImageFilter{
		ProjectID: in.ProjectID, EnterpriseProjects: eps,
		IDs: in.IDs, Origins: in.Origins, RegistryID: in.RegistryID, Repository: in.Repository,
		Namespace: in.Namespace, Name: in.Name, Tag: in.Tag, LatestOnly: in.Latest, States: in.States,
		InstanceID: in.InstanceID, InstanceName: in.InstanceName, Size: in.Size,
		UpdatedFrom: in.UpdatedFrom, UpdatedTo: in.UpdatedTo, ScannedFrom: in.ScannedFrom, ScannedTo: in.ScannedTo,
		HasMalware: in.HasMalware.pointer(), HasSetting: in.HasSetting.pointer(), HasVulnerability: in.HasVulnerability.pointer(),
		Offset: in.Offset, Limit: in.Limit,
	}
	if in.Digest != "" {
		if f.Digest, err = plimsoll.ParseDigest(in.Digest); err != nil {
			return f, err
		}
	}
	return f, f.Validate()
}

func (a *API) scanOwnImages(ctx context.Context, in *ownScanInput) (*taskOutput, error) {
	p := caller(ctx)
	eps, err := ownScope(p, plimsoll.RoleEditor, in.EnterpriseProject)
	if err != nil {
		return nil, err
	}
	refs := make([]plimsoll.ImageRef, 0, len(in.Body.Images))
	for _, r := range in.Body.Images {
		refs = append(refs, plimsoll.ImageRef{Namespace: r.Namespace, Name: r.Name, Tag: r.Tag, InstanceID: r.InstanceID})
	}
	f := plimsoll.ImageFilter{ProjectID: in.ProjectID, EnterpriseProjects: eps}
	task, err := a.roles.Scans.ScanImages(ctx, p.User.Name, plimsoll.PriorityInteractive, f, refs)
	if err != nil {
		return nil, err
	}
	return &taskOutput{Body: task}, nil
}
