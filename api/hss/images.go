package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
)

// ImageLister lists images of a project.
type ImageLister interface {
	Images(ctx context.Context, f plimsoll.ImageFilter) (plimsoll.Page[plimsoll.Image], error)
}

// ProjectPath holds the parameters that every operation of the contract has.
type ProjectPath struct {
	ProjectID         string `path:"project_id" minLength:"1" maxLength:"256" doc:"Project of the caller"`
	EnterpriseProject string `query:"enterprise_project_id" minLength:"1" maxLength:"256" default:"0" doc:"Enterprise project; 0 is the default one, all_granted_eps every one that the caller may see"`
}

// RegionHeader is a header that clients of the contract send.
type RegionHeader struct {
	Region string `header:"region" minLength:"1" maxLength:"128" doc:"Accepted for old clients, not used"`
}

// PageQuery holds the paging parameters of the contract.
type PageQuery struct {
	Offset int32 `query:"offset" minimum:"0" maximum:"2000000" default:"0" doc:"Records to skip"`
	Limit  int32 `query:"limit" minimum:"1" maximum:"200" default:"10" doc:"Records a page"`
}

type listImagesInput struct {
	ProjectPath
	RegionHeader
	Namespace    string `query:"namespace" maxLength:"255" doc:"First segment of the repository path, exact"`
	ImageName    string `query:"image_name" maxLength:"255" doc:"The rest of the repository path, exact"`
	ImageVersion string `query:"image_version" maxLength:"128" doc:"Tag, exact"`
	Latest       bool   `query:"latest_version" doc:"true: the newest version of each repository only; false: no filter"`
	PageQuery
	ImageType    string         `query:"image_type" required:"true" enum:"private_image,shared_image,local_image,instance_image" doc:"Where images come from"`
	ScanStatus   string         `query:"scan_status" enum:"unscan,success,scanning,failed,download_failed,image_oversized,waiting_for_scan" doc:"How far the inspection has come"`
	InstanceName string         `query:"instance_name" maxLength:"128" doc:"Name of the enterprise instance, exact"`
	ImageSize    int64          `query:"image_size" minimum:"0" doc:"Bytes, equality; 0 = any"`
	UpdatedFrom  int64          `query:"start_latest_update_time" minimum:"0" doc:"ms since 1970, inclusive; 0 = no bound"`
	UpdatedTo    int64          `query:"end_latest_update_time" minimum:"0" doc:"ms since 1970, inclusive; 0 = no bound"`
	ScannedFrom  int64          `query:"start_latest_scan_time" minimum:"0" doc:"ms since 1970, inclusive; 0 = no bound"`
	ScannedTo    int64          `query:"end_latest_scan_time" minimum:"0" doc:"ms since 1970, inclusive; 0 = no bound"`
	HasMalware   optional[bool] `query:"has_malicious_file" doc:"true: some; false: judged and none"`
	HasSetting   optional[bool] `query:"has_unsafe_setting" doc:"true: some; false: judged and none"`
	HasVul       optional[bool] `query:"has_vul" doc:"true: some; false: judged and none"`
	InstanceID   string         `query:"instance_id" maxLength:"128" doc:"Id of the enterprise instance, exact"`
}

type imageList struct {
	Total int32      `json:"total_num" minimum:"0" maximum:"2147483647" doc:"Matches before paging"`
	Rows  []imageRow `json:"data_list" nullable:"false" doc:"Newest latest_update_time first, then id descending"`
}

type listImagesOutput struct{ Body imageList }

func (a *API) registerImages() {
	closed(a, huma.Operation{
		OperationID: "ListSwrImageRepository", Method: http.MethodGet, Path: "/v5/{project_id}/image/swr-repository",
		Tags: []string{"images"}, Summary: "List images",
		Description: "Images synchronised from the project's registries, with what is wrong with them. All filters must match; a bare or empty parameter is absent; unknown parameters are ignored.",
	}, a.listImages)
}

func (a *API) listImages(ctx context.Context, in *listImagesInput) (*listImagesOutput, error) {
	f, err := in.filter(caller(ctx))
	if err != nil {
		return nil, err
	}
	page, err := a.roles.Images.Images(ctx, f)
	if err != nil {
		return nil, err
	}
	now := a.cfg.Now()
	out := &listImagesOutput{Body: imageList{Total: int32Of(page.Total), Rows: make([]imageRow, 0, len(page.Items))}}
	for _, img := range page.Items {
		out.Body.Rows = append(out.Body.Rows, wireImage(img, now))
	}
	return out, nil
}

func (in *listImagesInput) filter(p plimsoll.Principal) (plimsoll.ImageFilter, error) {
	eps, err := scope(p, plimsoll.RoleReader, in.EnterpriseProject)
	if err != nil {
		return plimsoll.ImageFilter{}, err
	}
	f := plimsoll.ImageFilter{
		ProjectID: in.ProjectID, EnterpriseProjects: eps,
		Namespace: in.Namespace, Name: in.ImageName, Tag: in.ImageVersion,
		LatestOnly: in.Latest, States: statesOf(in.ScanStatus),
		InstanceID: in.InstanceID, InstanceName: in.InstanceName, Size: in.ImageSize,
		UpdatedFrom: timeOf(in.UpdatedFrom), UpdatedTo: timeOf(in.UpdatedTo),
		ScannedFrom: timeOf(in.ScannedFrom), ScannedTo: timeOf(in.ScannedTo),
		HasMalware: in.HasMalware.pointer(), HasSetting: in.HasSetting.pointer(), HasVulnerability: in.HasVul.pointer(),
		Offset: int(in.Offset), Limit: int(in.Limit),
	}
	if origin, ok := originOf(in.ImageType); ok {
		f.Origins = []plimsoll.Origin{origin}
	}
	return f, f.Validate()
}
