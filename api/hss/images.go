package hss

import (
	"context"

	"plimsoll"
	"plimsoll/api/base"
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

// EnterpriseProjectID returns the enterprise project that the request names.
func (p ProjectPath) EnterpriseProjectID() string { return p.EnterpriseProject }

// RegionHeader is a header that clients of the contract send.
type RegionHeader struct {
	Region string `header:"region" minLength:"1" maxLength:"128" doc:"Accepted for old clients, not used"`
}

// PageQuery holds the paging parameters of the contract.
type PageQuery struct {
	Offset int32 `query:"offset" minimum:"0" maximum:"2000000" default:"0" doc:"Records to skip"`
	Limit  int32 `query:"limit" minimum:"1" maximum:"200" default:"10" doc:"Records per page"`
}

type listImagesInput struct {
	ProjectPath
	RegionHeader
	Namespace    string `query:"namespace" maxLength:"255" doc:"First segment of the repository path, exact"`
	ImageName    string `query:"image_name" maxLength:"255" doc:"The rest of the repository path, exact"`
	ImageVersion string `query:"image_version" maxLength:"128" doc:"Tag, exact"`
	Latest       bool   `query:"latest_version" doc:"true: the newest version of each repository only; false: no filter"`
	PageQuery
	ImageType    string              `query:"image_type" required:"true" enum:"private_image,shared_image,local_image,instance_image" doc:"Where images come from"`
	ScanStatus   string              `query:"scan_status" enum:"unscan,success,scanning,failed,download_failed,image_oversized,waiting_for_scan" doc:"How far the inspection has come"`
	InstanceName string              `query:"instance_name" maxLength:"128" doc:"Name of the enterprise instance, exact"`
	ImageSize    int64               `query:"image_size" minimum:"0" doc:"Bytes, equality; 0 = any"`
	UpdatedFrom  int64               `query:"start_latest_update_time" minimum:"0" doc:"ms since 1970, inclusive; 0 = no bound"`
	UpdatedTo    int64               `query:"end_latest_update_time" minimum:"0" doc:"ms since 1970, inclusive; 0 = no bound"`
	ScannedFrom  int64               `query:"start_latest_scan_time" minimum:"0" doc:"ms since 1970, inclusive; 0 = no bound"`
	ScannedTo    int64               `query:"end_latest_scan_time" minimum:"0" doc:"ms since 1970, inclusive; 0 = no bound"`
	HasMalware   base.Optional[bool] `query:"has_malicious_file" doc:"true: some; false: judged and none"`
	HasSetting   base.Optional[bool] `query:"has_unsafe_setting" doc:"true: some; false: judged and none"`
	HasVul       base.Optional[bool] `query:"has_vul" doc:"true: some; false: judged and none"`
	InstanceID   string              `query:"instance_id" maxLength:"128" doc:"Id of the enterprise instance, exact"`
}

type imageList struct {
	Total int32      `json:"total_num" minimum:"0" maximum:"2147483647" doc:"Matches before paging"`
	Rows  []imageRow `json:"data_list" nullable:"false" doc:"Newest latest_update_time first, then id descending"`
}

type listImagesOutput struct{ Body imageList }

func (h *handlers) listImages(ctx context.Context, in *listImagesInput) (*listImagesOutput, error) {
	f, err := in.filter(base.ScopeOf(ctx))
	if err != nil {
		return nil, err
	}
	page, err := h.roles.Images.Images(ctx, f)
	if err != nil {
		return nil, err
	}
	now := h.cfg.Now()
	out := &listImagesOutput{Body: imageList{Total: int32Of(page.Total), Rows: make([]imageRow, 0, len(page.Items))}}
	for _, img := range page.Items {
		out.Body.Rows = append(out.Body.Rows, wireImage(img, now))
	}
	return out, nil
}

func (in *listImagesInput) filter(scope base.Scope) (plimsoll.ImageFilter, error) {
	f := plimsoll.ImageFilter{
		ProjectID: in.ProjectID, EnterpriseProjects: scope.EnterpriseProjects,
		Namespace: in.Namespace, Name: in.ImageName, Tag: in.ImageVersion,
		LatestOnly: in.Latest, States: statesOf(in.ScanStatus),
		InstanceID: in.InstanceID, InstanceName: in.InstanceName, Size: in.ImageSize,
		UpdatedFrom: timeOf(in.UpdatedFrom), UpdatedTo: timeOf(in.UpdatedTo),
		ScannedFrom: timeOf(in.ScannedFrom), ScannedTo: timeOf(in.ScannedTo),
		HasMalware: in.HasMalware.Pointer(), HasSetting: in.HasSetting.Pointer(), HasVulnerability: in.HasVul.Pointer(),
		Offset: int(in.Offset), Limit: int(in.Limit),
	}
	if origin, ok := originOf(in.ImageType); ok {
		f.Origins = []plimsoll.Origin{origin}
	}
	return f, f.Validate()
}
