package hss

import (
	"context"

	"plimsoll"
)

// VulnerabilityLister lists what is wrong with one image.
type VulnerabilityLister interface {
	ImageVulnerabilities(ctx context.Context, img plimsoll.Image, f plimsoll.VulnerabilityFilter) (plimsoll.Page[plimsoll.Placed], error)
}

type listVulnerabilitiesInput struct {
	ProjectPath
	ImageID string `path:"image_id" maxLength:"128" doc:"Record id, or the hex digits of the manifest digest"`
	PageQuery
	ImageType    string `query:"image_type" required:"true" enum:"private_image,shared_image,instance_image,cicd,harbor,jfrog" doc:"Where the image comes from"`
	InstanceID   string `query:"instance_id" maxLength:"128" doc:"Id of the enterprise instance"`
	Namespace    string `query:"namespace" maxLength:"255" doc:"First segment of the repository path"`
	ImageName    string `query:"image_name" maxLength:"255" doc:"The rest of the repository path"`
	Tag          string `query:"tag_name" maxLength:"128" doc:"Tag"`
	Repair       string `query:"repair_necessity" enum:"immediate_repair,delay_repair,not_needed_repair" doc:"Urgency"`
	VulID        string `query:"vul_id" maxLength:"128" doc:"Part of an id, any case"`
	App          string `query:"app_name" maxLength:"255" doc:"Package, exact"`
	Type         string `query:"type" enum:"linux_vul,app_vul" doc:"Packages of the operating system, or of languages"`
	HandleStatus string `query:"handle_status" enum:"unhandled,handled" doc:"Is there a decision about it?"`
}

type vulnerabilityList struct {
	Total int32              `json:"total_num" minimum:"0" maximum:"2147483647" doc:"Matches before paging"`
	Rows  []vulnerabilityRow `json:"data_list" nullable:"false" doc:"One row per vulnerability, package and place"`
}

type listVulnerabilitiesOutput struct{ Body vulnerabilityList }

func (h *handlers) listVulnerabilities(ctx context.Context, in *listVulnerabilitiesInput) (*listVulnerabilitiesOutput, error) {
	img, err := h.findImage(ctx, in.ImageType, plimsoll.ImageLookup{
		ProjectID: in.ProjectID, ID: in.ImageID,
		Ref: plimsoll.ImageRef{Namespace: in.Namespace, Name: in.ImageName, Tag: in.Tag, InstanceID: in.InstanceID},
	})
	if err != nil {
		return nil, err
	}
	page, err := h.roles.Vulnerabilities.ImageVulnerabilities(ctx, img, in.filter())
	if err != nil {
		return nil, err
	}
	out := &listVulnerabilitiesOutput{Body: vulnerabilityList{Total: int32Of(page.Total), Rows: make([]vulnerabilityRow, 0, len(page.Items))}}
	for _, v := range page.Items {
		out.Body.Rows = append(out.Body.Rows, wireVulnerability(v, len(img.Platforms) > 0))
	}
	return out, nil
}

func (in *listVulnerabilitiesInput) filter() plimsoll.VulnerabilityFilter {
	f := plimsoll.VulnerabilityFilter{
		IDContains: in.VulID, Package: in.App, Urgency: urgencyOf(in.Repair),
		Offset: int(in.Offset), Limit: int(in.Limit),
	}
	if in.Type != "" {
		f.OS = new(in.Type == "linux_vul")
	}
	if in.HandleStatus != "" {
		f.Handled = new(in.HandleStatus == "handled")
	}
	return f
}
