package hss

import (
	"context"

	"plimsoll"
	"plimsoll/api/base"
)

// CVELister lists the CVEs behind what was found.
type CVELister interface {
	// VulnerabilityCVEs returns, by id, the CVEs that a vulnerability found in images of a project means: a
	// CVE itself, or those of a notice. The enterprise projects limit the images; nil means every one.
	VulnerabilityCVEs(ctx context.Context, projectID string, enterpriseProjects []string, id string, offset, limit int) (plimsoll.Page[plimsoll.CVE], error)
}

type listCVEsInput struct {
	ProjectPath
	RegionHeader
	VulID string `path:"vul_id" minLength:"1" maxLength:"256" doc:"A CVE, or the id of a notice"`
	PageQuery
}

type cveList struct {
	Total int32    `json:"total_num" minimum:"0" maximum:"2147483647" doc:"Matches before paging"`
	Rows  []cveRow `json:"data_list" nullable:"false" doc:"By id"`
}

// cveRow is one row of ListVulnerabilityCve.
type cveRow struct {
	ID          string  `json:"cve_id"`
	Score       float32 `json:"cvss_score" minimum:"0" maximum:"10" doc:"Base score; 0 if none is known"`
	PublishTime *int64  `json:"publish_time,omitempty" minimum:"0" doc:"ms since 1970; absent if not known"`
	Description string  `json:"description"`
}

type listCVEsOutput struct{ Body cveList }

func (h *handlers) listCVEs(ctx context.Context, in *listCVEsInput) (*listCVEsOutput, error) {
	page, err := h.roles.CVEs.VulnerabilityCVEs(ctx, in.ProjectID, base.ScopeOf(ctx).EnterpriseProjects, in.VulID, int(in.Offset), int(in.Limit))
	if err != nil {
		return nil, err
	}
	out := &listCVEsOutput{Body: cveList{Total: int32Of(page.Total), Rows: make([]cveRow, 0, len(page.Items))}}
	for _, c := range page.Items {
		row := cveRow{ID: c.ID, Score: float32(c.Score), Description: c.Description}
		if !c.Published.IsZero() {
			row.PublishTime = new(c.Published.UnixMilli())
		}
		out.Body.Rows = append(out.Body.Rows, row)
	}
	return out, nil
}
