package hss

import (
	"context"

	"plimsoll"
)

// buildChecks is the family of rules about the history of an image.
const buildChecks = "Build commands"

type buildRisksInput struct {
	ProjectPath
	PageQuery
	RegionHeader
	ImageType string `query:"image_type" required:"true" minLength:"1" maxLength:"32" enum:"cicd,registry" doc:"Where images come from"`
	ImageID   string `query:"image_id" minLength:"0" maxLength:"128" doc:"Record id, or the hex digits of the manifest digest"`
	Name      string `query:"risk_name" minLength:"1" maxLength:"512" doc:"Part of the rule's title, any case"`
	Level     string `query:"risk_level" minLength:"1" maxLength:"64" enum:"critical,high,medium,low" doc:"Severity"`
}

type buildRisk struct {
	Scanned   int64  `json:"latest_scan_time" minimum:"0" doc:"Newest inspection of the images, ms since 1970"`
	Images    int32  `json:"image_num" minimum:"0" doc:"Images on which the rule failed"`
	ID        string `json:"risk_id" minLength:"1" maxLength:"64" doc:"Id of the rule"`
	Rule      string `json:"rule_id" minLength:"1" maxLength:"64" doc:"The same"`
	Name      string `json:"risk_name" minLength:"1" maxLength:"512" doc:"What is wrong"`
	Level     string `json:"risk_level" enum:"critical,high,medium,low" doc:"Severity"`
	About     string `json:"description" minLength:"0" maxLength:"65534" doc:"What the rule looks at"`
	ImageType string `json:"image_type" minLength:"1" maxLength:"32" doc:"As asked"`
}

type buildRisksOutput struct {
	Body struct {
		Total int32       `json:"total_num" minimum:"0" maximum:"2147483547" doc:"Matches before paging"`
		Rows  []buildRisk `json:"data_list" nullable:"false" doc:"Rules about build commands that failed on some image, by id"`
	}
}

func (h *handlers) listBuildRisks(ctx context.Context, in *buildRisksInput) (*buildRisksOutput, error) {
	tallies, err := h.ruleTallies(ctx, &BaselineQuery{ProjectPath: in.ProjectPath}, in.ImageType, in.ImageID, "")
	if err != nil {
		return nil, err
	}
	rows := []buildRisk{}
	for _, t := range tallies {
		if t.Check != buildChecks || t.Kind != plimsoll.KindConfiguration || t.Failed == 0 ||
			in.Level != "" && string(t.Severity) != in.Level || !containsFold(t.Title, in.Name) {
			continue
		}
		rows = append(rows, buildRisk{
			Scanned: max(0, t.Scanned.UnixMilli()), Images: int32Of(t.Failed), ID: t.ID, Rule: t.ID, Name: t.Title,
			Level: string(t.Severity), About: t.Description, ImageType: in.ImageType,
		})
	}
	out := &buildRisksOutput{}
	out.Body.Total, out.Body.Rows = int32Of(len(rows)), rowsOfPage(rows, in.PageQuery)
	return out, nil
}
