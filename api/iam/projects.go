package iam

import (
	"context"
	"net/url"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
	"plimsoll/api/base"
)

// ProjectLister lists the projects and enterprise projects of a domain.
type ProjectLister interface {
	Projects(ctx context.Context, domainID string) ([]plimsoll.Project, error)
	EnterpriseProjects(ctx context.Context, domainID string) ([]plimsoll.EnterpriseProject, error)
}

type listProjectsInput struct {
	ID       string              `query:"id" maxLength:"256" doc:"Exact"`
	Name     string              `query:"name" maxLength:"256" doc:"Exact. Clients of the vendor look up the project that is named like their region"`
	DomainID string              `query:"domain_id" maxLength:"256" doc:"Exact"`
	ParentID string              `query:"parent_id" maxLength:"256" doc:"Exact; the parent of every project is its domain"`
	Enabled  base.Optional[bool] `query:"enabled" doc:"false: none, for every project is enabled"`
	IsDomain base.Optional[bool] `query:"is_domain" doc:"true: none, for no project is a domain"`
	Page     int32               `query:"page" minimum:"1" default:"1" doc:"Number of the page"`
	PerPage  int32               `query:"per_page" minimum:"1" maximum:"5000" default:"5000" doc:"Projects per page"`
	query    url.Values
}

// Resolve keeps the query for the links to other pages.
func (in *listProjectsInput) Resolve(ctx huma.Context) []error {
	in.query = (&url.URL{RawQuery: ctx.URL().RawQuery}).Query()
	return nil
}

type projectList struct {
	Projects []wireProject `json:"projects" nullable:"false" doc:"By name"`
	Links    pageLinks     `json:"links"`
}

type wireProject struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description" doc:"Always empty"`
	DomainID    string   `json:"domain_id"`
	ParentID    string   `json:"parent_id" doc:"The domain"`
	Enabled     bool     `json:"enabled" doc:"Always true"`
	IsDomain    bool     `json:"is_domain" doc:"Always false"`
	Links       selfLink `json:"links"`
}

type selfLink struct {
	Self string `json:"self"`
}

type pageLinks struct {
	Self     string  `json:"self"`
	Previous *string `json:"previous" nullable:"true"`
	Next     *string `json:"next" nullable:"true"`
}

type listProjectsOutput struct{ Body projectList }

type oneProjectInput struct {
	ID string `path:"id" minLength:"1" maxLength:"256" doc:"Id of the project"`
}

type oneProjectOutput struct {
	Body struct {
		Project wireProject `json:"project"`
	}
}

type listDomainsOutput struct{ Body domainList }

type domainList struct {
	Domains []wireDomain `json:"domains" nullable:"false" doc:"The caller's, which is one"`
	Links   pageLinks    `json:"links"`
}

type wireDomain struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description" doc:"Always empty"`
	Enabled     bool     `json:"enabled" doc:"Always true"`
	Links       selfLink `json:"links"`
}

// allGrants returns the grants of a caller in every project.
func allGrants(p plimsoll.Principal) []plimsoll.Grant { return slices.Concat(p.User.Grants, p.Grants) }

// ownProjects are the projects in which the caller has a role.
func (h *handlers) ownProjects(ctx context.Context) ([]plimsoll.Project, error) {
	p := base.Caller(ctx)
	all, err := h.roles.Projects.Projects(ctx, p.Domain.ID)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(project plimsoll.Project) bool {
		return !slices.ContainsFunc(allGrants(p), func(g plimsoll.Grant) bool { return g.ProjectID == project.ID })
	}), nil
}

func (h *handlers) listProjects(ctx context.Context, in *listProjectsInput) (*listProjectsOutput, error) {
	projects, err := h.ownProjects(ctx)
	if err != nil {
		return nil, err
	}
	projects = slices.DeleteFunc(projects, func(p plimsoll.Project) bool { return !in.matches(p) })
	page, next := base.PageAt(projects, int(in.Page-1)*int(in.PerPage), int(in.PerPage))
	address := base.ServerURL(ctx)
	out := &listProjectsOutput{Body: projectList{Projects: wireProjects(page, address), Links: pageLinks{Self: in.link(address, in.Page)}}}
	if in.Page > 1 {
		out.Body.Links.Previous = new(in.link(address, in.Page-1))
	}
	if next {
		out.Body.Links.Next = new(in.link(address, in.Page+1))
	}
	return out, nil
}

func (in *listProjectsInput) matches(p plimsoll.Project) bool {
	same := func(wanted, have string) bool { return wanted == "" || wanted == have }
	enabled, isDomain := in.Enabled.Pointer(), in.IsDomain.Pointer()
	return same(in.ID, p.ID) && same(in.Name, p.Name) && same(in.DomainID, p.DomainID) && same(in.ParentID, p.DomainID) &&
		(enabled == nil || *enabled) && (isDomain == nil || !*isDomain)
}

// link is the address of a page of the same list; without paging in the request there is none in the link.
func (in *listProjectsInput) link(address string, page int32) string {
	link := address + "/v3/projects"
	if in.query.Has("page") || in.query.Has("per_page") || page != in.Page {
		in.query.Set("page", strconv.Itoa(int(page)))
		in.query.Set("per_page", strconv.Itoa(int(in.PerPage)))
	}
	if query := in.query.Encode(); query != "" {
		link += "?" + query
	}
	return link
}

func (h *handlers) showProject(ctx context.Context, in *oneProjectInput) (*oneProjectOutput, error) {
	projects, err := h.ownProjects(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(projects, func(p plimsoll.Project) bool { return p.ID == in.ID })
	if i < 0 {
		return nil, plimsoll.Errorf(plimsoll.NotFound, "no such project")
	}
	out := &oneProjectOutput{}
	out.Body.Project = wireProjects(projects[i:i+1], base.ServerURL(ctx))[0]
	return out, nil
}

func (h *handlers) listAuthProjects(ctx context.Context, _ *struct{}) (*listProjectsOutput, error) {
	projects, err := h.ownProjects(ctx)
	if err != nil {
		return nil, err
	}
	address := base.ServerURL(ctx)
	return &listProjectsOutput{Body: projectList{Projects: wireProjects(projects, address), Links: pageLinks{Self: address + "/v3/auth/projects"}}}, nil
}

func wireProjects(projects []plimsoll.Project, address string) []wireProject {
	list := make([]wireProject, 0, len(projects))
	for _, p := range projects {
		list = append(list, wireProject{
			ID: p.ID, Name: p.Name, DomainID: p.DomainID, ParentID: p.DomainID, Enabled: true,
			Links: selfLink{Self: address + "/v3/projects/" + url.PathEscape(p.ID)},
		})
	}
	return list
}

func (h *handlers) listAuthDomains(ctx context.Context, _ *struct{}) (*listDomainsOutput, error) {
	d := base.Caller(ctx).Domain
	self := base.ServerURL(ctx) + "/v3/auth/domains"
	return &listDomainsOutput{Body: domainList{
		Domains: []wireDomain{{ID: d.ID, Name: d.Name, Enabled: true, Links: selfLink{Self: self}}},
		Links:   pageLinks{Self: self},
	}}, nil
}
