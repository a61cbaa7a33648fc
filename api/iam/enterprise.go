package iam

import (
	"context"
	"slices"
	"strings"
	"time"

	"plimsoll"
	"plimsoll/api/base"
)

type listEnterpriseInput struct {
	ID     string `query:"id" maxLength:"256" doc:"Exact; 0 is the default one"`
	Name   string `query:"name" maxLength:"256" doc:"Part of a name, any case"`
	Status int32  `query:"status" minimum:"0" maximum:"2" doc:"1: enabled, which every one is; 2: disabled; 0 = any"`
	Type   string `query:"type" enum:"prod,poc" doc:"Every one is prod"`
	Key    string `query:"sort_key" enum:"created_at,updated_at" default:"created_at" doc:"Both are the same: enterprise projects do not change"`
	Order  string `query:"sort_dir" enum:"asc,desc" default:"desc" doc:"Equal times are by id, ascending"`
	Offset int32  `query:"offset" minimum:"0" default:"0" doc:"Records to skip"`
	Limit  int32  `query:"limit" minimum:"1" maximum:"1000" default:"1000" doc:"Records per page"`
}

type enterpriseList struct {
	Rows  []wireEnterprise `json:"enterprise_projects" nullable:"false" doc:"In the order asked for"`
	Total int32            `json:"total_count" doc:"Matches before paging"`
}

type wireEnterprise struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description" doc:"Always empty"`
	Status      int32  `json:"status" doc:"Always 1, enabled"`
	CreatedAt   string `json:"created_at" doc:"YYYY-MM-DDTHH:MM:SSZ"`
	UpdatedAt   string `json:"updated_at" doc:"As created_at: enterprise projects do not change"`
	Type        string `json:"type" doc:"Always prod"`
	DeleteFlag  bool   `json:"delete_flag" doc:"Always false"`
}

type listEnterpriseOutput struct{ Body enterpriseList }

type oneEnterpriseInput struct {
	ID string `path:"id" minLength:"1" maxLength:"256" doc:"Id of the enterprise project"`
}

type oneEnterpriseOutput struct {
	Body struct {
		EnterpriseProject wireEnterprise `json:"enterprise_project"`
	}
}

// ownEnterprise are the enterprise projects in which the caller has a role.
func (h *handlers) ownEnterprise(ctx context.Context) ([]plimsoll.EnterpriseProject, error) {
	p := base.Caller(ctx)
	all, err := h.roles.Projects.EnterpriseProjects(ctx, p.Domain.ID)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(ep plimsoll.EnterpriseProject) bool {
		return !slices.ContainsFunc(allGrants(p), func(g plimsoll.Grant) bool { return g.EnterpriseProject == "" || g.EnterpriseProject == ep.ID })
	}), nil
}

func (h *handlers) listEnterprise(ctx context.Context, in *listEnterpriseInput) (*listEnterpriseOutput, error) {
	list, err := h.ownEnterprise(ctx)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(ep plimsoll.EnterpriseProject) bool { return !in.matches(ep) })
	slices.SortStableFunc(list, func(a, b plimsoll.EnterpriseProject) int {
		if in.Order == "asc" {
			a, b = b, a
		}
		return b.CreatedAt.Compare(a.CreatedAt)
	})
	page, _ := base.PageAt(list, int(in.Offset), int(in.Limit))
	out := &listEnterpriseOutput{Body: enterpriseList{Rows: make([]wireEnterprise, 0, len(page)), Total: int32(len(list))}}
	for _, ep := range page {
		out.Body.Rows = append(out.Body.Rows, wireEnterpriseProject(ep))
	}
	return out, nil
}

func (in *listEnterpriseInput) matches(ep plimsoll.EnterpriseProject) bool {
	const disabled = 2
	return (in.ID == "" || in.ID == ep.ID) && strings.Contains(strings.ToLower(ep.Name), strings.ToLower(in.Name)) &&
		in.Status != disabled && in.Type != "poc"
}

func (h *handlers) showEnterprise(ctx context.Context, in *oneEnterpriseInput) (*oneEnterpriseOutput, error) {
	list, err := h.ownEnterprise(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(ep plimsoll.EnterpriseProject) bool { return ep.ID == in.ID })
	if i < 0 {
		return nil, plimsoll.Errorf(plimsoll.NotFound, "no such enterprise project")
	}
	out := &oneEnterpriseOutput{}
	out.Body.EnterpriseProject = wireEnterpriseProject(list[i])
	return out, nil
}

func wireEnterpriseProject(ep plimsoll.EnterpriseProject) wireEnterprise {
	created := ep.CreatedAt.UTC().Format(time.RFC3339)
	return wireEnterprise{ID: ep.ID, Name: ep.Name, Status: 1, CreatedAt: created, UpdatedAt: created, Type: "prod"}
}
